/**
 * Adopting a folder in place: nothing of it is touched, a marker in our folder says that it is the dataset. Giving it
 * back removes the marker and the snapshots.
 *
 * It must be on the file system of the pool, and reached by the same mount: a rollback puts another folder at its place
 * by a rename, and a rename cannot cross mounts.
 */
import { readdir } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { syncDir } from '../../../stores/files.ts';
import { IoError } from '../../error.ts';
import { isInside } from '../mounts.ts';
import { isDatasetName } from '../names.ts';
import { adoptedPath, findContent, isNear, statOf, writeAdopted } from './content.ts';
import { datasetPaths, ensureFolder, hasFolder } from './layout.ts';
import { whyOwn, type OwnPlace } from '../own-places.ts';
import type { VolumeCandidate } from '../port.ts';
import { mounts, refuseMounts } from './pool.ts';
import type { Site } from './site.ts';
import { refusal } from './site.ts';

type About = Pick<Site, 'pool' | 'op' | 'target'>;

const kinds = 'Adopt a folder by its absolute path, on the file system of the pool and without symbolic links.';

/** Its form alone. @throws IoError INVALID */
export function checkNative(about: Pick<Site, 'op' | 'target'>, native: string): void {
  const isPath = typeof native === 'string' && native.startsWith('/') && native !== '/' && !native.includes('\0');
  if (isPath && normalize(native) === native && !native.endsWith('/') && native.length < 4096) return;
  throw refusal(about, 'INVALID', `${JSON.stringify(String(native).slice(0, 200))} is not a path of a folder`, kinds);
}

/** Of what was adopted as this dataset already: done. @throws IoError MISSING, EXISTS, INVALID */
export async function adoptFolder(site: Site, native: string, ownPlaces: readonly OwnPlace[]): Promise<void> {
  const { paths, target, step } = site;
  const known = await adoptedPath(paths);
  if (known === native) return;
  if (known !== undefined) throw refusal(site, 'EXISTS', `${target} is ${known} already`);
  if (await findContent(site)) throw refusal(site, 'EXISTS', `there is a dataset ${target} already`);
  await refuseUnfit(site, native, ownPlaces);
  await ensureFolder(paths.home, 0o700);
  await ensureFolder(paths.snapshots, 0o700);
  const orphans = await readdir(paths.snapshots);
  if (orphans.length > 0)
    throw refusal(site, 'DAMAGED', `${paths.snapshots} has snapshots of a dataset that is gone`, 'Move them away.');
  await step('folders');
  await writeAdopted(paths, native);
  await syncDir(dirname(paths.home));
  await step('adopted');
}

/** By what it is, where, and whose. @throws IoError MISSING, EXISTS, INVALID */
async function refuseUnfit(site: About, native: string, ownPlaces: readonly OwnPlace[]): Promise<void> {
  const found = await statOf(native);
  if (!found)
    throw refusal(site, 'MISSING', `there is no ${native}`, 'Look whether that is its path, on that very node.');
  if (!found.isDirectory() || !(await isNear(site, native)))
    throw refusal(site, 'INVALID', `${native} is not a folder on the file system of the pool ${site.pool.name}`, kinds);
  await refuseTaken(site, native);
  const own = whyOwn(native, ownPlaces, await mounts());
  if (own !== undefined) throw refusal(site, 'INVALID', own, 'Adopt what no part of FloatLab itself is in.');
  await refuseMounts(site.op, native);
}

/**
 * The folders that are directly in the folder of the pool. What each takes has to be counted, for which there is half of
 * the time of the call.
 */
export async function findCandidates(
  site: About & Pick<Site, 'tools' | 'within'>,
  ownPlaces: readonly OwnPlace[],
): Promise<readonly VolumeCandidate[]> {
  const { pool, within, tools } = site;
  const halfMs = within.timeoutMs / 2;
  const found: VolumeCandidate[] = [];
  for (const entry of await readdir(pool.path, { withFileTypes: true })) {
    within.check();
    if (!entry.isDirectory() || entry.name === 'floatlab') continue;
    const path = join(pool.path, entry.name);
    const why = await refuseUnfit(site, path, ownPlaces).then(() => undefined, reasonIn);
    found.push({ native: path, path, usedBytes: undefined, why });
  }
  const sized: VolumeCandidate[] = [];
  for (const one of found.toSorted((a, b) => (a.native < b.native ? -1 : 1))) {
    const leftMs = within.timeoutMs - halfMs;
    const usedBytes =
      leftMs > 0 && one.path !== undefined ? await tools.usage(one.path, leftMs).catch(unknown) : undefined;
    sized.push({ ...one, usedBytes });
  }
  return sized;
}

const unknown = (error: unknown): undefined => {
  // It takes too long, or cannot be read: others are told all the same.
  if (!(error instanceof IoError) || error.code === 'ABORTED') throw error;
};

function reasonIn(error: unknown): string {
  if (error instanceof IoError) return error.message;
  throw error;
}

/** Two volumes must not share files, and what is adopted must not hold its own snapshots. */
async function refuseTaken(site: About, native: string): Promise<void> {
  const { pool } = site;
  const ours = join(pool.path, 'floatlab');
  if (isInside(ours, native)) throw refusal(site, 'INVALID', `${native} holds the pool ${pool.name} itself`, kinds);
  const volumes = join(ours, 'volumes');
  if (isInside(native, volumes)) throw refusal(site, 'EXISTS', `${native} belongs to a volume already`);
  if (isInside(native, ours))
    throw refusal(site, 'INVALID', `${native} belongs to the pool ${pool.name} itself`, kinds);
  for (const name of await readdir(volumes)) {
    if (!isDatasetName(name) || !(await hasFolder(join(volumes, name)))) continue;
    const other = await adoptedPath(datasetPaths(pool.path, name));
    if (other === undefined || !(isInside(native, other) || isInside(other, native))) continue;
    throw refusal(site, 'EXISTS', `${native} has files in common with the volume ${name}, which is ${other}`);
  }
}
