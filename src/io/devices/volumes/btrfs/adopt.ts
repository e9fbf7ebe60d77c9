/** Taking over a subvolume where it is. What could go wrong later is refused now. */
import { lstat, readdir, realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { isErrno, unlessMissing } from '../../errno.ts';
import type { IoErrorCode } from '../../error.ts';
import { IoError } from '../../error.ts';
import { isDatasetName } from '../names.ts';
import { readAdopted, writeAdopted } from './adopted.ts';
import { exists, makeHome } from './dataset.ts';
import { refuseNested } from './in-the-way.ts';
import { datasetPaths, notes, topInode } from './layout.ts';
import { isInside, mountOf } from '../mounts.ts';
import { whyOwn, type OwnPlace } from '../own-places.ts';
import type { SubvolumeDetails } from './parse.ts';
import type { Site } from './site.ts';

/** @param native the path of the subvolume @param ownPlaces what is not to be adopted @returns the same site, adopted @throws IoError MISSING, EXISTS, INVALID, DAMAGED */
export async function adopt(site: Site, native: string, ownPlaces: readonly OwnPlace[]): Promise<Site> {
  const { pool, btrfs, step, name } = site;
  if (site.adopted?.path === native) {
    await exists(site);
    return site;
  }
  if (await exists(site)) throw refusal(site, 'EXISTS', `${site.target} is another dataset already`);
  await refuseUnfit(site, native);
  await refuseOwned(site, native);
  const own = whyOwn(native, ownPlaces, site.pool.mounts);
  if (own !== undefined) throw refusal(site, 'INVALID', own, 'Adopt what no part of FloatLab itself is in.');
  const details = await btrfs.show(native);
  refuseKind(site, native, details);
  await refuseNested(site, native);
  const { limitBytes } = await btrfs.usage(native);
  await makeHome(site);
  const adopted = { path: native, uuid: details.uuid, limitBytes: limitBytes ?? null };
  await writeAdopted(site, adopted);
  await step('noted');
  await btrfs.sync(pool.path);
  await step('synced');
  return { ...site, adopted, paths: datasetPaths(pool.path, name, native) };
}

/** What the checks need to know of the call. */
type About = Pick<Site, 'pool' | 'op' | 'target'>;

/** @throws IoError INVALID */
export function refuseKind(
  about: About,
  native: string,
  { readOnly, receivedUuid }: Pick<SubvolumeDetails, 'readOnly' | 'receivedUuid'>,
): void {
  if (readOnly) throw refusal(about, 'INVALID', `${native} is read-only`, 'Take a writable snapshot of it.');
  if (receivedUuid === undefined) return;
  // All snapshots of it would have this one's identity, and would be taken for the same.
  const message = `${native} was received from another machine, and made writable`;
  throw refusal(about, 'INVALID', message, 'Adopt a writable snapshot of it: `btrfs subvolume snapshot`.');
}

/** By what it is, and where. @throws IoError MISSING, INVALID */
export async function refuseUnfit(site: About, native: string): Promise<void> {
  const { pool } = site;
  const invalid = (message: string, hint?: string) => refusal(site, 'INVALID', message, hint);
  if (typeof native !== 'string' || !isAbsolute(native) || normalize(native) !== native || native.includes('\0'))
    throw invalid(`${JSON.stringify(native)} is no absolute path`, 'Give the path of a subvolume, as in /srv/photos.');
  const found = await lstat(native).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT', 'ENOTDIR'))
      throw refusal(site, 'MISSING', `there is no ${native}`, 'Look whether that is its path, on that very node.');
    throw error;
  });
  const real = await realpath(native);
  if (real !== native) throw invalid(`${native} is a symbolic link, or behind one`, `Name ${real}.`);
  const mount = mountOf(pool.mounts, native);
  if (mount?.device !== pool.mount.device)
    throw invalid(`${native} is not in the file system of the pool ${pool.name}`, `That one is at ${pool.path}.`);
  if (!found.isDirectory() || found.ino !== topInode)
    throw invalid(`${native} is no subvolume`, 'Make one with `btrfs subvolume create`, and move the files into it.');
  if (mount.point === native)
    throw invalid(`${native} is mounted there`, 'Mount what it is in, and name the path below that.');
  if (isInside(pool.path, native)) throw invalid(`${native} holds the pool ${pool.name} itself`);
}

/** What is FloatLab's already, or overlaps with that. @throws IoError EXISTS, INVALID */
export async function refuseOwned(site: About & { readonly name?: string }, native: string): Promise<void> {
  const { pool, name } = site;
  const ours = join(pool.path, 'floatlab');
  if (isInside(native, ours)) {
    const [folder, owner = ''] = native.slice(ours.length + 1).split('/');
    if (folder === 'volumes' && isDatasetName(owner) && native === datasetPaths(pool.path, owner).live)
      throw refusal(site, 'EXISTS', `${native} belongs to the volume ${owner}`);
    throw refusal(site, 'INVALID', `${native} is in a folder of FloatLab`);
  }
  for (const place of ['volumes', 'trash']) {
    // A note that cannot be read may be about this very subvolume: nothing is taken over then.
    for (const owner of await unlessMissing(readdir(join(ours, place)), [])) {
      if (!isDatasetName(owner) || (place === 'volumes' && owner === name)) continue;
      const other = await unlessMissing(readAdopted(join(ours, place, owner, notes.adopted)), undefined);
      if (other && (isInside(native, other.path) || isInside(other.path, native)))
        throw refusal(site, 'EXISTS', `${native} belongs to the volume ${owner}, with ${other.path}`);
    }
  }
}

const refusal = ({ op, target }: About, code: IoErrorCode, message: string, hint?: string): IoError =>
  new IoError(code, { op, target, message, ...(hint === undefined ? {} : { hint }) });
