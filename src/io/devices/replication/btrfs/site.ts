/** One replica, or the volume of its name, during one call; and how a call finds it. */
import { mkdir } from 'node:fs/promises';
import type { RunCommand } from '../../run.ts';
import { readAdopted } from '../../volumes/btrfs/adopted.ts';
import { btrfsCommands } from '../../volumes/btrfs/commands.ts';
import { exists } from '../../volumes/btrfs/dataset.ts';
import { datasetPaths, hasFolder } from '../../volumes/btrfs/layout.ts';
import type { BtrfsPool, OpenPool } from '../../volumes/btrfs/pool.ts';
import { openPool } from '../../volumes/btrfs/pool.ts';
import { settle } from '../../volumes/btrfs/rollback.ts';
import type { Site } from '../../volumes/btrfs/site.ts';
import type { Locked } from '../../volumes/lock.ts';
import type { Dataset } from '../../volumes/port.ts';
import type { Hands } from '../backend.ts';
import { markersFolder, replicaPaths, replicasFolder, type ReplicaPaths } from './layout.ts';

export interface BtrfsMeans {
  readonly pools: readonly BtrfsPool[];
  readonly run: RunCommand;
  readonly oneAtATime: Locked;
}

export interface ReplicaSite extends Site {
  readonly paths: ReplicaPaths;
  readonly run: RunCommand;
}

export async function replicaSite(
  { pools, run, oneAtATime }: BtrfsMeans,
  of: Dataset,
  hands: Hands,
): Promise<ReplicaSite> {
  const { op, target, within, step } = hands;
  const pool = await openPool(pools, of.pool, op);
  return {
    ...{ op, target, within, step, pool, oneAtATime, run },
    name: of.name,
    paths: replicaPaths(pool.path, of.name),
    adopted: undefined,
    btrfs: btrfsCommands(run, target, within),
  };
}

/** The volume of the same name, its roll-backs finished; undefined when there is none. */
export async function volumeSite(replica: ReplicaSite): Promise<Site | undefined> {
  const { pool, name } = replica;
  const places = datasetPaths(pool.path, name);
  const look = async (): Promise<Site> => {
    const adopted = (await hasFolder(places.home)) ? await readAdopted(places.adopted) : undefined;
    return { ...replica, adopted, paths: datasetPaths(pool.path, name, adopted?.path) };
  };
  if (!(await hasFolder(places.home)) || !(await hasFolder(places.snapshots))) return undefined;
  const site = await look();
  // What was adopted and is lost can be given up by the port of volumes; here it only does not count.
  if (replica.op === 'release') return site.adopted ? undefined : site;
  await settle(site);
  const settled = site.adopted ? await look() : site;
  return (await exists(settled)) ? settled : undefined;
}

/** The folders of ours, once something is to be written into them. */
export async function ensureFolders({ path }: OpenPool): Promise<void> {
  for (const folder of [replicasFolder(path), markersFolder(path)])
    await mkdir(folder, { recursive: true, mode: 0o700 });
}
