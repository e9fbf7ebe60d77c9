/** Where a managed pool of btrfs is mounted, and on what. */
import { readFile, realpath } from 'node:fs/promises';
import { unlessMissing } from '../../errno.ts';
import { IoError } from '../../error.ts';
import type { Mount } from '../../volumes/mounts.ts';
import { mountOf, parseMountinfo } from '../../volumes/mounts.ts';
import type { ManagedPool } from '../port.ts';
import type { Commands } from './commands.ts';

export interface Place {
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly mount: Mount;
}

/** @returns undefined when nothing of btrfs is mounted there */
export async function findPlace(pool: ManagedPool): Promise<Place | undefined> {
  const path = await unlessMissing(realpath(pool.mountpoint ?? ''), undefined);
  if (path === undefined) return undefined;
  const mount = mountOf(parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')), path);
  return mount?.type === 'btrfs' ? { path, mount } : undefined;
}

/** @throws IoError POOL_MISSING */
export async function openPlace(pool: ManagedPool, op: string): Promise<Place> {
  const place = await findPlace(pool);
  if (place) return place;
  throw new IoError('POOL_MISSING', {
    op,
    target: pool.name,
    message: `the pool ${pool.name} is not mounted at ${pool.mountpoint}`,
    hint: 'Mount it again; when a disk is missing, with the option degraded.',
  });
}

/** The file below a loop device; undefined of a pool on disks. */
export async function fileBelow(place: Place, commands: Commands): Promise<string | undefined> {
  const { source } = place.mount;
  if (!/^\/dev\/loop\d+$/.test(source)) return undefined;
  const said = await commands.must('losetup', '--noheadings', '--output', 'BACK-FILE', source);
  return said.trim() === '' ? undefined : said.trim();
}
