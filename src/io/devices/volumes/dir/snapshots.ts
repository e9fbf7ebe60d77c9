/**
 * Snapshots are copies, each in a folder of its own that only root may enter, beside the file that says what it is.
 *
 * A copy takes its time: of a dataset that is being written it is not one moment, also where files share their blocks.
 * A file that is renamed meanwhile may be missing or be there twice; a database in it may not start again. Whoever
 * wants one moment stops the app for it. And `cp` goes by paths: an app that exchanges folders for links while it is
 * copied can lead it to other files of the host. Plain folders are for apps that one trusts.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir } from 'node:fs/promises';
import * as z from 'zod';
import { replaceFile } from '../../../stores/files.ts';
import { isErrno } from '../../errno.ts';
import { IoError } from '../../error.ts';
import { isSnapshotName } from '../names.ts';
import type { SnapInfo } from '../port.ts';
import type { DatasetPaths } from './layout.ts';
import { aboutIn, hasFile, hasFolder, move } from './layout.ts';
import type { Site } from './site.ts';
import { refusal } from './site.ts';
import { statOf } from './content.ts';

const aboutSchema = z.strictObject({
  guid: z.uuid(),
  /** Milliseconds since 1970. */
  createdAt: z.int(),
  /** Counts up within a dataset: clocks and names may lie. */
  sequence: z.int(),
});
type About = z.infer<typeof aboutSchema>;

/** In the order of creation. */
export async function listSnapshots(paths: DatasetPaths): Promise<readonly SnapInfo[]> {
  return (await readAll(paths)).map(toInfo);
}

/** @throws IoError INVALID when something is there that FloatLab did not make */
export async function findSnapshot(paths: DatasetPaths, name: string): Promise<SnapInfo | undefined> {
  const folder = paths.snapshot(name);
  if (!(await hasFolder(folder))) return undefined;
  const about = await readAbout(folder);
  if (about) return toInfo({ name, about });
  throw new IoError('INVALID', {
    op: 'look',
    target: folder,
    message: `${folder} is no snapshot of FloatLab: it has no about.json`,
    hint: 'Move it out of the folder of FloatLab.',
  });
}

/** Copies what is at `content`; no snapshot has this name. */
export async function takeSnapshot(site: Site, content: string, name: string): Promise<SnapInfo> {
  const { paths, tools, step } = site;
  await mkdir(paths.making, { mode: 0o700 });
  const before = await statOf(content);
  await tools.copy(content, paths.makingFiles, 'moving');
  // Files may vanish under a copy, but not all of them at once.
  if (!(await hasFolder(paths.makingFiles)) || (await statOf(content))?.ino !== before?.ino)
    throw refusal(site, 'DAMAGED', `${content} was replaced while it was copied`, 'Put it back, then try again.');
  await step('copied');
  const about = await newAbout(paths);
  await writeAbout(paths.making, about);
  await step('described');
  await tools.flush(paths.home);
  await step('flushed');
  site.within.check();
  await move(paths.making, paths.snapshot(name));
  await step('named');
  return toInfo({ name, about });
}

export async function newAbout(paths: DatasetPaths): Promise<About> {
  const newest = (await readAll(paths)).at(-1)?.about.sequence ?? 0;
  return { guid: randomUUID(), createdAt: Date.now(), sequence: newest + 1 };
}

export const writeAbout = (folder: string, about: About): Promise<void> =>
  replaceFile(aboutIn(folder), Buffer.from(`${JSON.stringify(about)}\n`), { mode: 0o600 });

async function readAll(paths: DatasetPaths): Promise<readonly { readonly name: string; readonly about: About }[]> {
  if (!(await hasFolder(paths.snapshots))) return [];
  const found: { readonly name: string; readonly about: About }[] = [];
  for (const entry of await readdir(paths.snapshots, { withFileTypes: true })) {
    if (!entry.isDirectory() || !isSnapshotName(entry.name)) continue;
    const about = await readAbout(paths.snapshot(entry.name));
    if (about) found.push({ name: entry.name, about });
  }
  return found.sort((a, b) => a.about.sequence - b.about.sequence || (a.name < b.name ? -1 : 1));
}

/** @returns undefined when it has none: it is gone by now, or was never ours */
async function readAbout(folder: string): Promise<About | undefined> {
  let text: string;
  try {
    if (!(await hasFile(aboutIn(folder)))) return undefined;
    text = await readFile(aboutIn(folder), 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
  try {
    return aboutSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new IoError('DAMAGED', {
      op: 'look',
      target: folder,
      message: `${aboutIn(folder)} does not say which snapshot it belongs to: ${JSON.stringify(text.slice(0, 100))}`,
      hint: 'Its files are beside it. Move the folder out of the folder of FloatLab.',
      cause,
    });
  }
}

const toInfo = ({ name, about }: { readonly name: string; readonly about: About }): SnapInfo => ({
  name,
  guid: about.guid,
  createdAt: about.createdAt,
});
