/** A member's disk: what is here survives a crash, and nothing else does. */
import type { Entry, HardState, PeerId, SnapshotMeta } from '#events/raft/entry.ts';
import type { RaftStart } from '#events/raft/raft.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import type { Watermark } from '#events/raft/state.ts';

export class Disk {
  hardState: HardState;
  snapshot: SnapshotMeta;
  base: { readonly index: number; readonly term: number };
  entries: readonly Entry[];
  suspect: Watermark | undefined;

  constructor(start: Omit<RaftStart, 'id'>) {
    this.hardState = start.hardState;
    this.snapshot = start.snapshot;
    this.base = start.base ?? { index: start.snapshot.index, term: start.snapshot.term };
    this.entries = start.entries;
    this.suspect = start.suspect;
  }

  get last(): number {
    return this.base.index + this.entries.length;
  }

  startOf(id: PeerId): RaftStart {
    const { hardState, snapshot, base, entries, suspect } = this;
    return { id, hardState, snapshot, base, entries, ...(suspect && { suspect }) };
  }

  write({ snapshot, hardState, entries, suspicion }: StoreJob): void {
    if (snapshot) {
      this.snapshot = snapshot;
      this.base = { index: snapshot.index, term: snapshot.term };
      this.entries = [];
    }
    if (hardState) this.hardState = hardState;
    if (suspicion) this.suspect = suspicion === 'cleared' ? undefined : suspicion;
    const [first] = entries;
    if (first) this.entries = [...this.entries.slice(0, first.index - this.base.index - 1), ...entries];
  }

  /** Forgets entries up to here. */
  compact(index: number): void {
    const last = this.entries[index - this.base.index - 1];
    if (!last) return;
    this.entries = this.entries.slice(index - this.base.index);
    this.base = { index, term: last.term };
  }

  /** The tail of the log is gone. */
  lose(keep: number): void {
    this.entries = this.entries.slice(0, Math.max(0, keep - this.base.index));
  }
}
