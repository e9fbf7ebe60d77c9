/** What a pool can do, as found: by this kernel, and by its disks. */
import { readFile, readdir, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Compression, PoolAbilities } from '../port.ts';
import { fileExists } from './image.ts';
import type { OpenPool } from './pool.ts';

/** What btrfs calls the compressions that the port knows; there is no name for its third one, lzo. */
export const compressionProperties: Readonly<Partial<Record<Compression, string>>> = {
  off: 'none',
  zstd: 'zstd',
  gzip: 'zlib',
};

/** The other way. */
export const compressionNames: Readonly<Record<string, Compression | undefined>> = {
  no: 'off',
  none: 'off',
  zstd: 'zstd',
  zlib: 'gzip',
};

/** @param sys where the kernel tells of itself: `/sys` @param pool undefined: what every pool of this kernel can */
export async function findAbilities(sys: string, pool: OpenPool | undefined): Promise<PoolAbilities> {
  return {
    quota: true,
    changes: true,
    recordSize: false,
    compression: await compressions(sys),
    copyOnWrite: true,
    together: false,
    scrubbedDestroy: pool !== undefined && (await canTrim(sys, pool)),
  };
}

export async function compressions(sys: string): Promise<readonly Compression[]> {
  const hasZstd = await fileExists(join(sys, 'fs', 'btrfs', 'features', 'compress_zstd'));
  return ['off', ...(hasZstd ? (['zstd'] as const) : []), 'gzip'];
}

/**
 * Whether all disks of the pool forget the blocks that hold nothing any more. A pool in a file is not on a disk of its
 * own: the host's disk may keep what the file gives back, and the file must keep its blocks (see image.ts).
 */
export async function canTrim(sys: string, pool: OpenPool): Promise<boolean> {
  if (pool.mount.readOnly) return false;
  try {
    const device = basename(await realpath(pool.mount.source));
    for (const filesystem of await readdir(join(sys, 'fs', 'btrfs'))) {
      const folder = join(sys, 'fs', 'btrfs', filesystem, 'devices');
      // Not all of them are file systems: there is a folder of what the module can, too.
      const devices = await readdir(folder).catch((): string[] => []);
      if (!devices.includes(device)) continue;
      for (const one of devices) if (!(await isTrimmable(await realpath(join(folder, one))))) return false;
      return true;
    }
    return false;
  } catch {
    // What cannot be found out is not promised.
    return false;
  }
}

/** @param block its folder in /sys; that of a partition is inside the folder of its disk */
async function isTrimmable(block: string): Promise<boolean> {
  const disk = (await fileExists(join(block, 'partition'))) ? join(block, '..') : block;
  if (await fileExists(join(disk, 'loop'))) return false;
  return Number(await readFile(join(disk, 'queue', 'discard_max_bytes'), 'utf8')) > 0;
}
