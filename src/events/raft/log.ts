/**
 * A member's log in memory: everything since the last compaction, and how far each thing about it has come.
 *
 *      compacted │ first ············· applied ··· applying ··· committed ······ last
 *                │        ·························· durable ··· stored ········ last
 *
 * `stored`: handed out to be stored. `durable`: known to be on this member's disk. `applying`: handed out to be applied.
 * Invariants: applied ≤ applying ≤ min(committed, durable), durable ≤ stored ≤ last; nothing committed is ever replaced.
 * A snapshot that came from the leader (`installing`) replaces the log at once; nothing is applied until it is durable.
 */
import { ConsensusBroken, GivenUp, invariant, sizeOf, type Entry, type LogEnd, type SnapshotMeta } from './entry.ts';

export class RaftLog {
  /** After `#base`, without gap. */
  #entries: Entry[] = [];
  #base: { index: number; term: number };
  #snapshot: SnapshotMeta;
  #installing: SnapshotMeta | undefined;
  #committed: number;
  #applying: number;
  #applied: number;
  #stored: number;
  #durable: number;

  /** @param entries durable; they follow the snapshot, or begin before it where old ones were kept for slow followers */
  constructor(
    snapshot: SnapshotMeta,
    entries: readonly Entry[],
    base = { index: snapshot.index, term: snapshot.term },
  ) {
    this.#snapshot = snapshot;
    this.#base = base;
    this.#entries = [...entries];
    this.#committed = this.#applying = this.#applied = snapshot.index;
    this.#stored = this.#durable = this.last;
    for (const [at, entry] of this.#entries.entries())
      invariant(entry.index === base.index + 1 + at, () => `entry ${entry.index} stands at ${base.index + 1 + at}`);
    invariant(this.last >= snapshot.index, () => `the log ends at ${this.last}, before its snapshot`);
    const { index, term } = snapshot;
    invariant(base.index <= index, () => `the log begins after ${base.index}; the snapshot ends at ${index}`);
    invariant(
      this.termAt(index) === term,
      () => `entry ${index} has another term than the snapshot, which says ${term}`,
    );
  }

  /** Index of the oldest entry that is still here. */
  get first(): number {
    return this.#base.index + 1;
  }

  get last(): number {
    return this.#base.index + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#base.term;
  }

  get end(): LogEnd {
    return { lastIndex: this.last, lastTerm: this.lastTerm };
  }

  get committed(): number {
    return this.#committed;
  }

  get lastCommitted(): { readonly index: number; readonly term: number } {
    return { index: this.#committed, term: this.termAt(this.#committed) ?? 0 };
  }

  get applied(): number {
    return this.#applied;
  }

  get applying(): number {
    return this.#applying;
  }

  get durable(): number {
    return this.#durable;
  }

  /** The newest snapshot that is durable here. */
  get snapshot(): SnapshotMeta {
    return this.#snapshot;
  }

  /** From the leader, not durable yet. */
  get installing(): SnapshotMeta | undefined {
    return this.#installing;
  }

  /** @returns undefined for what was compacted, and for what is not here yet */
  termAt(index: number): number | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.first]?.term;
  }

  at(index: number): Entry | undefined {
    return this.#entries[index - this.first];
  }

  /** Whether this log has the entry, and so (log matching, §5.3) everything before it. */
  has(index: number, term: number): boolean {
    return this.termAt(index) === term;
  }

  /** What is committed here is the same everywhere. @throws GivenUp when the leader has something else at this place */
  checkCommitted(index: number, term: number): void {
    const here = index <= this.#committed ? this.termAt(index) : undefined;
    if (here !== undefined && here !== term) throw new GivenUp(index, here, term);
  }

  /** Entries of [from, upTo], as many as fit; at least one if there is one. */
  slice(from: number, maxBytes: number, upTo = this.last): readonly Entry[] {
    invariant(from >= this.first, () => `entry ${from} was compacted; the log begins at ${this.first}`);
    let bytes = 0;
    let end = from;
    for (; end <= upTo; end++) {
      const entry = this.#entries[end - this.first];
      if (!entry) break;
      bytes += sizeOf(entry);
      if (bytes > maxBytes && end > from) break;
    }
    return this.#entries.slice(from - this.first, end - this.first);
  }

  /** Of the leader, which only ever appends. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      invariant(entry.index === this.last + 1, () => `entry ${entry.index} cannot follow ${this.last}`);
      this.#entries.push(entry);
    }
  }

  /**
   * Takes a leader's entries, which follow one that this log has. Entries that are here already stay, so that an old,
   * delayed append shortens nothing; from the first that differs on the log is replaced (§5.3).
   */
  merge(entries: readonly Entry[]): void {
    const at = entries.findIndex((entry) => !this.has(entry.index, entry.term));
    const conflict = entries[at];
    if (!conflict) return;
    invariant(conflict.index > this.#committed, () => `entry ${conflict.index} is committed and cannot be replaced`);
    invariant(conflict.index <= this.last + 1, () => `entry ${conflict.index} would leave a gap after ${this.last}`);
    this.#entries.length = conflict.index - this.first;
    this.#stored = Math.min(this.#stored, conflict.index - 1);
    this.#durable = Math.min(this.#durable, conflict.index - 1);
    this.append(entries.slice(at));
  }

  /**
   * The newest entry up to `index` whose term is not above `term`: where two logs can agree at best. Both sides use it,
   * so that one exchange skips a whole term of conflicts.
   */
  findConflict(index: number, term: number): { readonly index: number; readonly term: number } {
    let at = Math.min(index, this.last);
    for (; at > this.#base.index; at--) {
      const here = this.termAt(at);
      if (here !== undefined && here <= term) return { index: at, term: here };
    }
    return { index: at, term: this.termAt(at) ?? 0 };
  }

  commitTo(index: number): void {
    if (index <= this.#committed) return;
    invariant(index <= this.last, () => `entry ${index} is committed elsewhere; this log ends at ${this.last}`);
    this.#committed = index;
  }

  /** What was not yet handed out to be stored. */
  takeUnstored(): readonly Entry[] {
    const entries = this.#entries.slice(this.#stored - this.#base.index);
    this.#stored = this.last;
    return entries;
  }

  get hasUnstored(): boolean {
    return this.#stored < this.last;
  }

  /** The disk has everything up to this entry. Without effect when another one stands there by now. */
  durableTo(index: number, term: number): void {
    if (index > this.#durable && index <= this.#stored && this.has(index, term)) this.#durable = index;
  }

  /** Committed, durable here, and not yet handed out to be applied. */
  takeUnapplied(maxBytes: number): readonly Entry[] {
    const entries = this.hasUnapplied ? this.slice(this.#applying + 1, maxBytes, this.#applicable) : [];
    this.#applying += entries.length;
    return entries;
  }

  get hasUnapplied(): boolean {
    return !this.#installing && this.#applying < this.#applicable;
  }

  get #applicable(): number {
    return Math.min(this.#committed, this.#durable);
  }

  appliedTo(index: number): void {
    if (index <= this.#applied) return;
    invariant(index <= this.#applying, () => `entry ${index} was applied before it was handed out`);
    this.#applied = index;
  }

  /** A leader's snapshot takes the place of the whole log. */
  install(snapshot: SnapshotMeta): void {
    invariant(snapshot.index > this.#committed, () => `a snapshot at ${snapshot.index} would undo ${this.#committed}`);
    this.#installing = snapshot;
    this.#base = { index: snapshot.index, term: snapshot.term };
    this.#entries = [];
    this.#committed = this.#stored = snapshot.index;
    this.#durable = Math.min(this.#durable, this.#applied);
  }

  /** The snapshot that came is durable, and the state is the one in it. */
  installed(index: number): void {
    const snapshot = this.#installing;
    if (!snapshot || snapshot.index !== index) return;
    this.#installing = undefined;
    this.#snapshot = snapshot;
    this.#applying = this.#applied = index;
    this.#durable = Math.max(this.#durable, index);
  }

  /** This member made a snapshot of its own, and it is durable. */
  snapshotTaken(snapshot: SnapshotMeta): void {
    if (snapshot.index <= this.#snapshot.index || this.#installing) return;
    invariant(snapshot.index <= this.#applied, () => `a snapshot at ${snapshot.index} holds what was not applied`);
    invariant(this.termAt(snapshot.index) === snapshot.term, () => `a snapshot at ${snapshot.index} has another term`);
    this.#snapshot = snapshot;
  }

  /** Forgets entries up to here, and never one that the durable snapshot does not hold. @returns the index it went to */
  compact(index: number): number {
    const upTo = Math.min(index, this.#snapshot.index, this.#applied);
    if (upTo <= this.#base.index || this.#installing) return this.#base.index;
    const term = this.termAt(upTo);
    if (term === undefined) throw new ConsensusBroken(`entry ${upTo} is not in the log that is to be compacted there`);
    this.#entries.splice(0, upTo - this.#base.index);
    this.#base = { index: upTo, term };
    return upTo;
  }
}
