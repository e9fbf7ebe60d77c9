/**
 * How a dataset ends: destroyed, or given back. One rename into the trash decides; what is there is removed, however
 * often that is interrupted, before the name is used in the trash again.
 *
 *     trashed      volumes/<dataset> → trash/<dataset>      ◀ the commit point
 *     forgotten    … which is on disk
 *     returned     of one that was adopted: its quota is what it was
 *     deleted      all subvolumes of ours
 *     trimmed      of one that is scrubbed: the disks have forgotten their blocks
 *     emptied      the folder is removed
 *
 * A subvolume that was adopted is not in the folder, and stays. That the disks have something to forget is written into
 * the folder before it moves, so that a repetition knows.
 */
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Adopted } from './adopted.ts';
import { readAdopted, whyNot } from './adopted.ts';
import { fileExists } from './image.ts';
import { refuseInUse } from './in-the-way.ts';
import { ensureFolder, hasFolder, notes } from './layout.ts';
import { writeNote } from './note.ts';
import { removeFolder, subvolumesIn } from './remove-tree.ts';
import type { Site } from './site.ts';

/** Of a dataset that is not there: finishes an earlier one. @throws IoError BUSY, INVALID */
export async function end(site: Site, { scrub }: { readonly scrub: boolean }): Promise<void> {
  const { pool, paths, btrfs, step, within } = site;
  await ensureFolder(join(pool.path, 'floatlab', 'trash'), 0o700);
  if (await hasFolder(paths.trash)) {
    if (scrub) await writeNote(join(paths.trash, notes.scrub), {});
    await emptyTrash(site);
  }
  if (!(await hasFolder(paths.home))) return;
  await refuseInUse(site, paths.home);
  const note = join(paths.home, notes.scrub);
  await (scrub ? writeNote(note, {}) : rm(note, { force: true }));
  within.check();
  await rename(paths.home, paths.trash);
  await step('trashed');
  await btrfs.sync(pool.path);
  await step('forgotten');
  await emptyTrash(site);
}

async function emptyTrash(site: Site): Promise<void> {
  const { pool, paths, btrfs, step } = site;
  const adopted = await readAdopted(join(paths.trash, notes.adopted));
  // Somebody may have put another one there meanwhile.
  if (adopted && (await whyNot(pool, btrfs, adopted)) === undefined) {
    await giveBackQuota(site, adopted);
    await step('returned');
  }
  const inside = await subvolumesIn(pool, btrfs, paths.trash);
  if (inside.length > 0) await btrfs.deleteSubvolumes(inside);
  await step('deleted');
  if (await fileExists(join(paths.trash, notes.scrub))) {
    await btrfs.trim(pool.path);
    await step('trimmed');
  }
  await removeFolder(paths.trash);
  await step('emptied');
}

async function giveBackQuota({ btrfs }: Site, { path, limitBytes }: Adopted): Promise<void> {
  const now = await btrfs.usage(path);
  const then = limitBytes ?? undefined;
  if (now.limitBytes !== then) await btrfs.limit(path, then);
}
