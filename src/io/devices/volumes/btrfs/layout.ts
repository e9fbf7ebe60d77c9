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
 *         adopted.json              its files are not in `live` but in a subvolume elsewhere, see adopted.ts
 *         scrub.json                it is to be destroyed so that nothing can be read, see ending.ts
 *       trash/<dataset>/            a dataset being destroyed or released
 *
 * A dataset exists exactly when it has `live`, or a rollback has moved it aside for a moment, or it was adopted. What a
 * rollback of an adopted one makes lies beside that subvolume, under private names, because a rename does not lead from
 * one mount to another.
 */
import { lstat, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isErrno } from '../../errno.ts';
import { foreign } from '../foreign.ts';

/** Files of ours in the folder of a dataset, in its place or in the trash. */
export const notes = { rolledBack: 'rolled-back.json', adopted: 'adopted.json', scrub: 'scrub.json' } as const;

/** Files and folders of a dataset; `adopted` is the subvolume that it was made of, if any. */
export function datasetPaths(poolPath: string, name: string, adopted?: string) {
  const home = join(poolPath, 'floatlab', 'volumes', name);
  const rollback = join(home, 'rollback');
  const aside = (what: string) =>
    adopted === undefined ? join(rollback, what) : join(dirname(adopted), `.floatlab-${name}-${what}`);
  return {
    home,
    live: adopted ?? join(home, 'live'),
    snapshots: join(home, 'snapshots'),
    fresh: join(home, 'new'),
    rolledBack: join(home, notes.rolledBack),
    rollback,
    plan: join(rollback, 'plan.json'),
    planNew: join(rollback, 'plan.new'),
    stash: join(home, 'snapshots', '.stash'),
    next: aside('next'),
    old: aside('old'),
    adopted: join(home, notes.adopted),
    trash: join(poolPath, 'floatlab', 'trash', name),
    snapshot: (snapshot: string) => join(home, 'snapshots', snapshot),
  };
}
export type DatasetPaths = ReturnType<typeof datasetPaths>;

/** The inode of the top of every btrfs subvolume. */
export const topInode = 256;

/** What is at a path: nothing, a plain folder, a subvolume. Symbolic links and files do not belong into our places. */
export async function lookAt(path: string): Promise<'nothing' | 'folder' | 'subvolume'> {
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return found.ino === topInode ? 'subvolume' : 'folder';
    const what = found.isSymbolicLink() ? 'a symbolic link' : 'not a folder';
    throw foreign(path, what);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 'nothing';
    throw error;
  }
}

/** @returns whether the subvolume is there @throws IoError INVALID when something else is */
export async function hasSubvolume(path: string): Promise<boolean> {
  const found = await lookAt(path);
  if (found === 'folder') throw foreign(path, 'a plain folder and not a subvolume');
  return found === 'subvolume';
}

/** @returns whether the folder is there @throws IoError INVALID when something else is */
export async function hasFolder(path: string): Promise<boolean> {
  const found = await lookAt(path);
  if (found === 'subvolume') throw foreign(path, 'a subvolume and not a plain folder');
  return found === 'folder';
}

/** Makes the folder, or finds it there. @throws IoError INVALID when something else is */
export async function ensureFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    await hasFolder(path);
  }
}
