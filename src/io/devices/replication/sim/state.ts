/** What replication keeps beside the datasets of a simulated pool. It is on the pool's disk: it outlives a daemon. */
import type { SnapInfo } from '../../volumes/port.ts';
import type { SimPool } from '../../volumes/sim/pools.ts';
import type { Marker } from '../marker.ts';
import type { Wanted } from '../port.ts';
import type { SimChange } from './stream.ts';

export interface Partial {
  readonly wanted: Wanted;
  readonly changes: SimChange[];
  isWhole: boolean;
}

/** The place in history that a snapshot had. Its content is not there for anybody: it stands for what zfs finds by age. */
export interface Bookmark extends SnapInfo {
  readonly peer: string;
  readonly files: ReadonlyMap<string, string>;
}

export interface Beside {
  readonly markers: Map<string, Marker>;
  readonly partials: Map<string, Partial>;
  readonly bookmarks: Map<string, readonly Bookmark[]>;
}

const known = new WeakMap<SimPool, Beside>();

export function besides(pool: SimPool): Beside {
  const found = known.get(pool) ?? { markers: new Map(), partials: new Map(), bookmarks: new Map() };
  known.set(pool, found);
  return found;
}
