/** Making a dataset, empty or as a copy: in private first, then it gets its name. And what of it can be changed later. */
import { chmod, chown, mkdir, readdir, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDir } from '../../../stores/files.ts';
import type { DatasetSpec } from '../port.ts';
import { ensureFolder, move } from './layout.ts';
import type { Site } from './site.ts';
import { refusal } from './site.ts';

/** To a dataset that is there, what can still be changed. */
export async function giveAgain(path: string, spec: DatasetSpec): Promise<void> {
  await give(path, spec);
  await syncDir(path);
}

/** The owner first: changing it clears setuid and setgid. */
async function give(path: string, { owner, mode }: DatasetSpec): Promise<void> {
  if (owner) await chown(path, owner.uid, owner.gid);
  if (mode !== undefined) await chmod(path, mode);
}

export async function makeEmpty(files: string): Promise<void> {
  await mkdir(files);
  // Whatever the daemon's umask is.
  await chmod(files, 0o755);
}

/** @param fill makes the folder, with what it begins with, which is on the disk by then */
export async function makeDataset(
  site: Site,
  spec: DatasetSpec,
  fill: (files: string) => Promise<void>,
): Promise<void> {
  const { paths, step, within } = site;
  await ensureFolder(paths.home, 0o700);
  await ensureFolder(paths.snapshots, 0o700);
  await syncDir(dirname(paths.home));
  await step('folders');
  const orphans = await readdir(paths.snapshots);
  if (orphans.length > 0) {
    const message = `${paths.live} is missing, but ${orphans.length} of its snapshots are there: no empty dataset is made over them`;
    const hint = `Make ${paths.live} with \`cp -a ${paths.snapshots}/<name>/files ${paths.live}\`, or move them away.`;
    throw refusal(site, 'DAMAGED', message, hint);
  }
  await mkdir(paths.making, { mode: 0o700 });
  await fill(paths.makingFiles);
  await give(paths.makingFiles, spec);
  await syncDir(paths.makingFiles);
  await step('made');
  within.check();
  await move(paths.makingFiles, paths.live);
  await step('named');
  await rmdir(paths.making);
}
