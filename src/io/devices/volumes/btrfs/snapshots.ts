/** Snapshots of a dataset: those that were taken here, and those of other tools. */
import { readdir } from 'node:fs/promises';
import { IoError } from '../../error.ts';
import { isForeign } from '../foreign.ts';
import { inUse, stillUsed } from '../in-use.ts';
import { isSnapshotName } from '../names.ts';
import type { SnapInfo } from '../port.ts';
import { hasFolder, hasSubvolume } from './layout.ts';
import { isInside } from '../mounts.ts';
import type { SubvolumeDetails } from './parse.ts';
import { grouped } from './parse.ts';
import { fromPool, fromTop } from './pool.ts';
import type { Site } from './site.ts';

/** In the order of creation, which is the order of their generations: names and clocks may lie. */
export async function listSnapshots(site: Site): Promise<readonly SnapInfo[]> {
  const { pool, btrfs } = site;
  const exclusive = await btrfs.exclusiveBytes(pool.path);
  return (await findSnapshots(site)).map(({ name, details }) => {
    const exclusiveBytes = exclusive?.get(details.id);
    return { ...snapInfo(name, details, site.op), ...(exclusiveBytes === undefined ? {} : { exclusiveBytes }) };
  });
}

interface Found {
  readonly name: string;
  readonly details: SubvolumeDetails;
}

/**
 * @param unlisted by folder, the names that the list did not tell of before: whoever looks again and again keeps them,
 *   and they are asked for while the list is
 */
export async function findSnapshots(
  { pool, paths, btrfs }: Site,
  unlisted?: Map<string, ReadonlySet<string>>,
): Promise<readonly Found[]> {
  if (!(await hasFolder(paths.snapshots))) return [];
  const asked = new Map<string, Promise<SubvolumeDetails>>();
  const show = (name: string): Promise<SubvolumeDetails> => {
    const details = asked.get(name) ?? btrfs.show(paths.snapshot(name));
    asked.set(name, details);
    return details;
  };
  // One that is gone by now is not in the folder.
  for (const name of unlisted?.get(paths.snapshots) ?? []) void show(name).catch(() => undefined);
  const listed = grouped(await btrfs.list(pool.path, 'read-only snapshots'), ({ path }) => path);
  const folder = fromTop(pool, paths.snapshots);
  const found: Found[] = [];
  const alone = new Set<string>();
  for (const name of await readdir(paths.snapshots)) {
    if (!isSnapshotName(name) || !(await isSubvolume(paths.snapshot(name)))) continue;
    const rows = listed.get(`${folder}/${name}`) ?? [];
    const [row] = rows;
    // Asked for alone where the list is not clear: received whole, or another one's path imitates it.
    const isClear = rows.length === 1 && row?.createdAt !== undefined;
    if (!isClear) alone.add(name);
    const details = isClear ? { ...row, createdAt: row.createdAt, readOnly: true } : await show(name);
    if (details.readOnly) found.push({ name, details });
  }
  if (alone.size > 0) unlisted?.set(paths.snapshots, alone);
  else unlisted?.delete(paths.snapshots);
  return found.toSorted((a, b) => a.details.cgen - b.details.cgen || a.details.id - b.details.id);
}

/**
 * Snapshots elsewhere in the file system whose origin is this dataset, or was it before a roll-back; their names are
 * their paths. btrfs knows the origin by its uuid.
 */
export async function listForeign(site: Site): Promise<readonly SnapInfo[]> {
  const { pool, paths, btrfs } = site;
  const rows = await btrfs.list(pool.path, 'snapshots');
  const ours = fromTop(pool, `${pool.path}/floatlab`);
  const origins = new Set([(await btrfs.show(paths.live)).uuid]);
  for (const { details } of await findSnapshots(site)) if (details.parentUuid) origins.add(details.parentUuid);
  return rows
    .filter(({ path, parentUuid }) => parentUuid && origins.has(parentUuid) && !isInside(`/${path}`, `/${ours}`))
    .filter(({ path }) => path !== fromTop(pool, paths.live))
    .toSorted((a, b) => a.cgen - b.cgen || a.id - b.id)
    .map((row) => ({
      name: fromPool(pool, row.path),
      guid: row.receivedUuid ?? row.uuid,
      createdAt: row.createdAt ?? 0,
    }));
}

/** @throws IoError EXISTS when it is no snapshot any more */
export function snapInfo(
  name: string,
  details: Pick<SubvolumeDetails, 'uuid' | 'receivedUuid' | 'createdAt' | 'readOnly'>,
  op: string,
): SnapInfo {
  if (!details.readOnly) {
    const message = `${name} is writable: somebody changed it, it is not a snapshot any more`;
    throw new IoError('EXISTS', { op, target: name, message, hint: 'Move it out of the folder of FloatLab.' });
  }
  return { name, guid: details.receivedUuid ?? details.uuid, createdAt: details.createdAt };
}

/** Where the snapshot is. @throws IoError MISSING */
export async function snapshotOf({ op, target, paths, btrfs }: Site, name: string): Promise<string> {
  const path = paths.snapshot(name);
  if ((await hasSubvolume(path)) && (await btrfs.show(path)).readOnly) return path;
  throw new IoError('MISSING', { op, target, message: `${target} has no snapshot ${name}` });
}

/**
 * Bytes that the present holds and the snapshot does not, by the generations in which they were written. After a
 * roll-back that is so only of what the present goes on from: where it began, and what is older in the same subvolume.
 */
export async function writtenSince(site: Site, name: string): Promise<number | undefined> {
  const { btrfs, paths } = site;
  const snapshot = await btrfs.show(await snapshotOf(site, name));
  const live = await btrfs.show(paths.live);
  if (snapshot.parentUuid !== live.uuid) {
    const began = (await findSnapshots(site)).find(({ details }) => details.uuid === live.parentUuid)?.details;
    const isBefore = snapshot.parentUuid === began?.parentUuid && snapshot.cgen <= (began?.cgen ?? 0);
    if (!began || (snapshot.uuid !== began.uuid && !isBefore)) return undefined;
  }
  return btrfs.bytesWrittenFrom(paths.live, snapshot.cgen + 1);
}

/** Those that a container has mounted stay; the others go. @throws IoError BUSY when one stays */
export async function removeSnapshots(site: Site, names: readonly string[]): Promise<void> {
  const { pool, paths, btrfs, within, op } = site;
  const there: string[] = [];
  for (const name of new Set(names)) if (await hasSubvolume(paths.snapshot(name))) there.push(paths.snapshot(name));
  const listed = (path: string) => `/${fromTop(pool, path)}`;
  const users = await stillUsed(pool.mount, there.map(listed), within);
  const free = there.filter((path) => !users.has(listed(path)));
  within.check();
  if (free.length > 0) await btrfs.deleteSubvolumes(free);
  const [path] = there.filter((one) => !free.includes(one));
  if (path !== undefined) throw inUse(op, path, users.get(listed(path)) ?? '');
}

/** Without complaining about what is not ours. @throws what the disk says when it cannot be looked at */
export const isSubvolume = (path: string): Promise<boolean> =>
  hasSubvolume(path).catch((error: unknown) => {
    if (isForeign(error)) return false;
    throw error;
  });
