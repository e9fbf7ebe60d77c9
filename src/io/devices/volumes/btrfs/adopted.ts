/**
 * Datasets that were not made here: a subvolume somewhere in the file system of the pool, taken over where it is.
 *
 * Its home in the pool has a note instead of `live`. The note names the path, which stays, and the uuid of the subvolume,
 * because a path tells little: somebody may have put another one there, or what is mounted above it may be gone. A
 * dataset is that subvolume or an error, never another one and never a new and empty one.
 */
import { realpath } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import * as z from 'zod';
import { unlessMissing } from '../../errno.ts';
import { IoError } from '../../error.ts';
import type { Btrfs } from './commands.ts';
import { mountOf } from '../mounts.ts';
import { readNote, writeNote } from './note.ts';
import type { OpenPool } from './pool.ts';
import type { Site } from './site.ts';
import { isSubvolume } from './snapshots.ts';

const adoptedSchema = z.strictObject({
  path: z.string().refine(isAbsolute),
  /** As btrfs makes it: not every one is a UUID by the standard. */
  uuid: z.guid(),
  /** The quota that it had; null: none. It gets it back. */
  limitBytes: z.int().nullable(),
});
export type Adopted = z.infer<typeof adoptedSchema>;

/** @param file `adopted.json` of a home, in its place or in the trash */
export const readAdopted = (file: string): Promise<Adopted | undefined> =>
  readNote(file, adoptedSchema, 'find the dataset', 'Write the path and the uuid of the subvolume into this file.');

export const writeAdopted = (site: Site, adopted: Adopted): Promise<void> => writeNote(site.paths.adopted, adopted);

/** A roll-back is about to put `next` in its place. */
export async function noteSuccessor(site: Site, adopted: Adopted, next: string): Promise<void> {
  await site.btrfs.sync(site.paths.home);
  await writeAdopted(site, { ...adopted, uuid: (await site.btrfs.show(next)).uuid });
}

/** @returns why the dataset is not what was adopted; undefined when it is */
export async function whyNot(pool: OpenPool, btrfs: Btrfs, { path, uuid }: Adopted): Promise<string | undefined> {
  if (mountOf(pool.mounts, path)?.device !== pool.mount.device) return `${path} is not in the file system of the pool`;
  if (!(await unlessMissing(isSubvolume(path), false))) return `there is no subvolume ${path}`;
  if ((await realpath(path)) !== path) return `a symbolic link leads to ${path}`;
  return (await btrfs.show(path)).uuid === uuid ? undefined : `${path} is another subvolume`;
}

/** @throws IoError DAMAGED */
export async function refuseOther({ pool, btrfs, op, target }: Site, adopted: Adopted): Promise<void> {
  const why = await whyNot(pool, btrfs, adopted);
  if (why === undefined) return;
  throw new IoError('DAMAGED', {
    op,
    target,
    message: `${target} is not what was adopted: ${why}`,
    hint: `Put the subvolume ${adopted.uuid} back at ${adopted.path}, or mount what it is in. If it is lost, release the volume.`,
  });
}
