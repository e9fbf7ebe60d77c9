/**
 * What a pool can promise. A volume without a place waits for room, and is refused only when it fits nowhere, however
 * much was removed. One that has its place cannot wait elsewhere: it grows where there is room for it now, or not.
 */
import type { StreamId } from '#events/envelope.ts';
import type { PoolLimits } from '#events/node.ts';
import { formatSize } from '#events/values/size.ts';
import type { VolumeSpec } from '#events/volume.ts';
import type { ActorState, LabView } from '../actor.ts';
import { scratchBytes } from '../backup/known.ts';
import { runsApps } from '../node/known.ts';
import { poolStream } from '../pool/stream.ts';
import { reject, type Rejection } from '../rejection.ts';

/** A pool is promised only this far: copy-on-write file systems degrade when they are full. */
const usualLimits: PoolLimits = { fillPercent: 80, reserveBytes: 0 };

/** What somebody has said of a pool, else what is usual. */
export const limitsOf = (pool: string, { context }: ActorState<'node'>): PoolLimits =>
  (Object.hasOwn(context.poolLimits, pool) ? context.poolLimits[pool] : undefined) ?? usualLimits;

interface Pool {
  readonly name: string;
  readonly sizeBytes: number;
}

/** What the volumes of a pool may grow to, together. */
export function promisable({ name, sizeBytes }: Pool, node: ActorState<'node'>): number {
  const { fillPercent, reserveBytes } = limitsOf(name, node);
  return Math.max(0, Math.floor((sizeBytes * fillPercent) / 100) - reserveBytes);
}

/** It is being forgotten: its node has it still, and nothing new comes into it. */
export const isLeaving = (pool: string, node: StreamId<'node'>, lab: LabView): boolean =>
  lab.get(poolStream(node, pool))?.state === 'releasing';

/** What a pool keeps for a volume: its size, and the room to which it shall be able to grow. */
export const promisedTo = ({ sizeBytes, growToBytes = 0 }: VolumeSpec): number => Math.max(sizeBytes, growToBytes);

/** What it has not promised yet; negative where it has promised too much. One that moves counts in both pools. */
export function leftOf(pool: Pool, node: ActorState<'node'>, lab: LabView): number {
  let promised = 0;
  for (const { context } of lab.referrers(node.stream, 'volume')) {
    if (context.pool === pool.name) promised += promisedTo(context.spec);
    if (context.move?.pool === pool.name) promised += promisedTo(context.move.spec);
  }
  for (const { context } of lab.referrers(node.stream, 'replica')) {
    const of = context.pool === pool.name ? lab.get(context.volume) : undefined;
    if (of) promised += promisedTo(of.context.spec);
  }
  for (const { context } of lab.referrers(node.stream, 'backup-target')) {
    const { store } = context.spec;
    if (store.kind === 'pool' && store.node === node.stream && store.pool === pool.name) promised += store.sizeBytes;
  }
  for (const backup of lab.referrers(node.stream, 'backup'))
    if (backup.context.scratchPool === pool.name) promised += scratchBytes(backup);
  return promisable(pool, node) - promised;
}

/**
 * What is to be on one node together, and each of it in one pool.
 * @param what it is for: `volume photos-db`
 */
export function refuseTooLarge(
  what: string,
  sizes: readonly number[],
  lab: LabView,
): { readonly rejected: Rejection } | undefined {
  const totalBytes = sizes.reduce((sum, bytes) => sum + bytes, 0);
  const most = Math.max(0, ...sizes);
  const nodes = lab
    .list('node')
    .filter(runsApps)
    .flatMap((node) => {
      const pools = node.context.facts.pools
        .map((pool) => ({ pool, bytes: promisable(pool, node) }))
        .toSorted((a, b) => b.bytes - a.bytes);
      const [largest] = pools;
      return largest ? [{ node, largest, bytes: pools.reduce((sum, { bytes }) => sum + bytes, 0) }] : [];
    });
  // Of a lab without pools nobody knows what it will have.
  if (nodes.length === 0) return undefined;
  if (nodes.some(({ largest, bytes }) => totalBytes <= bytes && most <= largest.bytes)) return undefined;
  const hint = 'Choose a smaller size, or give the lab a larger pool.';
  const roomiest = nodes.toSorted((a, b) => b.bytes - a.bytes)[0];
  if (roomiest && most <= roomiest.largest.bytes && roomiest.bytes > roomiest.largest.bytes) {
    const { node, bytes } = roomiest;
    const pools = `the pools of ${node.context.metadata.name} can promise ${formatSize(bytes)} together`;
    return reject('NO_NODE_FITS', `${formatSize(totalBytes)} for ${what} fit nowhere: ${pools}.`, hint);
  }
  const best = nodes.toSorted((a, b) => b.largest.bytes - a.largest.bytes)[0];
  if (!best) return undefined;
  const { pool } = best.largest;
  return reject(
    'NO_NODE_FITS',
    `${formatSize(totalBytes)} for ${what} fit nowhere: the largest pool, ${pool.name} on ` +
      `${best.node.context.metadata.name}, can promise ${ofPool(pool, best.node)}.`,
    hint,
  );
}

export interface Growth {
  /** It has a place. */
  readonly volume: ActorState<'volume'>;
  readonly spec: VolumeSpec;
}

/** @param what they are for: `volume photos-db` @param growths what is asked for at once */
export function refuseGrowth(
  what: string,
  growths: readonly Growth[],
  lab: LabView,
): { readonly rejected: Rejection } | undefined {
  for (const node of lab.list('node')) {
    for (const pool of node.context.facts.pools) {
      const moreBytes = growths
        .filter(({ volume: { context } }) => context.node === node.stream && context.pool === pool.name)
        .reduce((sum, { volume, spec }) => sum + promisedTo(spec) - promisedTo(volume.context.spec), 0);
      // A pool that has promised too much is not in the way of what needs no room.
      if (moreBytes <= 0) continue;
      const leftBytes = leftOf(pool, node, lab);
      if (moreBytes <= leftBytes) continue;
      return reject(
        'NO_NODE_FITS',
        `${formatSize(moreBytes)} more for ${what} do not fit: pool ${pool.name} on ${node.context.metadata.name} has ` +
          `${formatSize(Math.max(0, leftBytes))} left of what it can promise, ${ofPool(pool, node)}.`,
        'Choose a smaller size, delete volumes that nobody needs, or give the lab a larger pool.',
      );
    }
  }
  return undefined;
}

/** A new volume in a place that is given. @param what it is for: `volume photos-db` */
export function refuseNew(
  what: string,
  sizeBytes: number,
  place: { readonly node: StreamId<'node'>; readonly pool: string },
  lab: LabView,
): { readonly rejected: Rejection } | undefined {
  const node = lab.get(place.node);
  const pool = node?.context.facts.pools.find(({ name }) => name === place.pool);
  const where = `pool ${place.pool} on ${node?.context.metadata.name ?? 'its node'}`;
  if (!node || !pool) return reject('NOT_NOW', `${what} has no place: ${where} is not there now.`);
  if (isLeaving(pool.name, node.stream, lab))
    return reject('NOT_NOW', `${what} has no place: ${where} is being forgotten.`, 'Choose another pool.');
  const leftBytes = leftOf(pool, node, lab);
  if (sizeBytes <= leftBytes) return undefined;
  return reject(
    'NO_NODE_FITS',
    `${formatSize(sizeBytes)} for ${what} do not fit: ${where} has ${formatSize(Math.max(0, leftBytes))} left of what ` +
      `it can promise, ${ofPool(pool, node)}.`,
    'Choose a smaller size, delete volumes that nobody needs, or give the lab a larger pool.',
  );
}

function ofPool(pool: Pool, node: ActorState<'node'>): string {
  const { fillPercent, reserveBytes } = limitsOf(pool.name, node);
  const others = reserveBytes === 0 ? '' : `, without ${formatSize(reserveBytes)} that are left to others`;
  return `${formatSize(promisable(pool, node))} (${fillPercent} % of its ${formatSize(pool.sizeBytes)}${others})`;
}
