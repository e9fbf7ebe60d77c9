/**
 * What a pool can promise. A volume without a place waits for room, and is refused only when it fits nowhere, however
 * much was removed. One that has its place cannot wait elsewhere: it grows where there is room for it now, or not.
 */
import { formatSize } from '#events/values/size.ts';
import type { ActorState, LabView } from '../actor.ts';
import { reject, type Rejection } from '../rejection.ts';

/** A pool is promised only this far: copy-on-write file systems degrade when they are full. */
const fillLimit = 0.8;

/** What the volumes of a pool may grow to, together. */
const promisable = (poolBytes: number): number => Math.floor(poolBytes * fillLimit);

interface Pool {
  readonly name: string;
  readonly sizeBytes: number;
}

/** What it has not promised yet; negative where it has promised too much. */
export function leftOf({ name, sizeBytes }: Pool, node: ActorState<'node'>, lab: LabView): number {
  const promised = lab
    .referrers(node.stream, 'volume')
    .filter(({ context }) => context.pool === name)
    .reduce((sum, { context }) => sum + context.spec.sizeBytes, 0);
  return promisable(sizeBytes) - promised;
}

/** @param what it is for: `volume photos-db` */
export function refuseTooLarge(
  what: string,
  sizeBytes: number,
  lab: LabView,
): { readonly rejected: Rejection } | undefined {
  const largest = lab
    .list('node')
    .flatMap(({ context }) => context.facts.pools.map((pool) => ({ ...pool, node: context.metadata.name })))
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes)[0];
  // Of a lab without pools nobody knows what it will have.
  if (!largest || sizeBytes <= promisable(largest.sizeBytes)) return undefined;
  const { name, node } = largest;
  return reject(
    'NO_NODE_FITS',
    `${formatSize(sizeBytes)} for ${what} fit nowhere: the largest pool, ${name} on ${node}, can promise ` +
      `${ofPool(largest)}.`,
    'Choose a smaller size, or give the lab a larger pool.',
  );
}

export interface Growth {
  /** It has a place. */
  readonly volume: ActorState<'volume'>;
  readonly sizeBytes: number;
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
        .reduce((sum, { volume, sizeBytes }) => sum + sizeBytes - volume.context.spec.sizeBytes, 0);
      // A pool that has promised too much is not in the way of what needs no room.
      if (moreBytes === 0) continue;
      const leftBytes = leftOf(pool, node, lab);
      if (moreBytes <= leftBytes) continue;
      return reject(
        'NO_NODE_FITS',
        `${formatSize(moreBytes)} more for ${what} do not fit: pool ${pool.name} on ${node.context.metadata.name} has ` +
          `${formatSize(Math.max(0, leftBytes))} left of what it can promise, ${ofPool(pool)}.`,
        'Choose a smaller size, delete volumes that nobody needs, or give the lab a larger pool.',
      );
    }
  }
  return undefined;
}

const ofPool = ({ sizeBytes }: Pool): string =>
  `${formatSize(promisable(sizeBytes))} (${fillLimit * 100} % of its ${formatSize(sizeBytes)})`;
