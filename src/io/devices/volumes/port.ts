/**
 * What FloatLab needs of a file system with snapshots. Implemented by zfs (`zfs/`), btrfs (`btrfs/`), plain folders with
 * copies (`dir/`) and the simulated twin (`sim.ts`); one contract suite, `test/contracts/volumes.ts`, holds for all of
 * them. What a pool cannot do it says in `can`, and nobody assumes it.
 *
 * Laws: every method is idempotent (doing it again after an unknown outcome is safe and answers the same); rejects
 * with IoError only; touches nothing that it did not create or was not told to adopt; names are validated here once
 * more, whatever the caller did. A call that was cut off leaves nothing that its repetition would not finish or remove.
 */
import type { Call } from '../call.ts';

/** A dataset of FloatLab: `name` is the id of its volume, `[a-z0-9][a-z0-9-]{0,63}`. */
export interface Dataset {
  readonly pool: string;
  readonly name: string;
}

export interface DatasetSpec {
  /** What its files may take; its snapshots do not count. */
  readonly sizeBytes: number;
  /** Of the top folder; left as it is where absent. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Of the top folder: permission bits, 0 to 0o7777; left as they are where absent. */
  readonly mode?: number;
  /** A power of two. Fixed once the dataset is there; of no effect where the pool has no such thing (`can.recordSize`). */
  readonly recordSizeBytes?: number;
  /** Fixed once the dataset is there, because what was written stays as it is. UNSUPPORTED unless in `can.compression`. */
  readonly compression?: Compression;
}

export type Compression = 'off' | 'lz4' | 'zstd' | 'gzip';

export interface SnapInfo {
  /** `[a-z0-9][a-z0-9.-]{0,127}`; of another tool's: whatever that calls it. */
  readonly name: string;
  /** Identity by the file system: survives renames, equal on a replica. */
  readonly guid: string;
  /** Milliseconds since 1970, by the file system; for people. Order is the order of the list. */
  readonly createdAt: number;
  /** What would be free without it and it alone; undefined where the file system does not count that. */
  readonly exclusiveBytes?: number;
}

export interface DatasetInfo {
  /** Where its files are, an absolute path on the node. */
  readonly path: string;
  /** What its files take, without its snapshots. */
  readonly usedBytes: number;
  /** The quota; undefined where none is set or the pool cannot. */
  readonly sizeBytes: number | undefined;
  /** Undefined where the pool has no such thing. */
  readonly recordSizeBytes?: number;
  readonly compression?: Compression;
  /** Its own name on the file system, of one that was adopted. */
  readonly adopted?: string;
}

export interface PoolInfo {
  readonly name: string;
  readonly driver: 'btrfs' | 'zfs' | 'dir';
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly state: 'online' | 'degraded' | 'unavailable';
  /** As found, at this moment; of a pool that is unavailable as found last. */
  readonly can: PoolAbilities;
}

export interface PoolAbilities {
  /** Sizes hold. */
  readonly quota: boolean;
  /** Whether a dataset has changed since its newest snapshot is known without looking at its files. */
  readonly changes: boolean;
  readonly recordSize: boolean;
  readonly compression: readonly Compression[];
  /** Snapshots and clones share what they have in common; where not they are copies and take time and room. */
  readonly copyOnWrite: boolean;
  /** `snapshotTogether` is one moment for all of them. */
  readonly together: boolean;
  /** `destroy` can leave nothing readable behind. */
  readonly scrubbedDestroy: boolean;
}

/** A dataset against its newest snapshot. */
export interface Change {
  /** Guid of that snapshot; undefined where there is none. */
  readonly since: string | undefined;
  /** Without a snapshot everything has changed. What lies in memory may take a while to show (`delayMs`). */
  readonly changed: boolean;
  /**
   * Another text when the content is another one, as far as the file system tells: while it stays the same, nothing that
   * is on disk has changed (btrfs), or no file was written to (zfs; before OpenZFS 0.8: none has changed its size). At most
   * 256 characters.
   */
  readonly mark: string;
  /**
   * Everything that an app had written so many milliseconds before the call is in this; what came later may be, too. For as
   * long a file system may keep to itself what it has only in memory.
   */
  readonly delayMs: number;
}

/** Something in a pool that FloatLab did not make. */
export interface VolumeCandidate {
  /** What `adopt` is given. */
  readonly native: string;
  /** Where its files are, an absolute path; undefined where it has no place. */
  readonly path: string | undefined;
  /** What its files take, as far as the file system says so, or they could be counted in the time. */
  readonly usedBytes: number | undefined;
  /** Why it cannot be adopted as it is, as a sentence without its end; undefined when it can. */
  readonly why: string | undefined;
}

export interface VolumePort {
  pools(call: Call): Promise<readonly PoolInfo[]>;
  /** Makes the dataset, or finds it there and gives it what can still be changed: size, owner and mode. */
  create(of: Dataset, spec: DatasetSpec, call: Call): Promise<DatasetInfo>;
  /**
   * A new dataset of the same pool that begins with the content of a snapshot. Neither holds the other back: both, and
   * the snapshot, can be removed. One that is there is given what `create` would give.
   * @throws MISSING when the snapshot does not exist, or is another tool's; INVALID over two pools
   */
  clone(from: Dataset, snapshot: string, into: Dataset, spec: DatasetSpec, call: Call): Promise<DatasetInfo>;
  /** @returns undefined when the dataset does not exist */
  inspect(of: Dataset, call: Call): Promise<DatasetInfo | undefined>;
  /** Makes its files accessible at its path, after a boot for example, when nothing is mounted. @throws MISSING */
  mount(of: Dataset, call: Call): Promise<DatasetInfo>;
  /** Names of all datasets of FloatLab in a pool, sorted. */
  list(pool: string, call: Call): Promise<readonly string[]>;
  /** All datasets of a pool at once, by name. Cheap: a few commands, however many there are. @throws UNSUPPORTED where the pool cannot (`can.changes`) */
  changes(pool: string, call: Call): Promise<ReadonlyMap<string, Change>>;
  /** Takes a read-only snapshot; one that already has this name is returned as it is. */
  snapshot(of: Dataset, name: string, call: Call): Promise<SnapInfo>;
  /**
   * Of several datasets of one pool, each of which gets a snapshot of this name: of one moment, or none.
   * @throws UNSUPPORTED (`can.together`), EXISTS when some have it already, INVALID over two pools
   */
  snapshotTogether(of: readonly Dataset[], name: string, call: Call): Promise<readonly SnapInfo[]>;
  /** Those that were taken here, in the order of creation. @throws MISSING when the dataset does not exist */
  snapshots(of: Dataset, call: Call): Promise<readonly SnapInfo[]>;
  /** Those of other tools, in the order of creation: shown, never removed, never a base of anything. @throws MISSING */
  foreignSnapshots(of: Dataset, call: Call): Promise<readonly SnapInfo[]>;
  /** Where its files can be read, an absolute path on the node that stays while the snapshot does, also across roll-backs. @throws MISSING */
  snapshotPath(of: Dataset, name: string, call: Call): Promise<string>;
  /**
   * Of what the dataset holds now: the bytes that were written since the snapshot was taken; what was deleted does not
   * count. Undefined, and never zero, where the file system does not tell, or the present does not go on from that
   * snapshot, after a roll-back. @throws MISSING
   */
  writtenSince(of: Dataset, name: string, call: Call): Promise<number | undefined>;
  /** Of those that are not there: done. In as few commands as the file system allows. */
  removeSnapshots(of: Dataset, names: readonly string[], call: Call): Promise<void>;
  /**
   * Gives the dataset the content of `to` and keeps what it held until now as the snapshot `stash`.
   * Both happen or neither: interrupted between any two steps, a repetition finishes it, and the stash holds the
   * content from before the first attempt. Newer snapshots stay, and so do size, owner and mode. The dataset must not be in
   * use.
   */
  rollback(of: Dataset, to: string, stash: string, call: Call): Promise<SnapInfo>;
  /**
   * Takes over what is there already, in place: `native` is a zfs dataset, or the absolute path of a btrfs subvolume, of
   * the pool. Its content, path and properties stay; from now on it is the dataset `of`.
   * @throws MISSING, EXISTS when it belongs to another volume, INVALID when it is no such thing
   */
  adopt(native: string, of: Dataset, call: Call): Promise<DatasetInfo>;
  /**
   * What could be adopted, and what of it cannot, with the reason; sorted by `native`. Of zfs and btrfs all that is in
   * the file system of the pool; of a plain folder what is directly in it. Without what FloatLab made, and without
   * snapshots. Changes nothing.
   */
  candidates(pool: string, call: Call): Promise<readonly VolumeCandidate[]>;
  /**
   * Gives back what was adopted, as it is by then, without the snapshots that were taken here. Of one that is not there:
   * done. @throws INVALID when it was made here, HELD when somebody holds one of those snapshots
   */
  release(of: Dataset, call: Call): Promise<void>;
  /**
   * Removes the dataset with its snapshots. Of one that is not there: done.
   * @param how `scrub`: so that nothing of it can be read from the disks. @throws UNSUPPORTED (`can.scrubbedDestroy`);
   * INVALID when it was adopted; HELD when a hold or another tool's snapshot would have to go with it
   */
  destroy(of: Dataset, how: { readonly scrub: boolean }, call: Call): Promise<void>;
}
