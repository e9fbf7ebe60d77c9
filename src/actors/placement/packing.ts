/**
 * Strategies of packing: which of the pools that have room gets the next thing. Pure; what has no room is never chosen.
 *
 *   most-free               the one with the most room left: pools fill evenly
 *   bin-pack                best fit, the one that it fills most: other pools stay free for what is large
 *   first-fit-decreasing    the first by name that has room; of several things that wait the largest comes first
 *   harmonic                things of like size share a pool: one class for what takes more than a half of a pool, one
 *                           for more than a third, and so on (Lee and Lee, "A simple on-line bin-packing algorithm",
 *                           J. ACM 32, 1985). What is small never stands in the way of what is large
 */
import type { StreamId } from '#events/envelope.ts';
import type { PlacingStrategy } from '#events/values/replication.ts';

/** A pool of a node, as packing sees it. */
export interface Bin {
  readonly node: StreamId<'node'>;
  readonly pool: string;
  readonly freeBytes: number;
  /** What it may promise altogether. */
  readonly capacityBytes: number;
  /** What it has promised, one by one. */
  readonly heldBytes: readonly number[];
}

/** @returns the bins that have room, the best first */
export function fitting(strategy: PlacingStrategy, needBytes: number, bins: readonly Bin[]): readonly Bin[] {
  return bins.filter(({ freeBytes }) => freeBytes >= needBytes).toSorted((a, b) => order(strategy, needBytes, a, b));
}

function order(strategy: PlacingStrategy, needBytes: number, a: Bin, b: Bin): number {
  switch (strategy) {
    case 'most-free':
      return b.freeBytes - a.freeBytes || byName(a, b);
    case 'bin-pack':
      return a.freeBytes - b.freeBytes || byName(a, b);
    case 'first-fit-decreasing':
      return byName(a, b);
    case 'harmonic':
      return rankIn(a, needBytes) - rankIn(b, needBytes) || a.freeBytes - b.freeBytes || byName(a, b);
  }
}

const byName = (a: Bin, b: Bin): number =>
  a.node === b.node ? (a.pool < b.pool ? -1 : Number(a.pool > b.pool)) : a.node < b.node ? -1 : 1;

const classes = 6;

/** 1: more than half of the bin, 2: more than a third …; everything small is of the last class. */
export const harmonicClass = (bytes: number, capacityBytes: number): number =>
  bytes <= 0 ? classes : Math.min(classes, Math.max(1, Math.floor(capacityBytes / bytes)));

/** A bin of its own class, then an empty one, then any. */
function rankIn({ capacityBytes, heldBytes }: Bin, needBytes: number): number {
  if (heldBytes.length === 0) return 1;
  const wanted = harmonicClass(needBytes, capacityBytes);
  return heldBytes.every((bytes) => harmonicClass(bytes, capacityBytes) === wanted) ? 0 : 2;
}
