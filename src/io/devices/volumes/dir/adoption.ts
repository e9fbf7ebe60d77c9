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
import { isInside } from '../mounts.ts';
import { isDatasetName } from '../names.ts';
import { adoptedPath, findContent, isNear, statOf, writeAdopted } from './content.ts';
import { datasetPaths, ensureFolder, hasFolder } from './layout.ts';
import { refuseMounts } from './pool.ts';
import type { Site } from './site.ts';
import { refusal } from './site.ts';

const kinds = 'Adopt a folder by its absolute path, on the file system of the pool and without symbolic links.';

/** Its form alone. @throws IoError INVALID */
export function checkNative(about: Pick<Site, 'op' | 'target'>, native: string): void {
  const isPath = typeof native === 'string' && native.startsWith('/') && native !== '/' && !native.includes('\0');
  if (isPath && normalize(native) === native && !native.endsWith('/') && native.length < 4096) return;
  throw refusal(about, 'INVALID', `${JSON.stringify(String(native).slice(0, 200))} is not a path of a folder`, kinds);
}

/** Of what was adopted as this dataset already: done. @throws IoError MISSING, EXISTS, INVALID */
export async function adoptFolder(site: Site, native: string): Promise<void> {
  const { paths, target, op, step } = site;
  const known = await adoptedPath(paths);
  if (known === native) return;
  if (known !== undefined) throw refusal(site, 'EXISTS', `${target} is ${known} already`);
  if (await findContent(site)) throw refusal(site, 'EXISTS', `there is a dataset ${target} already`);
  const found = await statOf(native);
  if (!found)
    throw refusal(site, 'MISSING', `there is no ${native}`, 'Look whether that is its path, on that very node.');
  if (!found.isDirectory() || !(await isNear(site, native)))
    throw refusal(site, 'INVALID', `${native} is not a folder on the file system of the pool ${site.pool.name}`, kinds);
  await refuseMounts(op, native);
  await refuseTaken(site, native);
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

/** Two volumes must not share files, and what is adopted must not hold its own snapshots. */
async function refuseTaken(site: Site, native: string): Promise<void> {
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
