/**
 * Finds a pool before every call: a pool that is not mounted must never be mistaken for the empty folder below its
 * mount point, or data would go to the disk of the host.
 */
import { readFile, readlink, readdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../../error.ts';
import type { Mount } from './mounts.ts';
import { isInside, mountOf, parseMountinfo, pathInFilesystem } from './mounts.ts';
import { hasFolder } from './layout.ts';
import { withHint } from './errors.ts';

export interface BtrfsPool {
  readonly name: string;
  /** A folder on btrfs, often a mount point, that has a folder `floatlab` (see `ensurePool`). */
  readonly mountpoint: string;
}

export interface OpenPool {
  readonly name: string;
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly mount: Mount;
  /** The same folder, from the top of the file system, as `btrfs subvolume list` shows it: no leading slash. */
  readonly prefix: string;
}

/** @throws IoError POOL_MISSING */
export async function openPool(pools: readonly BtrfsPool[], name: string, op: string): Promise<OpenPool> {
  const missing = (message: string, cause?: unknown) =>
    new IoError('POOL_MISSING', { op, target: name, message, ...withHint('POOL_MISSING'), cause });
  const pool = pools.find((known) => known.name === name);
  if (!pool) throw missing(`this node has no pool ${JSON.stringify(name)}`);
  let path: string;
  try {
    path = await realpath(pool.mountpoint);
  } catch (error) {
    throw missing(`the pool ${name} is gone: there is no ${pool.mountpoint}`, error);
  }
  const mount = mountOf(parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')), path);
  if (mount?.type !== 'btrfs') {
    throw missing(`the pool ${name} is not mounted: ${path} is on ${mount?.type ?? 'no file system'}, not on btrfs`);
  }
  if (!(await hasFolder(join(path, 'floatlab'))) || !(await hasFolder(join(path, 'floatlab', 'volumes')))) {
    throw missing(`the pool ${name} is not mounted or not prepared: ${path} has no folder floatlab/volumes`);
  }
  return { name, path, mount, prefix: pathInFilesystem(mount, path).replace(/^\//, '') };
}

/** A path of the pool as `btrfs subvolume list` shows it. */
export const fromTop = (pool: OpenPool, path: string): string =>
  (pool.prefix === '' ? '' : `${pool.prefix}/`) + path.slice(pool.path.length + 1);

/**
 * Who uses the folder: a mount of it, in any mount namespace, is a container that runs (btrfs itself would delete
 * the subvolume below it without a word).
 * @returns for example `process 4711 (postgres) at /var/lib/data`, or undefined when nobody does
 */
export async function userOf(pool: OpenPool, folder: string): Promise<string | undefined> {
  const root = `/${fromTop(pool, folder)}`;
  const seen = new Set<string>();
  for (const process of await readdir('/proc')) {
    if (!/^\d+$/.test(process)) continue;
    try {
      const namespace = await readlink(`/proc/${process}/ns/mnt`);
      if (seen.has(namespace)) continue;
      const mounts = parseMountinfo(await readFile(`/proc/${process}/mountinfo`, 'utf8'));
      seen.add(namespace);
      const mount = mounts.find(({ device, root: used }) => device === pool.mount.device && isInside(used, root));
      if (mount) {
        const command = (await readFile(`/proc/${process}/comm`, 'utf8')).trim();
        return `process ${process} (${command}) at ${mount.point}`;
      }
    } catch {
      // The process ended while we looked.
    }
  }
  return undefined;
}
