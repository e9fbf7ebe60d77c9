/** What several jobs come to, when they are carried out in their order as one. Pure. */
import { invariant, type Entry, type HardState, type SnapshotMeta } from '#events/raft/entry.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import type { Position } from './suspicion.ts';

export interface Plan {
  /** A leader's snapshot that takes the place of the whole log. */
  readonly install: SnapshotMeta | undefined;
  /** To be put, without gap. */
  readonly entries: readonly Entry[];
  /** The first index of the stored log that is replaced; undefined when nothing of it is, or all. */
  readonly replacedFrom: number | undefined;
  /** Where the log ends then. */
  readonly last: Position;
  readonly hardState: HardState | undefined;
  readonly suspicion: StoreJob['suspicion'];
}

/** @throws ConsensusBroken for entries that would leave a gap, or replace what a snapshot holds */
export function planOf(jobs: readonly StoreJob[], start: Position, stored: Position): Plan {
  let install: SnapshotMeta | undefined;
  let entries: readonly Entry[] = [];
  let replacedFrom: number | undefined;
  let last = stored;
  let hardState: HardState | undefined;
  let suspicion: StoreJob['suspicion'];
  for (const job of jobs) {
    if (job.snapshot) {
      install = job.snapshot;
      entries = [];
      replacedFrom = undefined;
      last = { index: install.index, term: install.term };
    }
    const first = job.entries[0];
    if (first) {
      const floor = (install ?? start).index;
      invariant(
        first.index > floor && first.index <= last.index + 1,
        () => `entry ${first.index} cannot be stored in a log from ${floor + 1} to ${last.index}`,
      );
      if (!install && first.index <= stored.index) replacedFrom = Math.min(replacedFrom ?? first.index, first.index);
      const kept = entries.filter(({ index }) => index < first.index);
      entries = kept.length === 0 ? job.entries : [...kept, ...job.entries];
      last = entries.at(-1) as Entry;
      invariant(last.index === first.index + job.entries.length - 1, () => `entries up to ${last.index} leave a gap`);
    }
    hardState = job.hardState ?? hardState;
    suspicion = job.suspicion ?? suspicion;
  }
  return { install, entries, replacedFrom, last: { index: last.index, term: last.term }, hardState, suspicion };
}
