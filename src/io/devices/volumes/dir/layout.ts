/**
 * Where things are in a pool that is a plain folder.
 *
 *     <folder>/floatlab/
 *       pool.json                 the identity of the pool; without it there is no pool here
 *       volumes/<dataset>/        for root alone: what is below is reached through a container's mount only
 *         live/                   the files: this path goes to containers and never changes
 *         adopted.json            in place of `live`: the folder elsewhere that was adopted, see adoption.ts
 *         snapshots/<name>/       about.json (identity and order) and files/ (the copy)
 *         making/                 a copy that is not finished: thrown away by the next call that changes something
 *         rollback/               a rollback under way, see rollback.ts
 *         rolled-back.json        which rollback was the last: a repetition of it does nothing
 *         removed/                snapshots on their way out
 *         scrub                   it must be overwritten before it is removed
 *       trash/<dataset>/          a dataset being destroyed
 *
 * What has its final name is complete and on the disk: it got the name by one rename. A dataset exists exactly when it
 * has `live` or `adopted.json`, or a rollback has moved its content aside for a moment.
 */
import { lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDir } from '../../../stores/files.ts';
import { isErrno } from '../../errno.ts';
import { IoError } from '../../error.ts';
import { foreign } from '../foreign.ts';
import { isSnapshotName } from '../names.ts';

/** Files and folders of a dataset. */
export function datasetPaths(poolPath: string, name: string) {
  const home = join(poolPath, 'floatlab', 'volumes', name);
  const snapshots = join(home, 'snapshots');
  const making = join(home, 'making');
  const rollback = join(home, 'rollback');
  const stash = join(rollback, 'stash');
  const trash = join(poolPath, 'floatlab', 'trash', name);
  return {
    home,
    live: join(home, 'live'),
    adopted: join(home, 'adopted.json'),
    snapshots,
    snapshot: (snapshot: string) => join(snapshots, snapshot),
    making,
    makingFiles: join(making, 'files'),
    rollback,
    plan: join(rollback, 'plan.json'),
    next: join(rollback, 'next'),
    stash,
    stashFiles: join(stash, 'files'),
    rolledBack: join(home, 'rolled-back.json'),
    removed: join(home, 'removed'),
    scrub: join(home, 'scrub'),
    trash,
    trashScrub: join(trash, 'scrub'),
  };
}
export type DatasetPaths = ReturnType<typeof datasetPaths>;

/** Inside the folder of one snapshot, finished or not. */
export const filesIn = (snapshot: string): string => join(snapshot, 'files');
export const aboutIn = (snapshot: string): string => join(snapshot, 'about.json');

/** @returns whether the folder is there @throws IoError INVALID when something else is */
export async function hasFolder(path: string): Promise<boolean> {
  const found = await lookAt(path);
  if (found === undefined) return false;
  if (found.isDirectory()) return true;
  throw foreign(path, found.isSymbolicLink() ? 'a symbolic link' : 'not a folder');
}

/** @returns whether the file is there @throws IoError INVALID when something else is */
export async function hasFile(path: string): Promise<boolean> {
  const found = await lookAt(path);
  if (found === undefined) return false;
  if (found.isFile()) return true;
  throw foreign(path, 'not a file');
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

/** Once resolved, the new name is on the disk and the old one is not. */
export async function move(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDir(dirname(to));
  if (dirname(from) !== dirname(to)) await syncDir(dirname(from));
}

const ours: ReadonlySet<string> = new Set([
  ...['live', 'adopted.json', 'adopted.json.new', 'snapshots', 'making', 'rollback', 'rolled-back.json'],
  ...['removed', 'scrub'],
]);

/** Before the folder of a dataset is removed with all that is in it. @throws IoError INVALID */
export async function refuseStrange(op: string, { home, snapshots, snapshot }: DatasetPaths): Promise<void> {
  const strange = (await readdir(home)).filter((name) => !ours.has(name));
  if (await hasFolder(snapshots)) {
    for (const name of await readdir(snapshots)) {
      const isOurs =
        isSnapshotName(name) && (await hasFolder(snapshot(name))) && (await hasFile(aboutIn(snapshot(name))));
      if (!isOurs) strange.push(`snapshots/${name}`);
    }
  }
  if (strange.length === 0) return;
  throw new IoError('INVALID', {
    op,
    target: home,
    message: `${home} holds what FloatLab did not put there: ${strange.slice(0, 5).join(', ')}`,
    hint: 'Move it away, then try again.',
  });
}

async function lookAt(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
