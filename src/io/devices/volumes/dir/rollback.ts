/**
 * Rolling back without a moment at which data could be lost. What takes long is done in private, before anything
 * changes; then one rename decides. The present content is not copied: it becomes the stash.
 *
 *     planned       rollback/plan.json says which stash is to be kept
 *     copied        rollback/next         what to go back to, with the owner and the mode of the present folder
 *     described     rollback/stash/about.json
 *     flushed       all of this is on the disk
 *     moved-aside   live → rollback/stash/files      ◀ the commit point
 *     moved-in      rollback/next → live
 *     adopted       adopted.json has the new folder, of one that was adopted
 *     kept          rollback/stash → snapshots/<stash>
 *     recorded      rollback/plan.json → rolled-back.json, on the disk
 *     cleared       the folder rollback is removed
 *
 * Interrupted before the commit point, what was made is thrown away: nothing happened. Interrupted after it, the rest
 * is done: everything happened. Every method of the port settles that first, so nobody ever sees the middle. File
 * systems with a journal write renames in their order, so this holds for a power cut as well.
 */
import { chmod, chown, lstat, mkdir, readFile, rename, rmdir } from 'node:fs/promises';
import * as z from 'zod';
import { replaceFile } from '../../../stores/files.ts';
import { isErrno } from '../../errno.ts';
import { IoError } from '../../error.ts';
import { isSnapshotName } from '../names.ts';
import { placeOf, writeAdopted } from './content.ts';
import type { DatasetPaths } from './layout.ts';
import { filesIn, hasFolder, move } from './layout.ts';
import type { Site } from './site.ts';
import { newAbout, writeAbout } from './snapshots.ts';

const planSchema = z.strictObject({ to: z.string().refine(isSnapshotName), stash: z.string().refine(isSnapshotName) });
type Plan = z.infer<typeof planSchema>;

/** The caller has checked: settled, not in use, `to` is there, no snapshot has the name of the stash. */
export async function rollBack(site: Site, content: string, plan: Plan): Promise<void> {
  const { paths, tools, step, within } = site;
  await mkdir(paths.rollback, { mode: 0o700 });
  await replaceFile(paths.plan, Buffer.from(JSON.stringify(plan)), { mode: 0o600 });
  await step('planned');
  await tools.copy(filesIn(paths.snapshot(plan.to)), paths.next, 'still');
  const { uid, gid, mode } = await lstat(content);
  await chown(paths.next, uid, gid);
  await chmod(paths.next, mode & 0o7777);
  await step('copied');
  await mkdir(paths.stash, { mode: 0o700 });
  await writeAbout(paths.stash, await newAbout(paths));
  await step('described');
  await tools.flush(paths.home);
  await step('flushed');
  within.check();
  await rename(content, paths.stashFiles);
  await step('moved-aside');
  await finish(site, plan);
}

/** Is there anything to settle? */
export const isRollingBack = ({ rollback }: DatasetPaths): Promise<boolean> => hasFolder(rollback);

/** Brings an interrupted rollback to its end, or undoes it. */
export async function settleRollback(site: Site): Promise<void> {
  const { paths, tools, step } = site;
  if (!(await isRollingBack(paths))) return;
  if (await isCommitted(paths)) {
    const plan = await readPlan(paths.plan);
    if (!plan) throw damaged(paths.plan, `${paths.plan} is missing in the middle of a rollback`);
    return finish(site, plan);
  }
  await tools.remove(paths.rollback);
  await step('cleared');
}

/** @returns the rollback that was the last to be completed, if any */
export const lastRollback = (paths: DatasetPaths): Promise<Plan | undefined> => readPlan(paths.rolledBack);

/** Once the present has been moved aside, until the plan is done with: no other snapshot has the name of the stash. */
async function isCommitted({ plan, stashFiles, snapshot }: DatasetPaths): Promise<boolean> {
  if (await hasFolder(stashFiles)) return true;
  const planned = await readPlan(plan);
  return planned !== undefined && hasFolder(snapshot(planned.stash));
}

async function finish(site: Site, plan: Plan): Promise<void> {
  const { paths, step, within } = site;
  within.check();
  const place = await placeOf(paths);
  if (await hasFolder(paths.next)) await moveIn(paths.next, place.path);
  if (!(await hasFolder(place.path))) throw damaged(place.path, `${place.path} is missing in the middle of a rollback`);
  await step('moved-in');
  if (place.isAdopted) await writeAdopted(paths, place.path);
  await step('adopted');
  if (await hasFolder(paths.stash)) await move(paths.stash, paths.snapshot(plan.stash));
  await step('kept');
  await move(paths.plan, paths.rolledBack);
  await step('recorded');
  await rmdir(paths.rollback);
  await step('cleared');
}

/** An empty folder that somebody made at the place meanwhile, an engine for example, is replaced. */
async function moveIn(next: string, place: string): Promise<void> {
  try {
    await move(next, place);
  } catch (error) {
    if (isErrno(error, 'ENOTEMPTY') || isErrno(error, 'EEXIST'))
      throw damaged(place, `something was put at ${place} in the middle of a rollback`);
    if (isErrno(error, 'ENOENT'))
      throw damaged(place, `the folder around ${place} is gone in the middle of a rollback`);
    throw error;
  }
}

async function readPlan(path: string): Promise<Plan | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return planSchema.parse(JSON.parse(text));
  } catch {
    throw damaged(path, `${path} does not say which rollback it belongs to: ${JSON.stringify(text.slice(0, 100))}`);
  }
}

const damaged = (target: string, message: string): IoError =>
  new IoError('DAMAGED', {
    op: 'rollback',
    target,
    message,
    hint: 'The content before the rollback is in rollback/stash, the one after it in rollback/next: move away what is in their way.',
  });
