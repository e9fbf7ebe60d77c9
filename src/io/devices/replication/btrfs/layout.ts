/**
 * Where replicas are in a pool, beside the volumes (`volumes/btrfs/layout.ts`):
 *
 *     <pool>/floatlab/
 *       replicas/<dataset>/           a replica: as a volume, without `live`
 *         snapshots/<name>            read-only subvolumes, received or taken here before a demotion
 *         snapshots/.incoming         what is being received: writable and without a received uuid until it is whole
 *         new, live                   a promotion, or a demotion, that is not finished: the marker says which
 *       replication/<dataset>.json    its marker
 *       replication/aside/<as>/       a volume being made of what diverged
 *
 * A read-only subvolume cannot be renamed into another folder, but the folder that it is in can: that is how a replica
 * becomes a volume, and back, by one rename.
 */
import { join } from 'node:path';
import { datasetPaths } from '../../volumes/btrfs/layout.ts';
import type { DatasetPaths } from '../../volumes/btrfs/layout.ts';

export interface ReplicaPaths extends DatasetPaths {
  readonly incoming: string;
  readonly marker: string;
  /** The home of the volume of this name. */
  readonly volume: string;
}

export function replicaPaths(poolPath: string, name: string): ReplicaPaths {
  const ours = join(poolPath, 'floatlab');
  const home = join(ours, 'replicas', name);
  const snapshots = join(home, 'snapshots');
  const volume = datasetPaths(poolPath, name);
  return {
    ...volume,
    home,
    snapshots,
    live: join(home, 'live'),
    fresh: join(home, 'new'),
    snapshot: (snapshot) => join(snapshots, snapshot),
    incoming: join(snapshots, incomingName),
    marker: join(ours, 'replication', `${name}.json`),
    volume: volume.home,
  };
}

/** No name of a snapshot begins so. */
export const incomingName = '.incoming';

/** Where the volume of what diverged is made. */
export const asidePaths = (poolPath: string, as: string) => {
  const home = join(poolPath, 'floatlab', 'replication', 'aside', as);
  return {
    home,
    live: join(home, 'live'),
    snapshots: join(home, 'snapshots'),
    snapshot: (name: string) => join(home, 'snapshots', name),
  };
};

export const replicasFolder = (poolPath: string): string => join(poolPath, 'floatlab', 'replicas');
export const asideFolder = (poolPath: string): string => join(poolPath, 'floatlab', 'replication', 'aside');
export const markersFolder = (poolPath: string): string => join(poolPath, 'floatlab', 'replication');
