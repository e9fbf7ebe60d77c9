/**
 * What FloatLab needs of a file system to keep replicas of datasets on other pools, by the streams of the file system
 * itself, or by streams of files. Beside `VolumePort`, over the same pools. Implemented by zfs (`zfs/`), btrfs (`btrfs/`),
 * for any file system by trees of files (`tree/`), and by simulated twins (`sim/`, `tree/sim.ts`); one contract suite,
 * `test/contracts/replication.ts`, holds for all of them.
 *
 *     volume ── demote ──▶ replica ── promote ──▶ volume          (one name is one of them, never both)
 *                            ▲  │
 *               receive ─────┘  └── setAside ──▶ volume of another name, with what diverged
 *
 * A **volume** is what `VolumePort` knows. A **replica** is read-only, unmounted, without quota, and unknown there: its
 * newest snapshot is all of its content. Snapshots are known by guid, which a copy shares with its original.
 *
 * Laws, beside those of `VolumePort` (idempotent, IoError only, nothing touched that is not ours):
 * - A stream changes nothing until it has come whole, unchanged, on the base that was named. Until then the replica is
 *   as it was, but for a half-received state where the file system can resume one; `bases` reports it.
 * - Nothing is ever forced: what stands in the way is reported, and only `setAside` moves it, into a volume of its own.
 * - What `receive` has answered with is on disk.
 * - Epochs only grow. Whoever comes with a lower one than a dataset has seen is refused as FENCED, also after a crash.
 * - Interrupted between any two steps, the next call to the dataset finishes the work or takes it back.
 *
 * `Call.timeoutMs` is the longest silence of `send` and `receive`, and of the other methods the longest duration.
 */
import type { Call } from '../call.ts';
import type { Dataset, DatasetSpec, SnapInfo, VolumePort } from '../volumes/port.ts';

/** Who may write a dataset: a higher one fences all lower ones. The generation grows when a lab is recovered. */
export interface Epoch {
  readonly generation: number;
  readonly index: number;
}

/** By the file system itself, or file by file between any two of them (`tree/`). Who chooses: `formats.ts`. */
export type StreamFormat = 'zfs' | 'btrfs' | 'tree';

export const describeFormat = (format: StreamFormat): string =>
  format === 'tree' ? 'streams of files' : `streams of ${format}`;

export interface StreamAbilities {
  readonly format: StreamFormat;
  /** An interrupted stream can go on where it ended. */
  readonly resume: boolean;
  /** What is compressed on the disk is sent as it is. */
  readonly compressed: boolean;
  /** What is encrypted on the disk is sent as it is. */
  readonly raw: boolean;
  /** A stream can be based on a snapshot that is gone, once it was protected. */
  readonly bookmarks: boolean;
  /** Of trees: times of files keep their fractions of seconds here. Who sends to it may be told (`SendOptions`). */
  readonly fractions?: true;
}

/** Fixed for a volume when its first stream is sent: changing them half way has damaged data on zfs (openzfs#6224). */
export interface SendOptions {
  /** As `bases` says where absent; any volume can be sent file by file as well. */
  readonly format?: StreamFormat;
  readonly compressed: boolean;
  readonly raw: boolean;
  /**
   * Of trees: the receiver keeps fractions of seconds, so what proves the stream covers them. They are sent in any case.
   * May be another one with each stream.
   */
  readonly fractions?: boolean;
  /**
   * Whom both ends are protected for, as `protect` does, in the turn in which they are found. Not of a stream that goes on
   * where it ended.
   */
  readonly peer?: string;
}

/** What a stream can be based on; of bookmarks only the place in history is left. */
export interface Base extends Pick<SnapInfo, 'name' | 'guid' | 'createdAt'> {
  readonly kind: 'snapshot' | 'bookmark';
  /** Peers that it is protected for, sorted. */
  readonly peers: readonly string[];
}

export interface Bases {
  readonly role: 'volume' | 'replica';
  /**
   * How it is kept: a replica takes these streams and no others, for as long as it is there. A volume that came file by
   * file is sent file by file, because its file system knows its snapshots by other names than everybody else.
   */
  readonly format: StreamFormat;
  /** As last told to this dataset; undefined before anybody did. */
  readonly epoch?: Epoch;
  readonly lineage?: string;
  /** The oldest first. */
  readonly all: readonly Base[];
  /** Guid of the newest snapshot; of a replica that is its content. Undefined of a volume without one. */
  readonly newest: string | undefined;
  /** A stream that was interrupted and can be resumed by its sender. */
  readonly resume?: Resumable;
}

export interface Resumable extends Wanted {
  /** For `send`. At most 16 KiB of `[0-9a-f-]`. */
  readonly token: string;
}

/** A stream, by what it makes of what. */
export interface Wanted {
  /** The snapshot that must be the newest of the replica; absent for a stream of everything. */
  readonly from?: string | undefined;
  readonly to: Pick<SnapInfo, 'name' | 'guid'>;
}

export interface Incoming extends Wanted {
  readonly format: StreamFormat;
  /** Of the volume at its sender. */
  readonly epoch: Epoch;
  /** `[a-z0-9][a-z0-9-]{0,63}`: a roll-back of the volume begins another one. */
  readonly lineage: string;
}

export type Sending = { readonly from?: string; readonly to: string } | { readonly resume: string };

export interface Outgoing {
  readonly format: StreamFormat;
  /** Undefined where nobody can tell. */
  readonly estimatedBytes?: number;
  /**
   * Read once. The sender works as fast as it is read, and ends when the reader leaves. Rejects with what went wrong at
   * the sender; what was read until then is no whole stream.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
}

export interface ReplicationPort {
  /**
   * Of the streams of the file system itself where it has such, else file by file.
   * @param format `tree`: file by file, whatever else there is @throws UNSUPPORTED where the pool has no such streams
   */
  abilities(pool: string, call: Call, format?: 'tree'): Promise<StreamAbilities>;
  /** Names of all replicas in a pool, sorted. */
  replicas(pool: string, call: Call): Promise<readonly string[]>;
  /** @returns undefined when there is neither volume nor replica */
  bases(of: Dataset, call: Call): Promise<Bases | undefined>;
  /**
   * Keeps a snapshot from being removed, for a peer (`[a-z0-9][a-z0-9-]{0,63}`): before a stream both of its ends, after
   * it, once the receiver has confirmed the guid, the new one alone. A bookmark is left beside it where there are such.
   * @throws MISSING
   */
  protect(of: Dataset, guid: string, peer: string, call: Call): Promise<void>;
  /** Lets go of all that was protected for a peer, but for these guids. Of what is not there: done. */
  unprotect(of: Dataset, peer: string, except: readonly string[], call: Call): Promise<void>;
  /**
   * @throws MISSING when a snapshot is not there; DIVERGED when `from` is none of its forerunners; TOKEN_DEAD;
   * UNSUPPORTED, also when it cannot be sent in this format
   */
  send(of: Dataset, what: Sending, options: SendOptions, call: Call): Promise<Outgoing>;
  /**
   * Brings a replica, or one that does not exist, to the snapshot `to`, which then is its newest. Of one that has it:
   * done, and nothing is read. What it does not need of the bytes it gives up.
   * @throws FENCED; EXISTS when it is a volume here, or another snapshot has the name; DIVERGED when the lineage or the
   * newest snapshot is another one; UNSUPPORTED when it is kept in another format; MISSING when there is no replica for a
   * stream with a base; TRUNCATED when the stream is not whole; BUSY while another one is received; whatever `bytes` rejects with
   */
  receive(into: Dataset, what: Incoming, bytes: AsyncIterable<Uint8Array>, call: Call): Promise<SnapInfo>;
  /** Gives up a half-received state. */
  abandon(of: Dataset, call: Call): Promise<void>;
  /**
   * From now on nobody with a lower epoch changes this dataset: ends streams of theirs that are being received. Works
   * where no dataset is, too.
   * @returns what `bases` says afterwards @throws FENCED when a higher epoch is known
   */
  seal(of: Dataset, epoch: Epoch, call: Call): Promise<Bases | undefined>;
  /**
   * Makes a volume of a replica, with the content of its newest snapshot and all of its snapshots. Of a volume: done.
   * @throws FENCED, MISSING
   */
  promote(of: Dataset, epoch: Epoch, spec: DatasetSpec, call: Call): Promise<void>;
  /**
   * Makes a replica of a volume: seals it, and keeps all that was written as the snapshot `final`, taken when nobody can
   * write any more. Of a replica: done.
   * @returns its newest snapshot @throws FENCED, MISSING, BUSY while an app uses it, INVALID of one that was adopted
   */
  demote(of: Dataset, how: Demotion, call: Call): Promise<SnapInfo>;
  /**
   * Takes a replica back to a snapshot that it has in common with the others. What is newer becomes the volume `as`, with
   * these snapshots, until somebody destroys that. Where nothing is newer, nothing is made.
   * @throws FENCED, MISSING, EXISTS when `as` is another dataset
   */
  setAside(of: Dataset, how: Divergence, call: Call): Promise<void>;
  /** Of a replica. Of those that are not there: done. @throws HELD, INVALID when it is a volume or its newest is named */
  removeSnapshots(of: Dataset, names: readonly string[], call: Call): Promise<void>;
  /** Removes a replica with its snapshots; its seal stays. Of one that is not there: done. @throws HELD, INVALID of a volume */
  discard(of: Dataset, epoch: Epoch, call: Call): Promise<void>;
  /** The same volumes, which do not remove what is protected (HELD) or being sent (BUSY): use these beside this port. */
  guard(volumes: VolumePort): VolumePort;
}

export interface Demotion {
  readonly epoch: Epoch;
  readonly lineage: string;
  /** Name of the snapshot that is taken. */
  readonly final: string;
  /** Which streams the replica takes from now on; as it was kept as a volume where absent. */
  readonly format?: StreamFormat;
}

export interface Divergence {
  readonly epoch: Epoch;
  /** That the replica follows from now on. */
  readonly lineage: string;
  /** Guid. */
  readonly common: string;
  /** Name of the volume, in the same pool, that holds what is newer. */
  readonly as: string;
}
