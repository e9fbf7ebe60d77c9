/**
 * Finds a pool before every call: a pool that is not mounted must never be mistaken for the empty folder below its
 * mount point, or data would go to the disk of the host.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { knownPool, missingPool, realFolder } from '../known-pool.ts';
import type { Mount } from '../mounts.ts';
import { isInside, mountOf, parseMountinfo, pathInFilesystem } from '../mounts.ts';
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
  /** All that this process sees. */
  readonly mounts: readonly Mount[];
}

/** @throws IoError POOL_MISSING */
export async function openPool(pools: readonly BtrfsPool[], name: string, op: string): Promise<OpenPool> {
  const missing = missingPool(name, op, withHint('POOL_MISSING'));
  const path = await realFolder(name, knownPool(pools, name, missing).mountpoint, missing);
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
  const mount = mountOf(mounts, path);
  if (mount?.type !== 'btrfs') {
    throw missing(`the pool ${name} is not mounted: ${path} is on ${mount?.type ?? 'no file system'}, not on btrfs`);
  }
  if (!(await hasFolder(join(path, 'floatlab'))) || !(await hasFolder(join(path, 'floatlab', 'volumes')))) {
    throw missing(`the pool ${name} is not mounted or not prepared: ${path} has no folder floatlab/volumes`);
  }
  return { name, path, mount, mounts };
}

/** A path in the file system of the pool, from its top, as `btrfs subvolume list` shows it: no leading slash. */
export const fromTop = (pool: OpenPool, path: string): string =>
  pathInFilesystem(mountOf(pool.mounts, path) ?? pool.mount, path).slice(1);

/** The other way: an absolute path for people, as far as the mount of the pool reaches. */
export function fromPool(pool: OpenPool, listed: string): string {
  const path = `/${listed}`;
  const { root, point } = pool.mount;
  if (!isInside(path, root)) return path;
  const below = root === '/' ? path : path.slice(root.length);
  return point === '/' ? below : point + below;
}
