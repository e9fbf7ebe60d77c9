/**
 * The state database: everything derived, so that a start needs only the tail of the log. Rebuildable, therefore
 * never synced: actors, rows and the checkpoint go in one batch, so whatever survives a crash is consistent.
 *
 *   m|state                       checkpoint: index, time, versions of fold and projections, sum of what a start reads
 *   m|boot                        which boot of the machine wrote it, and whether it was closed in order
 *   m|linked, b|<index>           which batch follows which: one that is missing is noticed
 *   a|<stream>                    actor
 *   r|<view>|<key>                row of a table
 *   l|<view>|<group>|<index>      rows that accumulate, from this index on: several that were stored at once
 *   c|<index>                     commands from this index on, to take repetitions for what they are
 *   i|<command>                   where a person's command stands, however old
 *   k|<index>|<part>              retained checkpoint, from which the past is rebuilt
 *
 * A start verifies all that it reads; what is read later carries its checksum (`sums.ts`), and an event without its row
 * of activity is noticed (`gapless.ts`). Another key of these that is lost, `l|audit` or `i|`, is not: to count them a
 * start would have to read all of them. What is damaged is never answered from, and all of it is folded again: at once,
 * when a start finds it, else at the next start.
 */
import { asIndex, kinds, type Index } from '#events/envelope.ts';
import type { ActorState, Step } from '#actors/actor.ts';
import type { StoredActor } from '#actors/advance.ts';
import type { CommandRange } from '#actors/remembered.ts';
import { foldVersion } from '#actors/machines.ts';
import type { Projection } from '#projections/projection.ts';
import { projections, viewNames, type ViewName } from '#projections/registry.ts';
import type { Changes } from '#projections/rows.ts';
import { indexKey } from '#projections/views/activity.ts';
import { StoreError, type Op, type Store } from '../stores/port.ts';
import { fromBytes, packList, packValue, toBytes, unpackList, unpackValue, withPrefix } from './bytes.ts';
import { Folded, storedViews, tableViews } from './folded.ts';
import { Gapless } from './gapless.ts';
import { seal, Sum, unseal } from './sums.ts';

interface Checkpoint {
  readonly index: number;
  readonly at: number;
  /** How many commands are remembered. */
  readonly commands: number;
  readonly versions: string;
  /** Of the actors, rows and commands that a start reads. */
  readonly sum: number;
}

/** Of keys and values here. */
const layout = 4;
/** Names what the stored state was made by: another fold, projection or layout means folding again. */
export const stateVersions = JSON.stringify([
  layout,
  foldVersion,
  viewNames.map((name) => [name, projections[name].version]),
]);

/** What a database was made by; undefined where there is nothing in it that a start could go on from. */
export async function storedVersions(store: Store): Promise<string | undefined> {
  const sealed = await store.get(checkpointKey);
  const bytes = sealed && unseal(checkpointKey, sealed);
  return bytes && unpackValue<Checkpoint>(bytes).versions;
}

/** Rows that accumulate, in one value: few enough to unpack for the sake of one. */
const rowsPerValue = 64;
type LogEntry = readonly [index: number, row: object];
type CommandEntry = readonly [id: string, first: number, last: number];

const checkpointKey = toBytes('m|state');
/** There while something was found damaged that a start does not read. */
const damagedKey = toBytes('m|damaged');
const bootKey = toBytes('m|boot');
const linkedKey = toBytes('m|linked');
/**
 * So many newest batches are known one by one. What LevelDB can lose by damage it has in its log, which is smaller than
 * so many batches are.
 */
const linksKept = 65_536;

/** A crash of the process keeps what was written; only a machine that went down can have lost some of it. */
interface Boot {
  readonly id: string;
  readonly isClosed: boolean;
}

export const stored = ({ snapshot: _, kind: __, ...actor }: ActorState): StoredActor => actor;

export interface StateOptions {
  /** Throws a damaged one away, files and all, and opens an empty one. Without it the rows are deleted one by one. */
  anew?(): Promise<Store>;
  /** What a person should know. */
  warn?(message: string): void;
  /** What this program's state is made by, if not `stateVersions`. */
  readonly versions?: string;
}

/** `damage`: what is wrong; undefined where there is just nothing to go on from. */
type Found = { readonly folded: Folded } | { readonly damage: string | undefined };

export class StateDatabase {
  #store: Store;
  readonly #bootId: string;
  readonly #options: StateOptions;
  readonly #versions: string;
  /** Of what a start reads. */
  readonly #sum = new Sum();
  /** Index of the last event that is stored. */
  #stored = 0;
  #isDamaged = false;
  /** What is stored of commands, oldest first: its key, and the last command in it. */
  #commands: { readonly key: string; readonly last: string }[] = [];

  /** Up to which index each batch went, oldest first, from the one that `m|linked` names on. */
  #links: number[] = [];

  /** @param bootId changes whenever the machine starts */
  constructor(store: Store, bootId: string, options: StateOptions = {}) {
    this.#store = store;
    this.#bootId = bootId;
    this.#options = options;
    this.#versions = options.versions ?? stateVersions;
  }

  /** Marks it as whole: the next start may go on from it, whatever happens to the machine meanwhile. */
  async close(): Promise<void> {
    await this.#mark(true);
    await this.release();
  }

  /** What is folded is not what it should be: the next start makes it again from the log. */
  distrust(): Promise<void> {
    return this.#store.batch([{ put: damagedKey, value: packValue(true) }], { sync: true });
  }

  /** Lets go of it, without a word about it. */
  release(): Promise<void> {
    return this.#store.close();
  }

  async #mark(isClosed: boolean): Promise<void> {
    const boot: Boot = { id: this.#bootId, isClosed };
    await this.#store.batch([{ put: bootKey, value: packValue(boot) }], { sync: true });
  }

  /**
   * Nothing here is synced, and LevelDB may keep a later batch and lose an earlier one when the power goes. What a
   * machine wrote before it went down is therefore made again.
   */
  async #isWhole(): Promise<boolean> {
    const bytes = await this.#store.get(bootKey);
    const boot = bytes && unpackValue<Boot>(bytes);
    return boot !== undefined && (boot.isClosed || boot.id === this.#bootId);
  }

  /**
   * LevelDB passes over what is damaged in its log, and keeps what comes after it: a state without some of its changes,
   * which would decide unlike those of all other nodes. So each batch names the one before it.
   */
  async #isChained(upTo: number): Promise<boolean> {
    const bytes = await this.#store.get(linkedKey);
    let at = bytes ? unpackValue<number>(bytes) : 0;
    let isWhole = true;
    this.#links = await this.#all('b|', (key, value) => {
      isWhole &&= unpackValue<number>(value) === at;
      at = Number(key);
      return at;
    });
    return isWhole && at === upTo;
  }

  /** Of the batch that goes up to this index. */
  #linkOps(index: number): Op[] {
    const last = this.#links.at(-1) ?? 0;
    if (index <= last) return [];
    this.#links.push(index);
    const ops: Op[] = [{ put: toBytes(`b|${indexKey(index)}`), value: packValue(last) }];
    // Many at once: an array that loses its head is copied.
    if (this.#links.length < 2 * linksKept) return ops;
    const forgotten = this.#links.splice(0, linksKept);
    for (const old of forgotten) ops.push({ del: toBytes(`b|${indexKey(old)}`) });
    ops.push({ put: linkedKey, value: packValue(forgotten.at(-1)) });
    return ops;
  }

  /**
   * @param head the last event of the log that it is folded from. A state of a later one is not used: a power cut can
   *   take more of the log than of this, and what the log gets in that place has to be folded.
   * @returns the lab as it was stored, or an empty one when there is none that this version can go on from
   */
  async load(head = Infinity): Promise<Folded> {
    const found = await this.#begin(head).catch((error: unknown) => {
      // The disk does not answer: another start may find it well.
      if (error instanceof StoreError && error.code !== 'DAMAGED') throw error;
      return { damage: error instanceof Error ? error.message : String(error) };
    });
    if ('folded' in found) {
      this.#stored = found.folded.lab.index;
      return found.folded;
    }
    this.#links = [];
    this.#commands = [];
    this.#sum.clear();
    if (found.damage === undefined) await this.#store.clear({});
    else {
      this.#options.warn?.(`the state database is damaged (${found.damage}): it is made again from the log`);
      if (this.#options.anew) this.#store = await this.#options.anew();
      else await this.#store.clear({});
    }
    await this.#mark(false);
    return new Folded();
  }

  /** LevelDB may find out only now, by itself, what is wrong with its files, and refuse to write. */
  async #begin(head: number): Promise<Found> {
    const found = await this.#read(head);
    if ('folded' in found) await this.#mark(false);
    return found;
  }

  async #read(head: number): Promise<Found> {
    if (await this.#store.get(damagedKey)) return { damage: 'as was found while it was in use' };
    const sealed = (await this.#isWhole()) ? await this.#store.get(checkpointKey) : undefined;
    if (!sealed) return { damage: undefined };
    const bytes = unseal(checkpointKey, sealed);
    if (!bytes) return { damage: 'its checkpoint is not what was written' };
    const checkpoint = unpackValue<Checkpoint>(bytes);
    if (checkpoint.versions !== this.#versions) return { damage: undefined };
    if (checkpoint.index > head)
      return { damage: `it has seen event ${checkpoint.index}, and the log ends at event ${head}` };
    if (!(await this.#isChained(checkpoint.index))) return { damage: 'a batch is missing' };
    const folded = new Folded();
    const actors = await this.#verified('a|', (_, value) => unpackValue<StoredActor>(value));
    const commands = await this.#verified('c|', (key, value) => {
      const entries = unpackList<CommandEntry>(value);
      this.#commands.push({ key: `c|${key}`, last: entries.at(-1)?.[0] ?? '' });
      return entries;
    });
    const ranges = new Map(commands.flat().map(([id, first, last]) => [id, [first, last]] as const));
    // The oldest value may hold some that are forgotten.
    const remembered = [...ranges].slice(ranges.size - checkpoint.commands);
    folded.restore({ index: asIndex(checkpoint.index), at: checkpoint.at }, actors, remembered);
    for (const view of storedViews) {
      const table = folded.table(view);
      await this.#verified(`r|${view}|`, (key, value) => table.restore(key, unpackValue(value)));
    }
    return this.#sum.total === checkpoint.sum ? { folded } : { damage: 'a row is not what was written' };
  }

  /** Counts what it reads into the sum. */
  #verified<T>(prefix: string, each: (key: string, value: Uint8Array) => T): Promise<T[]> {
    return this.#all(prefix, (key, value) => {
      this.#sum.put(`${prefix}${key}`, value);
      return each(key, value);
    });
  }

  /** What the steps changed, and the checkpoint, in one batch. */
  async save(folded: Folded, steps: readonly Step[], changes: ReadonlyMap<ViewName, Changes<object>>): Promise<void> {
    const { lab } = folded;
    const ops: Op[] = [];
    for (const stream of new Set(steps.map(({ event }) => event.stream))) {
      const actor = lab.get(stream);
      const key = `a|${stream}`;
      ops.push(actor ? this.#counted(key, packValue(stored(actor))) : this.#uncounted(key));
    }
    for (const view of storedViews) {
      const changed = changes.get(view);
      for (const [key, row] of changed?.put ?? []) ops.push(this.#counted(`r|${view}|${key}`, packValue(row)));
      for (const key of changed?.deleted ?? []) ops.push(this.#uncounted(`r|${view}|${key}`));
    }
    for (const view of logViews) ops.push(...logOps(view, changes.get(view)?.put ?? []));
    ops.push(...this.#commandOps(folded, steps));
    const sum = this.#sum.total;
    const checkpoint: Checkpoint = {
      index: lab.index,
      at: lab.at,
      commands: lab.commands.size,
      versions: this.#versions,
      sum,
    };
    ops.push(sealed(checkpointKey, packValue(checkpoint)), ...this.#linkOps(lab.index));
    await this.#store.batch(ops, { sync: false });
    this.#stored = checkpoint.index;
  }

  #counted(key: string, value: Uint8Array): Op {
    this.#sum.put(key, value);
    return { put: toBytes(key), value };
  }

  #uncounted(key: string): Op {
    this.#sum.delete(key);
    return { del: toBytes(key) };
  }

  #commandOps({ lab }: Folded, steps: readonly Step[]): Op[] {
    const ops: Op[] = [];
    const entries: CommandEntry[] = [];
    for (const [id, by] of new Map(steps.map(({ event }) => [event.command, event.by]))) {
      const range = lab.command(id);
      if (!range) continue;
      entries.push([id, ...range]);
      if (by.startsWith('user:')) ops.push(sealed(toBytes(`i|${id}`), packValue(range)));
    }
    const [first] = entries;
    const last = entries.at(-1);
    if (first && last) {
      const key = `c|${indexKey(first[1])}`;
      this.#commands.push({ key, last: last[0] });
      ops.push(this.#counted(key, packList(entries)));
    }
    // The lab forgets in log order, and so do these.
    for (let oldest = this.#commands[0]; oldest && !lab.command(oldest.last); oldest = this.#commands[0]) {
      this.#commands.shift();
      ops.push(this.#uncounted(oldest.key));
    }
    return ops;
  }

  /** Where a person's command stands, however long ago it was. @throws StoreError DAMAGED */
  async command(id: string): Promise<CommandRange | undefined> {
    const key = toBytes(`i|${id}`);
    const found = await this.#store.get(key);
    return found && unpackValue<CommandRange>(await this.#unsealed(key, found));
  }

  /** Keeps the whole lab as it is now, for questions about the past. */
  async retain({ lab, rows }: { lab: Folded['lab']; rows: Folded['rows'] }): Promise<void> {
    const parts: Op[] = [];
    const put = (part: string, list: readonly unknown[]): void => {
      parts.push(sealed(toBytes(`k|${indexKey(lab.index)}|${part}`), packList(list)));
    };
    put('at', [lab.at]);
    put('actors', allActors(lab).map(stored));
    for (const view of storedViews) put(`rows|${view}`, rows(view));
    await this.#store.batch(parts, { sync: false });
  }

  /** The lab from the newest retained checkpoint at or below an index; an empty one when there is none. */
  async recall(index: Index): Promise<Folded> {
    for (let below: number = index; ;) {
      const found = await this.#newestRetained(below);
      if (found === undefined) return new Folded(tableViews);
      try {
        return await this.#retained(found);
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'DAMAGED') throw error;
        // An earlier one does as well, and takes longer.
        below = found - 1;
      }
    }
  }

  async #retained(index: number): Promise<Folded> {
    const folded = new Folded(tableViews);
    const part = async <T>(name: string): Promise<readonly T[]> => {
      const key = toBytes(`k|${indexKey(index)}|${name}`);
      return unpackList<T>(await this.#unsealed(key, (await this.#store.get(key)) ?? nothing));
    };
    const [at = 0] = await part<number>('at');
    const actors = await part<StoredActor>('actors');
    folded.restore({ index: asIndex(index), at }, actors, []);
    for (const view of storedViews) {
      const table = folded.table(view);
      for (const [key, row] of await part<[string, never]>(`rows|${view}`)) table.restore(key, row);
    }
    return folded;
  }

  /** @throws StoreError DAMAGED */
  async #unsealed(key: Uint8Array, found: Uint8Array): Promise<Uint8Array> {
    return unseal(key, found) ?? (await this.#damagedAt(fromBytes(key)));
  }

  /** @throws StoreError DAMAGED */
  async #damagedAt(key: string): Promise<never> {
    if (!this.#isDamaged) {
      this.#isDamaged = true;
      this.#options.warn?.(`the state database is damaged at ${key}: it is made again from the log at the next start`);
      await this.#store.batch([{ put: damagedKey, value: packValue(true) }], { sync: true });
    }
    throw new StoreError(
      'DAMAGED',
      `the state database is damaged at ${key}`,
      'Restart this node: it makes the database again from the log. Look at the disk (dmesg, SMART).',
    );
  }

  async #newestRetained(index: number): Promise<number | undefined> {
    const range = { gte: toBytes('k|'), lt: toBytes(`k|${indexKey(index + 1)}`), reverse: true, limit: 1 };
    for await (const slice of this.#store.range(range)) {
      const key = slice[0]?.[0];
      if (key) return Number(fromBytes(key).split('|')[1]);
    }
    return undefined;
  }

  /** Rows of a view that accumulates, with their indices: in order, or newest first. @throws StoreError DAMAGED */
  async *logRows<R>(view: ViewName, range: LogRange): AsyncIterable<readonly [index: number, row: R]> {
    const { after = 0, before = Number.MAX_SAFE_INTEGER, limit = Infinity } = range;
    const prefix = logPrefix(view, range.group);
    const gapless = gaplessViews.has(view)
      ? new Gapless({ after, before, reverse: range.reverse ?? false }, this.#stored)
      : undefined;
    let left = limit;
    const bounds = {
      gte: after === 0 ? toBytes(prefix) : await this.#valueAround(prefix, after + 1),
      lt: toBytes(`${prefix}${indexKey(before)}`),
      ...(range.reverse ? { reverse: true } : {}),
      // Every value has a row; but the first one may have none behind `after`.
      ...(limit === Infinity ? {} : { limit: limit + 1 }),
    };
    for await (const slice of this.#store.range(bounds)) {
      for (const [key, value] of slice) {
        const entries = unpackList<readonly [number, R]>(await this.#unsealed(key, value));
        for (const entry of range.reverse ? entries.toReversed() : entries) {
          if (entry[0] <= after || entry[0] >= before) continue;
          const missed = gapless?.missedBefore(entry[0]);
          if (missed !== undefined) await this.#damagedAt(`${prefix}${indexKey(missed)}`);
          yield entry;
          if (--left === 0) return;
        }
      }
    }
    const missed = gapless?.missedAtEnd();
    if (missed !== undefined) await this.#damagedAt(`${prefix}${indexKey(missed)}`);
  }

  /** Key of the value that would hold the row with this index. */
  async #valueAround(prefix: string, index: number): Promise<Uint8Array> {
    const range = { gte: toBytes(prefix), lt: toBytes(`${prefix}${indexKey(index + 1)}`), reverse: true, limit: 1 };
    for await (const slice of this.#store.range(range)) {
      const key = slice[0]?.[0];
      if (key) return key;
    }
    return toBytes(`${prefix}${indexKey(index)}`);
  }

  async #all<T>(prefix: string, each: (key: string, value: Uint8Array) => T): Promise<T[]> {
    const found: T[] = [];
    for await (const slice of this.#store.range(withPrefix(prefix))) {
      for (const [key, value] of slice) found.push(each(fromBytes(key).slice(prefix.length), value));
    }
    return found;
  }
}

interface LogRange {
  /** Of the view's groups, where it has some. */
  readonly group?: string;
  /** Only rows of later events. */
  readonly after?: number;
  /** Only rows of earlier events. */
  readonly before?: number;
  /** Newest first. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

const nothing = new Uint8Array(0);

const sealed = (key: Uint8Array, value: Uint8Array): Op => ({ put: key, value: seal(key, value) });

const logViews = viewNames.filter((name) => projections[name].keeps === 'log');
const gaplessViews: ReadonlySet<ViewName> = new Set(
  logViews.filter((name) => (projections[name] as Projection<never>).isGapless === true),
);

const logPrefix = (view: ViewName, group = ''): string => `l|${view}|${group}|`;

/** Rows of one group, several to a value, under the index of the first. Each save begins new values. */
function logOps(view: ViewName, rows: Changes<object>['put']): Op[] {
  const ops: Op[] = [];
  const groups = new Map<string, LogEntry[]>();
  for (const [key, row] of rows) {
    const at = key.lastIndexOf('|');
    const group = at < 0 ? '' : key.slice(0, at);
    const entry: LogEntry = [Number(key.slice(at + 1)), row];
    const entries = groups.get(group);
    if (entries) entries.push(entry);
    else groups.set(group, [entry]);
  }
  for (const [group, entries] of groups) {
    for (let from = 0; from < entries.length; from += rowsPerValue) {
      const part = entries.slice(from, from + rowsPerValue);
      const [index = 0] = part[0] ?? [];
      ops.push(sealed(toBytes(`${logPrefix(view, group)}${indexKey(index)}`), packList(part)));
    }
  }
  return ops;
}

const allActors = (lab: Folded['lab']): readonly ActorState[] =>
  kinds.flatMap((kind) => lab.list(kind) as readonly ActorState[]);
