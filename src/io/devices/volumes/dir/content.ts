/**
 * Where the files of a dataset are: in its `live`, or, of one that was adopted, in a folder elsewhere on the same file
 * system. That one is known by its path and its inode, and both are checked at every call: a folder that somebody has
 * put in its place is not ours. (The number of the device is not kept: it may change with a reboot. That the folder is
 * on the file system of the pool is looked up instead.)
 */
import type { BigIntStats } from 'node:fs';
import { lstat, readFile, realpath } from 'node:fs/promises';
import * as z from 'zod';
import { replaceFile } from '../../../stores/files.ts';
import { isErrno } from '../../errno.ts';
import { IoError } from '../../error.ts';
import { mountOf } from '../mounts.ts';
import type { DatasetPaths } from './layout.ts';
import { hasFolder } from './layout.ts';
import { mounts } from './pool.ts';
import type { Site } from './site.ts';
import { refusal } from './site.ts';

export interface Content {
  readonly path: string;
  readonly isAdopted: boolean;
}

const markerSchema = z.strictObject({ path: z.string().startsWith('/'), inode: z.string().regex(/^\d+$/) });

/** @returns undefined when there is no dataset @throws IoError DAMAGED when what was adopted is not there any more */
export async function findContent(site: Site): Promise<Content | undefined> {
  const { paths } = site;
  const marker = await readAdopted(paths);
  if (marker === undefined) return (await hasFolder(paths.live)) ? { path: paths.live, isAdopted: false } : undefined;
  const found = await statOf(marker.path);
  const damaged = (what: string) =>
    refusal(
      site,
      'DAMAGED',
      `${marker.path}, which is ${site.target}, ${what}`,
      'Put it back in its place, or release the volume.',
    );
  if (!found?.isDirectory()) throw damaged('is not there any more');
  if (String(found.ino) !== marker.inode) throw damaged('is another folder than the one that was adopted');
  if (!(await isNear(site, marker.path))) throw damaged('is on another file system now');
  return { path: marker.path, isAdopted: true };
}

/** @throws IoError MISSING, and as `findContent` */
export async function contentOf(site: Site): Promise<Content> {
  const content = await findContent(site);
  if (content) return content;
  throw refusal(site, 'MISSING', `there is no dataset ${site.target}`);
}

/** Where the content belongs, whether it is there or not. */
export const placeOf = async (paths: DatasetPaths): Promise<Content> => {
  const marker = await readAdopted(paths);
  return marker ? { path: marker.path, isAdopted: true } : { path: paths.live, isAdopted: false };
};

/** From now on the folder at this path is the one that was adopted. */
export async function writeAdopted(paths: DatasetPaths, path: string): Promise<void> {
  const { ino } = await lstat(path, { bigint: true });
  const marker = { path, inode: String(ino) };
  await replaceFile(paths.adopted, Buffer.from(`${JSON.stringify(marker)}\n`), { mode: 0o600 });
}

/** @returns the path that was adopted, if one was */
export const adoptedPath = async (paths: DatasetPaths): Promise<string | undefined> => (await readAdopted(paths))?.path;

/** Can one rename bring a folder from here into the pool? Then it is also reached without symbolic links. */
export async function isNear({ pool }: Pick<Site, 'pool'>, path: string): Promise<boolean> {
  const mount = mountOf(await mounts(), path);
  return (
    mount?.device === pool.mount.device &&
    mount.point === pool.mount.point &&
    mount.point !== path &&
    (await realpath(path)) === path
  );
}

/** @returns undefined when there is nothing */
export async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function readAdopted({ adopted }: DatasetPaths): Promise<z.infer<typeof markerSchema> | undefined> {
  let text: string;
  try {
    text = await readFile(adopted, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    return markerSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new IoError('DAMAGED', {
      op: 'look',
      target: adopted,
      message: `${adopted} does not say which folder was adopted: ${JSON.stringify(text.slice(0, 100))}`,
      hint: 'Write {"path":…,"inode":…} of the folder into it: `stat -c %i` tells the inode.',
      cause,
    });
  }
}
