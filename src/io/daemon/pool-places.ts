/**
 * Where pools really are, so that two names never mean one pool: both would have the same volumes, each with its own
 * idea of what becomes of them.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessMissing } from '../devices/errno.ts';
import { IoError } from '../devices/error.ts';
import type { KnownPool } from '../devices/pools/node-pools.ts';
import { poolIdOf } from '../devices/volumes/identity.ts';
import { isInside } from '../devices/volumes/mounts.ts';
import type { OwnPlace } from '../devices/volumes/own-places.ts';

export interface PoolPlace extends Pick<KnownPool, 'name' | 'driver'> {
  /** An absolute path without symbolic links, or the name of a zfs dataset. */
  readonly place: string;
  /** What it carries itself; undefined where it is not there, or carries none outside of zfs. */
  readonly id: string | undefined;
}

export async function placeOf({ name, driver, where }: Omit<KnownPool, 'origin'>): Promise<PoolPlace> {
  if (driver === 'zfs') return { name, driver, place: where, id: undefined };
  const place = await unlessMissing(realpath(where), where);
  return { name, driver, place, id: await poolIdOf(place) };
}

/** @param others those that the node has; one of the same name is the same one @throws IoError EXISTS */
export function refuseSecondName(pool: PoolPlace, others: Iterable<PoolPlace>): void {
  for (const other of others) {
    if (other.name === pool.name) continue;
    const why = whyOne(pool, other);
    if (why === undefined) continue;
    throw new IoError('EXISTS', {
      op: 'open the pool',
      target: pool.name,
      message: `${pool.name} would be a second name for the pool ${other.name}: ${why}`,
      hint: `Leave ${pool.name} out and use ${other.name}, or give ${pool.name} a place of its own.`,
    });
  }
}

function whyOne(pool: PoolPlace, other: PoolPlace): string | undefined {
  if ((pool.driver === 'zfs') !== (other.driver === 'zfs')) return undefined;
  if (pool.place === other.place) return `both are ${pool.place}`;
  if (pool.id !== undefined && pool.id === other.id)
    return `${pool.place} has the same content as ${other.place}, by its id ${pool.id}`;
  const lies = (inner: PoolPlace, outer: PoolPlace) => isInside(inner.place, ownFolder(outer));
  if (lies(pool, other)) return `${pool.place} is inside of it`;
  return lies(other, pool) ? `${other.place} is inside of ${pool.place}` : undefined;
}

/** What is below it belongs to FloatLab alone. */
const ownFolder = ({ driver, place }: PoolPlace): string => (driver === 'zfs' ? place : join(place, 'floatlab'));

/** For those who adopt what is on this machine. */
export function ownPlaces(dataDir: string, pools: Iterable<PoolPlace>): readonly OwnPlace[] {
  const inFolders = [...pools].filter(({ driver }) => driver !== 'zfs');
  return [
    { path: dataDir, what: 'the data directory of FloatLab', except: inFolders.map(({ place }) => place) },
    ...inFolders.map((pool): OwnPlace => ({
      path: ownFolder(pool),
      what: `the folder of FloatLab in the pool ${pool.name}`,
    })),
  ];
}
