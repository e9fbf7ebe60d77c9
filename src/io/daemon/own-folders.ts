/** The folders that are FloatLab's own on a real node: no container is given one, or a folder that holds one. */
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { unlessMissing } from '../devices/errno.ts';
import type { KnownPool } from '../devices/pools/node-pools.ts';
import { parseMountinfo } from '../devices/volumes/mounts.ts';

/** @returns absolute paths without symbolic links */
export async function ownFolders(dataDir: string, pools: readonly KnownPool[]): Promise<readonly string[]> {
  const folders = pools.filter(({ driver }) => driver !== 'zfs').map(({ where }) => join(where, 'floatlab'));
  const found = await Promise.all([dataDir, ...folders].map((path) => unlessMissing(realpath(path), path)));
  const roots = pools.filter(({ driver }) => driver === 'zfs').map(({ where }) => where);
  if (roots.length === 0) return found;
  // A dataset is mounted where its properties say: the kernel knows.
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
  const datasets = mounts.filter(({ source }) =>
    roots.some((root) => source === root || source.startsWith(`${root}/`)),
  );
  return [...found, ...datasets.map(({ point }) => point)];
}
