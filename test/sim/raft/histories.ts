/**
 * The histories of a group whose members keep real ones: while it lives, whoever misses segments fetches them from all
 * others, some of whom lie; at the end each history is verified, hash by hash, repaired from the others where a disk
 * damaged it, and compared with what the group committed.
 */
import { packEntry } from '#io/log/raft/entry-codec.ts';
import { isBroken, readSealed } from '#io/log/raft/history/check.ts';
import { fetchMissing } from '#io/log/raft/history/fetch.ts';
import type { History } from '#io/log/raft/history/history.ts';
import type { SegmentInfo } from '#io/log/raft/history/segment.ts';
import type { SegmentSource } from '#io/log/raft/history/source.ts';
import type { SeededRandom } from '#io/devices/random/sim.ts';
import { StoreError } from '#io/stores/port.ts';
import { AgendaClock } from '#io/world/consensus/agenda-clock.ts';
import type { Group } from '#io/world/consensus/group.ts';
import type { Member } from '#io/world/consensus/member.ts';
import { StoredDisk } from '#io/world/consensus/stored-disk.ts';
import type { Truth } from './truth.ts';

interface Keeper {
  readonly member: Member;
  readonly history: History;
  readonly disk: StoredDisk;
}

const everyMs = 300;
/** Far more than there are segments to repair. */
const maxRepairs = 50;

export class Histories {
  readonly #group: Group;
  readonly #truth: Truth;
  readonly #random: SeededRandom;
  readonly #say: (line: string) => void;
  /** Who is at it already. */
  readonly #fetching = new WeakSet<History>();
  /** Segments that came from others. */
  fetched = 0;
  /** Sealed segments that were verified at the end, on all members together. */
  verified = 0;

  constructor(group: Group, truth: Truth, random: SeededRandom, say: (line: string) => void) {
    this.#group = group;
    this.#truth = truth;
    this.#random = random;
    this.#say = say;
    this.#look();
  }

  /** Now and then, as long as the group lives. */
  #look(): void {
    for (const keeper of this.#keepers()) {
      const { member, history } = keeper;
      if (history.missing().length === 0 || this.#fetching.has(history)) continue;
      this.#fetching.add(history);
      this.#fetch(keeper).then(
        () => this.#fetching.delete(history),
        // Of its own disk: the process ends.
        (error: unknown) =>
          member.do(() => {
            throw error;
          }),
      );
    }
    this.#group.agenda.in(everyMs, () => this.#look());
  }

  /** Nothing lives any more but the promises of this. Each history is whole, and the one that the group agreed on. */
  async prove(): Promise<void> {
    for (const keeper of this.#keepers()) if (await this.#repairs(keeper)) await this.#compare(keeper);
    this.#compareSegments();
  }

  /** @returns false when a fault that waited for the next write of its disk ends the process */
  async #repairs(keeper: Keeper): Promise<boolean> {
    try {
      await this.#repair(keeper);
      return true;
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'FAILED') throw error;
      this.#say(`${keeper.member.id} ends: ${error.message}`);
      return false;
    }
  }

  async #repair(keeper: Keeper): Promise<void> {
    const { history, member } = keeper;
    for (let repairs = 0; repairs < maxRepairs; repairs++) {
      const broken = await history.verify();
      if (!broken) return;
      const before = history.missing().length;
      this.#say(`${member.id} finds its history broken: ${broken.file} at byte ${broken.offset}, ${broken.explain}`);
      await this.#fetch(keeper, true);
      if (before === 0 || history.missing().length < before) continue;
      const lost = history.missing()[0];
      const other = lost && (await this.#whoHas(lost, member));
      if (other) this.#complain(keeper, `misses the segment from entry ${lost.first} on, which ${other.id} has`);
      else if (!lost) this.#complain(keeper, `is broken in ${broken.file}: ${broken.explain}`);
      return;
    }
    this.#complain(keeper, 'cannot be repaired');
  }

  /** Whether somebody else has it, every byte. */
  async #whoHas({ first, sha256 }: SegmentInfo, but: Member): Promise<Member | undefined> {
    for (const { member, history, disk } of this.#keepers()) {
      const segments = history.manifest();
      const at = segments.findIndex((segment) => segment.sha256 === sha256);
      if (member === but || at < 0) continue;
      const previous = segments[at - 1]?.sha256 ?? history.floor.hash;
      const directory = disk.medium.directory('history').open();
      const found = await readSealed(directory, { first, previous }, segments[at]?.sizeBytes);
      await directory.close();
      if (!isBroken(found)) return member;
    }
    return undefined;
  }

  /** Entry by entry with what was committed. */
  async #compare(keeper: Keeper): Promise<void> {
    const { history } = keeper;
    if (history.missing().length > 0) return;
    try {
      await this.#compareEntries(keeper);
      this.verified += history.manifest().length;
    } catch (error) {
      this.#complain(
        keeper,
        `was verified, and cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }

  async #compareEntries(keeper: Keeper): Promise<void> {
    const { history } = keeper;
    let next = history.floor.index + 1;
    for await (const slice of history.read(history.floor.index, history.last)) {
      for (const { index, term, bytes } of slice) {
        const entry = this.#truth.committed.get(index);
        if (index !== next++) this.#complain(keeper, `has entry ${index} after ${next - 2}`);
        // The first snapshot of a group stands in the place of entry 1.
        else if (index > 1 && !entry) this.#complain(keeper, `has entry ${index}, which was never committed`);
        else if (entry && (entry.term !== term || Buffer.compare(packEntry(entry), bytes) !== 0))
          this.#complain(keeper, `has another entry ${index} than the group`);
      }
    }
    if (next !== history.last + 1) this.#complain(keeper, `ends before entry ${history.last}`);
  }

  /** Where segments begin and end, and what their hashes are, does not depend on who sealed them. */
  #compareSegments(): void {
    const known = new Map<number, string>();
    for (const keeper of this.#keepers())
      for (const { first, last, sha256, sizeBytes } of keeper.history.manifest()) {
        const segment = `${last} ${sha256} ${sizeBytes}`;
        if ((known.get(first) ?? segment) !== segment)
          this.#complain(keeper, `has another segment from entry ${first} on than others`);
        known.set(first, segment);
      }
  }

  async #fetch({ member, history }: Keeper, areHonest = false): Promise<void> {
    const others = this.#keepers().filter((other) => other.member !== member);
    const sources = this.#shuffled(others).map((other) => {
      const source = other.history.source(other.member.id);
      return areHonest || this.#random.chance(0.7) ? source : this.#liar(source);
    });
    const options = { clock: new AgendaClock(this.#group.agenda), signal: new AbortController().signal, idleMs: 1000 };
    const { fetched, missing, complaints } = await fetchMissing(history, sources, options);
    this.fetched += fetched;
    this.#say(`${member.id} fetched ${fetched} segments of its history, ${missing} are missing`);
    for (const { source, explain } of complaints) this.#say(`  from ${source}: ${explain}`);
  }

  /** A member whose memory or network changes what it sends. */
  #liar(source: SegmentSource): SegmentSource {
    const random = this.#random;
    return {
      ...source,
      async *read(segment, from) {
        for await (const piece of source.read(segment, from)) {
          const changed = Uint8Array.from(piece);
          const at = random.below(changed.length);
          changed[at] = (changed[at] as number) ^ (1 << random.below(8));
          yield changed;
        }
      },
    };
  }

  #keepers(): readonly Keeper[] {
    return this.#group.members.flatMap((member) => {
      const { disk } = member;
      const history = disk instanceof StoredDisk ? disk.history : undefined;
      return disk instanceof StoredDisk && history ? [{ member, history, disk }] : [];
    });
  }

  #shuffled<T>(items: readonly T[]): readonly T[] {
    return items
      .map((item) => ({ item, order: this.#random.next() }))
      .toSorted((one, other) => one.order - other.order)
      .map(({ item }) => item);
  }

  #complain({ member }: Keeper, what: string): void {
    this.#truth.complain(`the history of ${member.id} ${what}`);
  }
}
