/** A dataset in the trash: all subvolumes inside it, and the folder itself without them. */
import { readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../../error.ts';
import type { Btrfs } from './commands.ts';
import { hasFolder, hasSubvolume, notes } from './layout.ts';
import type { OpenPool } from './pool.ts';
import { fromTop } from './pool.ts';

/** @param folder a dataset in the trash, see layout.ts @returns the deepest first */
export async function subvolumesIn(pool: OpenPool, btrfs: Btrfs, folder: string): Promise<readonly string[]> {
  const above = `${fromTop(pool, folder)}/`;
  const toPath = (listed: string | undefined) =>
    listed?.startsWith(above) ? join(folder, listed.slice(above.length)) : undefined;
  const inside: string[] = [];
  for (const row of await btrfs.list(pool.path, 'all')) {
    const listed = toPath(row.path);
    if (listed === undefined) continue;
    // A name with a line break is listed in part: then only the id tells where it is.
    const path = (await isReally(listed, folder)) ? listed : toPath(await btrfs.pathOf(row.id, pool.path));
    if (path !== undefined && !inside.includes(path) && (await isReally(path, folder))) inside.push(path);
  }
  return inside.toSorted((a, b) => b.split('/').length - a.split('/').length || (a < b ? -1 : 1));
}

/** Removes what FloatLab puts into it, and nothing else: a file that it did not put there stops it. */
export async function removeFolder(folder: string): Promise<void> {
  for (const name of ['snapshots', 'rollback']) {
    const path = join(folder, name);
    if (!(await hasFolder(path))) continue;
    if (name === 'rollback') for (const file of ['plan.json', 'plan.new']) await rm(join(path, file), { force: true });
    await removeEmpty(path);
  }
  for (const note of [notes.rolledBack, notes.adopted]) {
    for (const file of [note, `${note}.new`]) await rm(join(folder, file), { force: true });
  }
  // The last of them: until then it says what is still to be done.
  const left = (await readdir(folder)).filter((name) => !name.startsWith(notes.scrub));
  if (left.length === 0)
    for (const file of [`${notes.scrub}.new`, notes.scrub]) await rm(join(folder, file), { force: true });
  await removeEmpty(folder);
}

/**
 * An app chooses the names of what is in its volume, line breaks and symbolic links included, and could so make the
 * list show a path that leads to another volume. What is deleted is a subvolume, at exactly this path, inside.
 */
async function isReally(path: string, folder: string): Promise<boolean> {
  if (!path.startsWith(`${folder}/`)) return false;
  try {
    return (await realpath(path)) === path && (await hasSubvolume(path));
  } catch {
    // Then it stays where it is, and the folder around it cannot be removed: that says so.
    return false;
  }
}

async function removeEmpty(path: string): Promise<void> {
  const left = await readdir(path);
  if (left.length === 0) return rmdir(path);
  throw new IoError('INVALID', {
    op: 'destroy',
    target: path,
    message: `${path} holds what FloatLab did not put there: ${left.slice(0, 5).join(', ')}`,
    hint: 'Move it away, then try again.',
  });
}
