/** Where the files of a snapshot can be read: a clone that is mounted for reading, and stays while the snapshot does. */
import { asIoError } from '../../error.ts';
import { readerPath } from './layout.ts';
import { ensureMounted } from './mounting.ts';
import { destroyQuietly } from './remove.ts';
import type { Site } from './site.ts';
import { ensureHome, reread } from './site.ts';
import type { Present, Snap } from './state.ts';

/**
 * A read-only clone of the snapshot, mounted. On a full or read-only pool there can be none: then the path goes through
 * the folder `.zfs` of the volume, where its zfs has one.
 */
export async function readerOf(site: Site, volume: Present, snap: Snap): Promise<string> {
  const { zfs, pool } = site;
  const { names, live } = volume;
  const path = readerPath(pool.mountBase, names.volume, snap.name);
  const dataset = names.reader(snap.txg);
  const known = volume.readers.find((reader) => reader.dataset === dataset);
  if (known && known.mountpoint === path && known.origin === `${snap.dataset}@${snap.name}`) {
    await ensureMounted(site, known);
    return path;
  }
  try {
    if (known) await destroyQuietly(site, known);
    await ensureHome(site, volume);
    const settings = { canmount: 'noauto', mountpoint: path, readonly: 'on' };
    await zfs.clone(`${snap.dataset}@${snap.name}`, dataset, settings);
    const reader = (await reread(site, volume)).readers.find((one) => one.dataset === dataset);
    if (reader) await ensureMounted(site, reader);
    return path;
  } catch (error) {
    const { code } = asIoError(error, site.op, site.target);
    const inside = `${live.mountpoint}/.zfs/snapshot/${snap.name}`;
    const isShown = snap.dataset === live.dataset && live.mounted;
    if ((code === 'NO_SPACE' || code === 'READ_ONLY') && isShown && (await zfs.isFolder(inside))) return inside;
    throw error;
  }
}
