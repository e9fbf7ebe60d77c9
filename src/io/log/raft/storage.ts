/**
 * Where a member keeps its log. The order in which things become durable is the law of `events/raft/ready.ts`; what is
 * checked when it is opened, and what damage means, is said in `open.ts`.
 *
 * Any rejection of a write means that nobody knows what is on the disk: the process must end (a second fsync would
 * succeed without having written anything).
 */
import type { RaftStart } from '#events/raft/raft.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import type { SnapshotMeta } from '#events/raft/entry.ts';

/** Who this log belongs to. A disk that was lost or replaced gets a new incarnation, and with it a new peer id. */
export interface Identity {
  /** Of the lab; another one after `recover`. */
  readonly cluster: string;
  /** Grows with each `recover` or restore. */
  readonly generation: number;
  readonly node: string;
  readonly incarnation: string;
}

/** Something that opening found, for the person who looks after the node. `open.ts` says which make it a suspect. */
export interface Finding {
  readonly kind:
    | 'torn-tail'
    | 'damaged-entry'
    | 'gap'
    | 'shorter-than-watermark'
    | 'unlike-watermark'
    | 'behind-history'
    | 'lost-hard-state'
    | 'lost-watermark'
    | 'lost-identity'
    | 'lost-snapshot'
    | 'still-suspect';
  /** What and where, as a sentence. */
  readonly explain: string;
}

export interface Opened {
  readonly identity: Identity;
  /** What the core starts with; `suspect` when the disk lost something that may have been acknowledged. */
  readonly start: Omit<RaftStart, 'id'>;
  readonly findings: readonly Finding[];
  readonly storage: RaftStorage;
}

/** A pointer to a snapshot's file, stored in the log's own database after the file is durable. */
export interface SnapshotPointer {
  readonly meta: SnapshotMeta;
  /** Name of the file in the directory of snapshots. */
  readonly file: string;
  readonly sizeBytes: number;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
}

export interface RaftStorage {
  /**
   * Carries out jobs, in their order, as one synced batch; resolves when all are durable. One call at a time. A job
   * with a snapshot names one whose pointer was given with `snapshotArrived` before.
   */
  store(jobs: readonly StoreJob[]): Promise<void>;
  /** The newest snapshot that this member made or installed. */
  readonly snapshot: SnapshotPointer | undefined;
  /** This member made a snapshot and its file is durable; resolves when the pointer is. Then the log may be compacted. */
  snapshotMade(pointer: SnapshotPointer): Promise<void>;
  /** A leader's snapshot was received, checked and synced. It counts only when its job is stored. */
  snapshotArrived(pointer: SnapshotPointer): void;
  /** Forgets entries up to here. Not synced: after a crash some may still be there. */
  compact(upTo: number): Promise<void>;
  close(): Promise<void>;
}
