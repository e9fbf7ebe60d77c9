/**
 * What one does to pools: make them, watch them, mend them. Implemented for btrfs (`btrfs/`), for zfs (`zfs/`) and by
 * the simulated twin (`sim.ts`); one contract suite, `test/contracts/pools.ts`, holds for all of them.
 *
 * Laws: every method is idempotent (doing it again after an unknown outcome is safe and answers the same); rejects with
 * IoError only; touches no pool that it was not told to manage, and no device that holds anything (a file system, a
 * table of partitions, a mount, another pool), unless it is told to erase it. What is in use is never erased.
 */
import type { PoolLayout } from '#events/values/pool.ts';
import type { Call } from '../call.ts';
import type { Candidate } from './candidates.ts';
import type { PoolReport } from './report.ts';

/** A pool that FloatLab has been told to manage. Any other one does not exist for it. */
export interface ManagedPool {
  /** `[a-z][a-z0-9-]{0,31}`. */
  readonly name: string;
  readonly driver: 'btrfs' | 'zfs';
  /** Where its top folder is, an absolute path. zfs: the pool's own by default. */
  readonly mountpoint?: string;
}

export type Layout = PoolLayout;

/** Disks and partitions by their paths, or one file, made here, whose space is reserved. */
export type PoolStorage =
  | { readonly devices: readonly string[] }
  | { readonly file: string; readonly sizeBytes: number };

export interface PoolSpec {
  readonly name: string;
  readonly layout: Layout;
  readonly on: PoolStorage;
  /** What the devices hold is lost. */
  readonly erase?: boolean;
}

export interface MoreDevices {
  readonly devices: readonly string[];
  /** How the new ones are put together; btrfs: how the whole pool is from now on. By default as the pool is. */
  readonly layout?: Layout;
  readonly erase?: boolean;
}

export interface Replacement {
  /** As the report calls it, or its path; of one that is gone, its number. */
  readonly old: string;
  readonly by: string;
  readonly erase?: boolean;
}

export type ScrubAction = 'start' | 'pause' | 'cancel';

export interface PoolAdmin {
  /** The disks of this machine, and what keeps some of them from being taken. */
  candidates(call: Call): Promise<readonly Candidate[]>;
  /**
   * Makes the pool, or finds it there as it was asked for.
   * @throws POOL_MISSING when it is not to be managed; EXISTS when it is there otherwise; BUSY, HELD (it holds data), INVALID
   *   (no such device, too few for the layout); UNSUPPORTED
   */
  create(spec: PoolSpec, call: Call): Promise<PoolReport>;
  /** @throws POOL_MISSING, DAMAGED when what the file system says cannot be read */
  report(name: string, call: Call): Promise<PoolReport>;
  /** Uses what its devices have gained; of a pool in a file: makes the file larger. @throws INVALID, NO_SPACE */
  grow(name: string, to: { readonly sizeBytes?: number }, call: Call): Promise<PoolReport>;
  /** Those that are in the pool already: done. @throws as `create` */
  addDevices(name: string, more: MoreDevices, call: Call): Promise<PoolReport>;
  /**
   * Waits until the new device holds everything that it must. A call that was cut off leaves the exchange going on; its
   * repetition goes on waiting. @throws as `create`; MISSING when the old one was never there
   */
  replace(name: string, what: Replacement, call: Call): Promise<PoolReport>;
  /**
   * Returns once it has begun or stopped; the report tells how far it is. To start goes on with what was paused; to stop
   * what does not run: done. @throws BUSY while a device is being filled; UNSUPPORTED: old versions of zfs cannot pause
   */
  scrub(name: string, action: ScrubAction, call: Call): Promise<void>;
  /**
   * It forgets the errors that it has counted, goes on where it stopped, and takes writes again. Of one that is well: done.
   * @throws POOL_MISSING; READ_ONLY when the kernel does not let it be written; BUSY (zfs that was imported read-only must be
   *   imported anew, and something uses it)
   */
  clear(name: string, call: Call): Promise<PoolReport>;
}
