/**
 * The disk of a simulated member, as the storage behind it promises to be (`io/log/raft/storage.ts`, whose own tests
 * prove that it is): batches are durable in order, a crash loses those under way except perhaps the oldest of them;
 * what is lost otherwise is noticed when it is opened, by the watermark, and makes the member a suspect.
 */
import { invariant, type Entry, type HardState, type SnapshotMeta } from '#events/raft/entry.ts';
import type { RaftStart } from '#events/raft/raft.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import type { Watermark } from '#events/raft/state.ts';
import type { SeededRandom } from '../../devices/random/sim.ts';
import { both } from '../../log/raft/suspicion.ts';

/** The state of the lab that a snapshot holds, opaque here. */
export type Content = object;

export interface OpenedDisk {
  readonly start: Omit<RaftStart, 'id'>;
  readonly content: Content;
}

/** Of the snapshot in a job. */
export type ContentOf = (job: StoreJob) => Content | undefined;

interface Image {
  hardState: HardState;
  snapshot: SnapshotMeta;
  content: Content;
  base: { index: number; term: number };
  entries: Entry[];
  /** Kept beside the log. */
  watermark: Watermark;
  suspicion: Watermark | undefined;
}

/** Entries. */
const watermarkEvery = 4;

export class ModelDisk {
  #image: Image;

  constructor(first: SnapshotMeta, content: Content) {
    const { index, term } = first;
    this.#image = {
      hardState: { term, vote: undefined, commit: index },
      snapshot: first,
      content,
      base: { index, term },
      entries: [],
      watermark: { term, lastIndex: index, lastTerm: term },
      suspicion: undefined,
    };
  }

  /** What a member starts with. */
  open(): OpenedDisk | Promise<OpenedDisk> {
    return this.opened();
  }

  protected opened(): OpenedDisk {
    const { hardState, snapshot, entries, base, content, suspicion } = this.#image;
    const start = { hardState, snapshot, entries: [...entries], base };
    return { start: suspicion ? { ...start, suspect: suspicion } : start, content };
  }

  /** Durable when this returns or resolves; whoever calls has let the time pass. One batch at a time. */
  write(jobs: readonly StoreJob[], contentOf: ContentOf): void | Promise<void> {
    for (const job of jobs) this.carryOut(job, contentOf(job));
  }

  /** The process was killed while this was written. @returns what is durable nevertheless */
  killed(writing: readonly StoreJob[], contentOf: ContentOf, random: SeededRandom): readonly StoreJob[] {
    const arrived = random.chance(0.5) ? writing.slice(0, 1) : [];
    for (const job of arrived) this.carryOut(job, contentOf(job));
    return arrived;
  }

  protected carryOut(job: StoreJob, content: Content | undefined): void {
    const image = this.#image;
    if (job.snapshot) {
      invariant(content !== undefined, () => 'a snapshot is installed without its content');
      image.snapshot = job.snapshot;
      image.content = content;
      image.base = { index: job.snapshot.index, term: job.snapshot.term };
      image.entries = [];
    }
    const first = job.entries[0];
    if (first) {
      invariant(first.index <= this.lastIndex + 1, () => `entry ${first.index} would leave a gap on the disk`);
      image.entries.length = first.index - image.base.index - 1;
      image.entries.push(...job.entries);
    }
    if (job.hardState) image.hardState = job.hardState;
    if (job.suspicion === 'cleared') image.suspicion = undefined;
    else if (job.suspicion) image.suspicion = job.suspicion;
    const { term } = image.hardState;
    const isDue = this.lastIndex >= image.watermark.lastIndex + watermarkEvery || job.suspicion === 'cleared';
    if (isDue || term > image.watermark.term || this.lastIndex < image.watermark.lastIndex)
      image.watermark = { term, lastIndex: this.lastIndex, lastTerm: this.lastTerm };
  }

  /** A snapshot of the member's own. */
  writeSnapshot(snapshot: SnapshotMeta, content: Content): void | Promise<void> {
    this.carryOutSnapshot(snapshot, content);
  }

  protected carryOutSnapshot(snapshot: SnapshotMeta, content: Content): void {
    if (snapshot.index <= this.#image.snapshot.index) return;
    this.#image.snapshot = snapshot;
    this.#image.content = content;
  }

  /** These were applied; kept for ever by whoever keeps a history. */
  applied(_entries: readonly Entry[]): void | Promise<void> {}

  compact(upTo: number): void | Promise<void> {
    this.carryOutCompaction(upTo);
  }

  protected carryOutCompaction(upTo: number): void {
    const image = this.#image;
    const term = this.termAt(upTo);
    if (upTo <= image.base.index || term === undefined) return;
    image.entries.splice(0, upTo - image.base.index);
    image.base = { index: upTo, term };
  }

  /**
   * The disk loses what it had acknowledged: the last entries, perhaps the vote too. Noticed, because the watermark is
   * kept elsewhere; how much exactly nobody knows, because that is only set now and then.
   * @returns whether there was anything to lose
   */
  loseTail(count: number, withVote: boolean): boolean {
    const image = this.#image;
    const kept = Math.max(image.snapshot.index - image.base.index, image.entries.length - count, 0);
    if (kept >= image.entries.length || image.base.index + kept >= image.watermark.lastIndex) return false;
    image.suspicion = both(image.suspicion, image.watermark);
    image.entries.length = kept;
    const { term } = image.hardState;
    image.hardState = {
      term: withVote ? this.lastTerm : term,
      vote: withVote ? undefined : image.hardState.vote,
      // What stood where the commit index points may not be what stands there now.
      commit: image.snapshot.index,
    };
    return true;
  }

  /** Whatever is there now is what is durable. */
  protected found({ start, content }: OpenedDisk): void {
    const { hardState, snapshot, entries, suspect } = start;
    const base = start.base ?? { index: snapshot.index, term: snapshot.term };
    const lastTerm = entries.at(-1)?.term ?? base.term;
    const watermark = { term: hardState.term, lastIndex: base.index + entries.length, lastTerm };
    this.#image = { hardState, snapshot, content, base, entries: [...entries], watermark, suspicion: suspect };
  }

  get hardState(): HardState {
    return this.#image.hardState;
  }

  get snapshot(): SnapshotMeta {
    return this.#image.snapshot;
  }

  get content(): Content {
    return this.#image.content;
  }

  get lastIndex(): number {
    return this.#image.base.index + this.#image.entries.length;
  }

  /** What a log that is elected by all must reach, when this one lost part of that. */
  get suspicion(): Watermark | undefined {
    return this.#image.suspicion;
  }

  get isSuspect(): boolean {
    return this.#image.suspicion !== undefined;
  }

  get lastTerm(): number {
    return this.#image.entries.at(-1)?.term ?? this.#image.base.term;
  }

  termAt(index: number): number | undefined {
    const { base, entries } = this.#image;
    return index === base.index ? base.term : entries[index - base.index - 1]?.term;
  }

  /** Whether the log has a change of the group behind this entry. */
  hasChangeAfter(index: number): boolean {
    return this.#image.entries.some((entry) => entry.index > index && entry.type === 'change');
  }

  /** Whether this entry is here, or in the snapshot. */
  has(index: number, term: number): boolean {
    return index <= this.#image.snapshot.index || this.termAt(index) === term;
  }
}
