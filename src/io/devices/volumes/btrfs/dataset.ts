/** Datasets: whether they are there, what they are like, and how they are made. */
import { constants, lstat, open, readdir, rename } from 'node:fs/promises';
import { IoError } from '../../error.ts';
import type { DatasetInfo, DatasetSpec } from '../port.ts';
import { compressionNames, compressionProperties } from './abilities.ts';
import { refuseOther } from './adopted.ts';
import { ensureFolder, hasSubvolume } from './layout.ts';
import type { Site } from './site.ts';

/** @throws IoError DAMAGED when it was adopted and is another one now */
export async function exists(site: Site): Promise<boolean> {
  if (!site.adopted) return hasSubvolume(site.paths.live);
  await refuseOther(site, site.adopted);
  return true;
}

export async function describeDataset({ pool, paths, btrfs, adopted }: Site): Promise<DatasetInfo> {
  const { referencedBytes, limitBytes } = await btrfs.usage(paths.live);
  const property = (await btrfs.compression(paths.live)) ?? pool.mount.compression ?? 'none';
  const compression = compressionNames[property.split(':')[0] ?? ''];
  return {
    path: paths.live,
    usedBytes: referencedBytes,
    sizeBytes: limitBytes,
    ...(compression === undefined ? {} : { compression }),
    ...(adopted === undefined ? {} : { adopted: adopted.path }),
  };
}

/** Of one that is there: what can still be changed. What is so already is left alone, for it would count as a change. */
export async function adjust(site: Site, spec: DatasetSpec): Promise<void> {
  const { paths, btrfs } = site;
  const { limitBytes } = await btrfs.usage(paths.live);
  if (limitBytes !== spec.sizeBytes) await btrfs.limit(paths.live, spec.sizeBytes);
  if (await own(paths.live, spec)) await btrfs.sync(paths.live);
}

/**
 * Makes a dataset that is not there: under a private name, until it has all that was asked for.
 * @param begin makes the subvolume at the path that it is given
 */
export async function makeDataset(
  site: Site,
  spec: DatasetSpec,
  begin: (path: string) => Promise<void>,
): Promise<void> {
  const { paths, btrfs, step, within } = site;
  await makeHome(site);
  await begin(paths.fresh);
  await step('made');
  await btrfs.limit(paths.fresh, spec.sizeBytes);
  await step('limited');
  const property = spec.compression && compressionProperties[spec.compression];
  if (property !== undefined) await btrfs.setCompression(paths.fresh, property);
  await own(paths.fresh, spec);
  await step('owned');
  within.check();
  await rename(paths.fresh, paths.live);
  await step('named');
  await btrfs.sync(paths.live);
  await step('synced');
}

/** The folders of a dataset that is not there yet, without what an interrupted attempt left. @throws IoError DAMAGED */
export async function makeHome({ op, paths, btrfs, step }: Site): Promise<void> {
  await ensureFolder(paths.home, 0o711);
  await ensureFolder(paths.snapshots, 0o700);
  await step('folders');
  const orphans = await readdir(paths.snapshots);
  if (orphans.length > 0) {
    throw new IoError('DAMAGED', {
      op,
      target: paths.home,
      message: `${paths.live} is missing, but ${orphans.length} of its snapshots are there: no empty dataset is made over them`,
      hint: `Make ${paths.live} from one of ${paths.snapshots} with \`btrfs subvolume snapshot\`, or move them away.`,
    });
  }
  if (await hasSubvolume(paths.fresh)) await btrfs.deleteSubvolumes([paths.fresh]);
}

/** Gives the top folder of one subvolume the owner and the mode of that of another one. */
export async function ownLike(model: string, path: string): Promise<void> {
  const { uid, gid, mode } = await lstat(model);
  await own(path, { owner: { uid, gid }, mode: mode & 0o7777 });
}

/** Owner and mode of the top folder, through no link. @returns whether something had to be changed */
export async function own(path: string, { owner, mode }: Pick<DatasetSpec, 'owner' | 'mode'>): Promise<boolean> {
  if (owner === undefined && mode === undefined) return false;
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const now = await folder.stat();
    const isOther = owner !== undefined && (now.uid !== owner.uid || now.gid !== owner.gid);
    if (isOther) await folder.chown(owner.uid, owner.gid);
    // After the owner: a change of owner may take bits away.
    const isDifferent = mode !== undefined && ((await folder.stat()).mode & 0o7777) !== mode;
    if (isDifferent) await folder.chmod(mode);
    return isOther || isDifferent;
  } finally {
    await folder.close();
  }
}
