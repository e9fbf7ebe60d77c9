/**
 * Where things are in a pool.
 *
 *     <pool>/floatlab/              made by the daemon when it prepares the pool; without it there is no pool here
 *       volumes/<dataset>/
 *         live                      the writable subvolume: this path goes to containers and never changes
 *         snapshots/<name>          read-only subvolumes
 *         snapshots/.stash          one that a rollback is about to keep: it has no name of a snapshot yet, and lies
 *                                   here because a read-only subvolume cannot be renamed into another folder
 *         new                       a dataset being made: renamed to `live` once it has its quota
 *         rollback/                 a rollback under way, see rollback.ts
 *         rolled-back.json          which rollback was the last: a repetition of it does nothing
 *       trash/<dataset>/            a dataset being destroyed
 *
 * A dataset exists exactly when it has `live`, or a rollback has moved it aside for a moment.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../../error.ts';

/** Files and folders of a dataset. */
export function datasetPaths(poolPath: string, name: string) {
  const home = join(poolPath, 'floatlab', 'volumes', name);
  const rollback = join(home, 'rollback');
  return {
    home,
    live: join(home, 'live'),
    snapshots: join(home, 'snapshots'),
    fresh: join(home, 'new'),
    rolledBack: join(home, 'rolled-back.json'),
    rollback,
    plan: join(rollback, 'plan.json'),
    planNew: join(rollback, 'plan.new'),
    stash: join(home, 'snapshots', '.stash'),
    next: join(rollback, 'next'),
    old: join(rollback, 'old'),
    trash: join(poolPath, 'floatlab', 'trash', name),
    snapshot: (snapshot: string) => join(home, 'snapshots', snapshot),
  };
}
export type DatasetPaths = ReturnType<typeof datasetPaths>;

/** The inode of the top of every btrfs subvolume. */
const topInode = 256;

/** What is at a path: nothing, a plain folder, a subvolume. Symbolic links and files do not belong into our places. */
async function lookAt(path: string): Promise<'nothing' | 'folder' | 'subvolume'> {
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return found.ino === topInode ? 'subvolume' : 'folder';
    const what = found.isSymbolicLink() ? 'a symbolic link' : 'not a folder';
    throw unexpected(path, what);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'nothing';
    throw error;
  }
}

/** @returns whether the subvolume is there @throws IoError INVALID when something else is */
export async function hasSubvolume(path: string): Promise<boolean> {
  const found = await lookAt(path);
  if (found === 'folder') throw unexpected(path, 'a plain folder and not a subvolume');
  return found === 'subvolume';
}

/** @returns whether the folder is there @throws IoError INVALID when something else is */
export async function hasFolder(path: string): Promise<boolean> {
  const found = await lookAt(path);
  if (found === 'subvolume') throw unexpected(path, 'a subvolume and not a plain folder');
  return found === 'folder';
}

/** Makes the folder, or finds it there. @throws IoError INVALID when something else is */
export async function ensureFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    await hasFolder(path);
  }
}

function unexpected(path: string, what: string): IoError {
  return new IoError('INVALID', {
    op: 'look',
    target: path,
    message: `${path} is ${what}: FloatLab did not make it and does not touch it`,
    hint: 'Move it out of the folder of FloatLab.',
  });
}
