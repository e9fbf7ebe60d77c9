/**
 * Rolling back without a moment at which data could be lost. btrfs cannot exchange two folders at once, so a rollback
 * is a plan on disk, private subvolumes made beside the dataset, and one rename that decides:
 *
 *     planned       rollback/plan.json says which stash is to be kept
 *     stashed       snapshots/.stash   read-only snapshot of live
 *     cloned        rollback/next      writable snapshot of the one to go back to …
 *     limited                          … with the quota of live
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
 */
import { mkdir, readFile, rename, rm, rmdir } from 'node:fs/promises';
import { z } from 'zod';
import { IoError } from '../../error.ts';
import { replaceFile } from '../../../stores/files.ts';
import type { Deadline } from '../deadline.ts';
import { isSnapshotName } from '../names.ts';
import type { Btrfs } from './commands.ts';
import type { DatasetPaths } from './layout.ts';
import { hasFolder, hasSubvolume } from './layout.ts';

/** Told after each step; tests throw in it to see what a crash there leaves behind. */
export type StepHook = (step: string) => void | Promise<void>;

/** One dataset during one call. */
export interface Site {
  readonly paths: DatasetPaths;
  readonly btrfs: Btrfs;
  readonly within: Deadline;
  readonly step: StepHook;
}

const planSchema = z.strictObject({ to: z.string().refine(isSnapshotName), stash: z.string().refine(isSnapshotName) });
type Plan = z.infer<typeof planSchema>;

/** The caller has checked: settled, not in use, `to` is there, no snapshot has the name of the stash. */
export async function rollBack(site: Site, plan: Plan): Promise<void> {
  const { paths, btrfs, step, within } = site;
  const { limitBytes } = await btrfs.usage(paths.live);
  await mkdir(paths.rollback, { mode: 0o700 });
  await replaceFile(paths.plan, Buffer.from(JSON.stringify(plan)), { mode: 0o600, temp: paths.planNew });
  await step('planned');
  await btrfs.snapshot(paths.live, paths.stash, 'read-only');
  await step('stashed');
  await btrfs.snapshot(paths.snapshot(plan.to), paths.next, 'writable');
  await step('cloned');
  await btrfs.limit(paths.next, limitBytes);
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
  if (plan === undefined) return clear(site);
  if (await hasSubvolume(paths.old)) return finish(site, plan);
  await discard(site);
}

/** @returns the rollback that was the last to be completed, if any */
export const lastRollback = (paths: DatasetPaths): Promise<Plan | undefined> => readPlan(paths.rolledBack);

async function finish(site: Site, plan: Plan): Promise<void> {
  const { paths, step, within } = site;
  within.check();
  if (!(await hasSubvolume(paths.live))) await rename(paths.next, paths.live);
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
  if (!(await hasSubvolume(paths.live))) {
    throw new IoError('DAMAGED', {
      op: 'rollback',
      target: paths.home,
      message: `${paths.live} is missing in the middle of a rollback, and so is ${paths.old}`,
      hint: `Snapshots are in ${paths.snapshots}: make ${paths.live} from one with \`btrfs subvolume snapshot\`.`,
    });
  }
  await removeSubvolumes(site, [paths.stash, paths.next]);
  await rm(paths.plan);
  await clear(site);
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

async function readPlan(path: string): Promise<Plan | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const parsed = planSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new IoError('DAMAGED', {
    op: 'rollback',
    target: path,
    message: `${path} does not say which rollback it belongs to: ${JSON.stringify(text.slice(0, 100))}`,
    hint: 'If `live` is beside it and complete, remove this file.',
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
