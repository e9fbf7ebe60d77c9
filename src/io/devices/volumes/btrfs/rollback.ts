/**
 * Rolling back without a moment at which data could be lost. btrfs cannot exchange two folders at once, so a rollback
 * is a plan on disk, private subvolumes made beside the dataset, and one rename that decides:
 *
 *     planned       rollback/plan.json says which stash is to be kept
 *     stashed       snapshots/.stash   read-only snapshot of live
 *     cloned        rollback/next      writable snapshot of the one to go back to …
 *     limited                          … with the quota, owner and mode of live
 *     moved-aside   live → rollback/old               ◀ the commit point
 *     moved-in      rollback/next → live
 *     kept          snapshots/.stash → snapshots/<stash>
 *     recorded      rollback/plan.json → rolled-back.json
 *     removed       rollback/old is deleted, and all of this is on disk
 *     cleared       the folder rollback is removed
 *
 * Interrupted before the commit point, what was made is thrown away: nothing happened. Interrupted after it, the rest
 * is done: everything happened. `settle` does one or the other, and every method of the port calls it first, so nobody
 * ever sees the middle. Renames reach the disk in order, so this holds for a power cut as well.
 *
 * Of a dataset that was adopted, `old` and `next` lie beside it, and its note says which subvolume it is: after the
 * commit point, once that is on disk, the note is changed (`noted`).
 */
import { mkdir, rename, rm, rmdir } from 'node:fs/promises';
import * as z from 'zod';
import { IoError } from '../../error.ts';
import { isSnapshotName } from '../names.ts';
import { noteSuccessor } from './adopted.ts';
import { ownLike } from './dataset.ts';
import type { DatasetPaths } from './layout.ts';
import { hasFolder, hasSubvolume, lookAt } from './layout.ts';
import { readNote, writeNote } from './note.ts';
import type { Site } from './site.ts';

const planSchema = z.strictObject({ to: z.string().refine(isSnapshotName), stash: z.string().refine(isSnapshotName) });
type Plan = z.infer<typeof planSchema>;

/** The caller has checked: settled, not in use, `to` is there, no snapshot has the name of the stash. */
export async function rollBack(site: Site, plan: Plan): Promise<void> {
  const { paths, btrfs, step, within } = site;
  if (site.adopted) for (const path of [paths.next, paths.old]) await refuseTaken(path);
  const { limitBytes } = await btrfs.usage(paths.live);
  await mkdir(paths.rollback, { mode: 0o700 });
  await writeNote(paths.plan, plan, paths.planNew);
  await step('planned');
  await btrfs.snapshot(paths.live, paths.stash, 'read-only');
  await step('stashed');
  await btrfs.snapshot(paths.snapshot(plan.to), paths.next, 'writable');
  await step('cloned');
  await btrfs.limit(paths.next, limitBytes);
  await ownLike(paths.live, paths.next);
  await step('limited');
  within.check();
  await rename(paths.live, paths.old);
  await step('moved-aside');
  await finish(site, plan);
}

/** Brings an interrupted rollback to its end, or undoes it. */
export async function settle(site: Site): Promise<void> {
  const { paths } = site;
  if (!(await hasFolder(paths.rollback))) return;
  const plan = await readPlan(paths.plan);
  const isAside = await hasSubvolume(paths.old);
  if (plan !== undefined && isAside) return finish(site, plan);
  // What it is in may not be mounted, with what is left of the roll-back in it.
  if (site.adopted && !isAside) await refuseMissing(site);
  return plan === undefined ? clear(site) : discard(site);
}

/** @returns the rollback that was the last to be completed, if any */
export const lastRollback = (paths: DatasetPaths): Promise<Plan | undefined> => readPlan(paths.rolledBack);

async function finish(site: Site, plan: Plan): Promise<void> {
  const { paths, step, within } = site;
  within.check();
  if (!(await hasSubvolume(paths.live))) {
    if (site.adopted) {
      await noteSuccessor(site, site.adopted, paths.next);
      await step('noted');
    }
    await rename(paths.next, paths.live);
  }
  await step('moved-in');
  if (await hasSubvolume(paths.stash)) await rename(paths.stash, paths.snapshot(plan.stash));
  await step('kept');
  await rename(paths.plan, paths.rolledBack);
  await step('recorded');
  await clear(site);
}

/** Before the commit point: live is untouched, the rest was private. */
async function discard(site: Site): Promise<void> {
  const { paths } = site;
  await refuseMissing(site);
  await removeSubvolumes(site, [paths.stash, paths.next]);
  await rm(paths.plan);
  await clear(site);
}

async function refuseMissing({ paths }: Site): Promise<void> {
  if (await hasSubvolume(paths.live)) return;
  throw new IoError('DAMAGED', {
    op: 'rollback',
    target: paths.home,
    message: `${paths.live} is missing in the middle of a rollback, and so is ${paths.old}`,
    hint: `Snapshots are in ${paths.snapshots}: make ${paths.live} from one with \`btrfs subvolume snapshot\`.`,
  });
}

/** Without a plan, what is left is garbage: the old content, which the stash holds. */
async function clear(site: Site): Promise<void> {
  const { paths, btrfs, step } = site;
  await removeSubvolumes(site, [paths.old]);
  await btrfs.sync(paths.home);
  await step('removed');
  await rm(paths.planNew, { force: true });
  await rmdir(paths.rollback);
  await step('cleared');
}

async function removeSubvolumes({ btrfs, within }: Site, paths: readonly string[]): Promise<void> {
  within.check();
  const there: string[] = [];
  for (const path of paths) if (await hasSubvolume(path)) there.push(path);
  if (there.length > 0) await btrfs.deleteSubvolumes(there);
}

const readPlan = (path: string): Promise<Plan | undefined> =>
  readNote(path, planSchema, 'rollback', 'If `live` is beside its folder and complete, remove this file.');

/** The folder of an adopted subvolume belongs to somebody else: what is there under our private names is not ours. */
async function refuseTaken(path: string): Promise<void> {
  if ((await lookAt(path)) === 'nothing') return;
  throw new IoError('EXISTS', {
    op: 'rollback',
    target: path,
    message: `${path} is in the way of a roll-back, and FloatLab did not make it`,
    hint: 'Move it away, then try again.',
  });
}
