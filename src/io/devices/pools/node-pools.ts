/**
 * The pools that a node has been told to manage: by the settings of its start, or by a person through the lab. What it
 * was told through the lab it remembers itself, so that a start finds them again.
 *
 * Implemented by the daemon (`io/daemon/node-pools.ts`) over the drivers of this folder, and by the simulated machine.
 * Everything rejects with IoError only, and doing it again after an unknown outcome is safe.
 */
import type { PoolOrigin } from '#events/pool.ts';
import type { PoolDriver } from '#events/values/pool.ts';
import type { Call } from '../call.ts';
import { IoError } from '../error.ts';
import type { Candidate } from './candidates.ts';
import type { MoreDevices, PoolSpec, PoolStorage, Replacement, ScrubAction } from './port.ts';
import type { PoolReport } from './report.ts';
import type { Smart } from './smart.ts';

export interface KnownPool {
  readonly name: string;
  readonly driver: PoolDriver;
  readonly origin: PoolOrigin;
  /** An absolute path, or the name of a zfs dataset. */
  readonly where: string;
}

export interface OpenedPool {
  readonly where: string;
  readonly report: PoolReport;
}

/** A file without a path lies where the node keeps such. */
export type NewPool = Omit<PoolSpec, 'on'> & {
  readonly driver: 'btrfs' | 'zfs';
  readonly on: PoolStorage | { readonly sizeBytes: number };
};

export interface NodePools {
  /** Also those that cannot be opened at the moment: `report` says why. */
  list(): readonly KnownPool[];
  /** The disks of this machine, and what keeps some of them from being taken. */
  candidates(call: Call): Promise<readonly Candidate[]>;
  /** Of one that could not be opened before: tries again. @throws POOL_MISSING and whatever its driver says */
  report(name: string, call: Call): Promise<PoolReport>;
  /** What its disks say of themselves, by the names that they have in the report; of those that say anything. */
  smart(report: PoolReport, call: Call): Promise<ReadonlyMap<string, Smart>>;
  /** Makes it, remembers it and opens it for volumes. @throws as PoolAdmin.create; EXISTS when there is another one of this name */
  create(pool: NewPool, call: Call): Promise<OpenedPool>;
  /** Opens for volumes what is there already. @throws POOL_MISSING, INVALID, EXISTS */
  adopt(pool: Omit<KnownPool, 'origin'>, call: Call): Promise<OpenedPool>;
  /** Lets it go: what is in it stays; one that was mounted here is unmounted. Of one that it does not have: done. @throws BUSY */
  release(name: string, call: Call): Promise<void>;
  grow(name: string, to: { readonly sizeBytes?: number }, call: Call): Promise<PoolReport>;
  addDevices(name: string, more: MoreDevices, call: Call): Promise<PoolReport>;
  replace(name: string, what: Replacement, call: Call): Promise<PoolReport>;
  scrub(name: string, action: ScrubAction, call: Call): Promise<void>;
  /** Also one that cannot be opened; it is opened then. */
  clear(name: string, call: Call): Promise<PoolReport>;
}

/** Of a machine that has none and gets none: a witness. */
export const noPools: NodePools = {
  list: () => [],
  candidates: () => Promise.resolve([]),
  report: (name) => Promise.reject(without(name)),
  smart: () => Promise.resolve(new Map()),
  create: ({ name }) => Promise.reject(without(name)),
  adopt: ({ name }) => Promise.reject(without(name)),
  release: () => Promise.resolve(),
  grow: (name) => Promise.reject(without(name)),
  addDevices: (name) => Promise.reject(without(name)),
  replace: (name) => Promise.reject(without(name)),
  scrub: (name) => Promise.reject(without(name)),
  clear: (name) => Promise.reject(without(name)),
};

function without(name: string): IoError {
  return new IoError('POOL_MISSING', { op: 'find the pool', target: name, message: 'this machine has no pools' });
}
