/**
 * What FloatLab needs of a file system with snapshots. Implemented by btrfs (`btrfs/`) and by the simulated twin
 * (`sim.ts`); one contract suite, `test/contracts/volumes.ts`, holds for all of them.
 *
 * Laws: every method is idempotent (doing it again after an unknown outcome is safe and answers the same); rejects
 * with IoError only; touches nothing that it did not create; names are validated here once more, whatever the caller
 * did. Only datasets below the pool's own `floatlab` folder exist for it.
 */
import type { Call } from '../call.ts';

/** A dataset of FloatLab: `name` is the id of its volume, `[a-z0-9][a-z0-9-]{0,63}`. */
export interface Dataset {
  readonly pool: string;
  readonly name: string;
}

export interface SnapInfo {
  /** `[a-z0-9][a-z0-9.-]{0,127}` */
  readonly name: string;
  /** Identity by the file system: survives renames, equal on a replica. */
  readonly guid: string;
  /** Milliseconds since 1970, by the file system; for people. Order is the order of the list. */
  readonly createdAt: number;
}

export interface DatasetInfo {
  /** Where its files are, an absolute path on the node. */
  readonly path: string;
  readonly usedBytes: number;
  /** The quota; undefined where none is set or the pool cannot. */
  readonly sizeBytes: number | undefined;
}

export interface PoolInfo {
  readonly name: string;
  readonly driver: 'btrfs' | 'zfs' | 'dir';
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly state: 'online' | 'degraded' | 'unavailable';
}

export interface VolumePort {
  pools(call: Call): Promise<readonly PoolInfo[]>;
  /** Makes the dataset with its quota, or finds it there and sets the quota. */
  create(of: Dataset, sizeBytes: number, call: Call): Promise<DatasetInfo>;
  /** @returns undefined when the dataset does not exist */
  inspect(of: Dataset, call: Call): Promise<DatasetInfo | undefined>;
  /** Names of all datasets of FloatLab in a pool, sorted. */
  list(pool: string, call: Call): Promise<readonly string[]>;
  /** Takes a read-only snapshot; one that already has this name is returned as it is. */
  snapshot(of: Dataset, name: string, call: Call): Promise<SnapInfo>;
  /** In the order of creation. @throws MISSING when the dataset does not exist */
  snapshots(of: Dataset, call: Call): Promise<readonly SnapInfo[]>;
  /** Of a snapshot that is not there: done. */
  removeSnapshot(of: Dataset, name: string, call: Call): Promise<void>;
  /**
   * Gives the dataset the content of `to` and keeps what it held until now as the snapshot `stash`.
   * Both happen or neither: interrupted between any two steps, a repetition finishes it, and the stash holds the
   * content from before the first attempt. Newer snapshots stay. The dataset must not be in use.
   */
  rollback(of: Dataset, to: string, stash: string, call: Call): Promise<SnapInfo>;
  /** Removes the dataset with its snapshots. Of one that is not there: done. */
  destroy(of: Dataset, call: Call): Promise<void>;
}
