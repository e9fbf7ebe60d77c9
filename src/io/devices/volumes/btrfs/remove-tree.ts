/**
 * Removes a folder with all subvolumes inside it, the deepest first, and nothing else: a file that FloatLab did not
 * put there stops it.
 */
import { readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '../../error.ts';
import type { Btrfs } from './commands.ts';
import { hasFolder, hasSubvolume } from './layout.ts';
import type { OpenPool } from './pool.ts';
import { fromTop } from './pool.ts';

/** `folder` is a dataset in the trash, see layout.ts. Of one that is not there: done. */
export async function removeTree(pool: OpenPool, btrfs: Btrfs, folder: string): Promise<void> {
  if (!(await hasFolder(folder))) return;
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
  inside.sort((a, b) => b.split('/').length - a.split('/').length || (a < b ? -1 : 1));
  if (inside.length > 0) await btrfs.deleteSubvolumes(inside);

  for (const name of ['snapshots', 'rollback']) {
    const path = join(folder, name);
    if (!(await hasFolder(path))) continue;
    if (name === 'rollback') for (const file of ['plan.json', 'plan.new']) await rm(join(path, file), { force: true });
    await removeEmpty(path);
  }
  await rm(join(folder, 'rolled-back.json'), { force: true });
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
