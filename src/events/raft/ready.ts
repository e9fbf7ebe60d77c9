/**
 * What leaves the core, and in which order it has to be done. This is the law of persistence:
 *
 *   1. `send` may leave at once, even before anything is stored: a leader's appends and heartbeats, requests for
 *      pre-votes, refusals. What they claim rests on nothing that a crash could take back.
 *   2. `store` jobs are carried out one after another, in order: snapshot, then hard state and entries, in one synced
 *      batch. Several may be merged into one batch.
 *   3. A job's `thenSend` leaves only after that job *and all before it* are durable: votes, requests for votes,
 *      acknowledgements of entries. Then `advance({ stored: mark })`.
 *   4. `apply` is committed and durable here. One slice is out at a time; `advance({ applied: index })` brings the next.
 *   5. An error of the disk is the end of the process: after it nobody knows what is durable.
 *
 * Taking a Ready and carrying it out may lie apart, and new ones may be taken meanwhile.
 */
import type { Entry, HardState, PeerId, SnapshotMeta } from './entry.ts';
import type { Message, ReadRefused } from './message.ts';
import type { Watermark } from './state.ts';

export interface Ready {
  /** Who leads, when that changed. Rests on nothing. */
  readonly leadership: Leadership | undefined;
  readonly send: readonly Message[];
  readonly store: StoreJob | undefined;
  /** Empty while the slice before is being applied. */
  readonly apply: readonly Entry[];
  /** Reads that may be answered as soon as `index` is applied. */
  readonly reads: readonly ReadState[];
  /** Reads that will never be answered: to be asked again, under a new name. */
  readonly refusedReads: readonly RefusedRead[];
  /** A member needs a newer snapshot than there is: make one of what is applied. */
  readonly snapshotWanted: boolean;
}

export interface Leadership {
  readonly term: number;
  readonly role: 'follower' | 'pre-candidate' | 'candidate' | 'leader';
  readonly leader: PeerId | undefined;
  /** It won without a majority of trusted disks: what they lost may be lost for good. A person must be told. */
  readonly possibleLoss: boolean;
}

export interface StoreJob {
  /** From the leader: replaces the whole log. Its bytes were received, checked and synced by the driver before. */
  readonly snapshot: SnapshotMeta | undefined;
  /** Term, vote and commit index, when term or vote changed or something else is stored anyway. */
  readonly hardState: HardState | undefined;
  /** Replaces everything from the first one's index on. */
  readonly entries: readonly Entry[];
  /**
   * `cleared`: the log is what the group agreed on again, and the watermark follows its end, even down. Else how far
   * the log is known to have gone before it lost a part: to be kept until it is cleared, across restarts.
   */
  readonly suspicion: Watermark | 'cleared' | undefined;
  readonly thenSend: readonly Message[];
  /** To be given back when the job is durable. */
  readonly mark: StoreMark;
}

/**
 * What is durable after a job. It carries the term in which it was made, because an entry that was stored, replaced and
 * stored again looks like the first one (the ABA problem): a mark of an older term says nothing about entries.
 */
export interface StoreMark {
  /** Grows by one with each job. */
  readonly job: number;
  readonly term: number;
  readonly vote: PeerId | undefined;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly snapshotIndex: number | undefined;
  readonly suspect: Watermark | undefined;
}

export interface ReadState {
  readonly request: string;
  readonly index: number;
}

export interface RefusedRead {
  readonly request: string;
  readonly why: ReadRefused;
}

export interface Done {
  readonly stored?: StoreMark;
  /** Index of the last entry that was applied. */
  readonly applied?: number;
}
