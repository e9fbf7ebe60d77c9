/** What a pool can promise at all: a volume that fits nowhere, however much was removed, is refused at once. */
import type { StreamId } from '#events/envelope.ts';
import { formatSize } from '#events/values/size.ts';
import type { LabView } from '../actor.ts';
import { reject, type Rejection } from '../rejection.ts';

/** A pool is promised only this far: copy-on-write file systems degrade when they are full. */
const fillLimit = 0.8;

/** What the volumes of a pool may grow to, together. */
export const promisable = (poolBytes: number): number => Math.floor(poolBytes * fillLimit);

/**
 * @param what it is for: `volume photos-db`
 * @param only where it has to be; nothing: any pool of any node
 */
export function refuseTooLarge(
  what: string,
  sizeBytes: number,
  lab: LabView,
  only: { readonly node?: StreamId<'node'>; readonly pool?: string } = {},
): { readonly rejected: Rejection } | undefined {
  const largest = lab
    .list('node')
    .filter(({ stream }) => only.node === undefined || stream === only.node)
    .flatMap(({ context }) => context.facts.pools.map((pool) => ({ ...pool, node: context.metadata.name })))
    .filter(({ name }) => only.pool === undefined || name === only.pool)
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes)[0];
  // Of a lab without pools nobody knows what it will have.
  if (!largest || sizeBytes <= promisable(largest.sizeBytes)) return undefined;
  const { name, node } = largest;
  const which = only.pool === undefined ? `the largest pool, ${name} on ${node},` : `pool ${name} on ${node}`;
  return reject(
    'NO_NODE_FITS',
    `${formatSize(sizeBytes)} for ${what} fit nowhere: ${which} can promise ${formatSize(promisable(largest.sizeBytes))}` +
      ` (${fillLimit * 100} % of its ${formatSize(largest.sizeBytes)}).`,
    'Choose a smaller size, or give the lab a larger pool.',
  );
}
