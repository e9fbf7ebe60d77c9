/** The volumes of a pool, by their names. */
import { isDatasetName } from '../names.ts';
import type { Zfs } from './commands.ts';
import { property } from './layout.ts';
import { ownValue } from './parse.ts';
import type { ZfsPool } from './site.ts';

/** Sorted. */
export async function listVolumes(zfs: Zfs, pool: ZfsPool): Promise<readonly string[]> {
  const wanted = [property.volume, property.adopted, property.releasing];
  const found = await zfs.getChildren(wanted, pool.root);
  const volumes: string[] = [];
  for (const [dataset, properties] of found) {
    const volume = dataset.slice(pool.root.length + 1);
    if (!isDatasetName(volume) || ownValue(properties, property.releasing) !== undefined) continue;
    if (ownValue(properties, property.volume) === volume || ownValue(properties, property.adopted) !== undefined)
      volumes.push(volume);
  }
  // Moved aside for a moment, in the middle of a roll-back.
  for (const dataset of await zfs.names(pool.root, 2)) {
    const volume = /^\.([^/]+)\/next$/.exec(dataset.slice(pool.root.length + 1))?.[1];
    if (volume !== undefined && isDatasetName(volume) && !volumes.includes(volume)) volumes.push(volume);
  }
  return volumes.toSorted();
}
