/** What the node calls its pools, and what it does not call them. */
import type { PoolOrigin } from '#events/pool.ts';
import { IoError } from '../devices/error.ts';
import type { KnownPool } from '../devices/pools/node-pools.ts';
import type { ManagedPool } from '../devices/pools/port.ts';
import { zpoolOf } from './open-pool.ts';
import { isOwnName } from './pool-setting.ts';

/** As its file system knows it: a zpool has a name of its own, and FloatLab a dataset in it. */
export const adminName = ({ driver, name, where }: KnownPool): string => (driver === 'zfs' ? zpoolOf(where) : name);

/** As its driver knows it; a plain folder has none. */
export function managedOf(pool: KnownPool): readonly ManagedPool[] {
  if (pool.driver === 'dir') return [];
  const mountpoint = pool.driver === 'btrfs' ? { mountpoint: pool.where } : {};
  return [{ name: adminName(pool), driver: pool.driver, ...mountpoint }];
}

/** Its files would be those of the pool that every node has. @throws IoError INVALID */
export function refuseOwnName(name: string): void {
  if (!isOwnName(name)) return;
  const message = `${name} is not a name for a pool: the data directory keeps something else of that name`;
  throw new IoError('INVALID', { op: 'open the pool', target: name, message, hint: 'Choose another name.' });
}

/** @throws IoError EXISTS */
export function refuseOther(pools: readonly KnownPool[], name: string, origin: PoolOrigin): void {
  const there = pools.find((pool) => pool.name === name);
  if (!there || there.origin === origin) return;
  const message = `this node has another pool ${name} already, at ${there.where}`;
  throw new IoError('EXISTS', { op: 'open the pool', target: name, message, hint: 'Choose another name.' });
}
