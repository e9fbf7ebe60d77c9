/**
 * Mounting and unmounting, and who stands in the way of that: a mount of the dataset in any mount namespace, which is
 * how a container that runs shows. zfs would rename the dataset below it without a word.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { IoError, asIoError } from '../../error.ts';
import type { Deadline } from '../deadline.ts';
import { inUse } from '../in-use.ts';
import { describeUsers } from '../open-below.ts';
import type { Zfs } from './commands.ts';
import { zpoolOf } from './layout.ts';
import type { MountLine } from './parse.ts';
import { parseMountLine } from './parse.ts';
import type { Entry } from './state.ts';

export interface Hands {
  readonly zfs: Zfs;
  readonly within: Deadline;
  /** What is being done, for messages. */
  readonly op: string;
}

/** Makes its files accessible at its mount point. Of one that is mounted: done. */
export async function ensureMounted(
  { zfs, op }: Hands,
  { dataset, mounted, mountpoint, canmount }: Entry,
): Promise<void> {
  if (mounted) return;
  if (!mountpoint.startsWith('/')) {
    throw new IoError('INVALID', {
      op,
      target: dataset,
      message: `${dataset} has no place to be mounted at: its mountpoint is ${mountpoint}`,
      hint: `Give it one: zfs set mountpoint=/a/folder ${dataset}`,
    });
  }
  if (canmount === 'off') await zfs.set(dataset, { canmount: 'noauto' });
  await zfs.mount(dataset);
}

/**
 * Unmounts it once nobody uses it: waits a moment for users that are about to go.
 * @throws IoError BUSY; then it is mounted as before
 */
export async function unmountUnused(hands: Hands, entry: Entry): Promise<void> {
  const { zfs, op } = hands;
  await refuseUsed(hands, entry);
  if (!entry.mounted) return;
  // A file that a program has just closed may keep it busy for a moment.
  try {
    await whenNotBusy(hands.within, () => zfs.unmount(entry.dataset), settleMs * 2);
  } catch (error) {
    throw (await openedBy(zfs, entry, asIoError(error, op, entry.dataset))) ?? error;
  }
  try {
    await refuseUsed(hands, entry);
  } catch (error) {
    await zfs.mount(entry.dataset);
    throw asIoError(error, op, entry.dataset);
  }
}

/** A container that starts holds every mount of the host for a moment, until its root is its own. */
const settleMs = 200;
const looks = 6;

async function refuseUsed({ zfs, within, op }: Hands, entry: Entry): Promise<void> {
  let user = await userOf(zfs, entry);
  for (let look = 1; user !== undefined && look < looks; look++) {
    await within.race(delay(settleMs));
    user = await userOf(zfs, entry);
  }
  if (user !== undefined) throw inUse(op, entry.mountpoint, user);
}

/** zfs says only that it is busy. @returns the same with who has something of it open, as far as that can be known */
async function openedBy(zfs: Zfs, { mountpoint }: Entry, { code, op }: IoError): Promise<IoError | undefined> {
  if (code !== 'BUSY') return undefined;
  const nameOf = (process: string) => zfs.readFile(`/proc/${process}/comm`).catch(() => '');
  const user = await describeUsers(await zfs.openBelow(mountpoint), nameOf);
  return user === undefined ? undefined : inUse(op, mountpoint, user);
}

/**
 * Another mount of the dataset than our own: a container's, or a copy of ours in another mount namespace, unless it goes
 * when ours does because it is of the same group.
 * @returns for example `process 4711 at /var/lib/data`, or undefined when nobody does
 */
async function userOf(zfs: Zfs, { dataset, mountpoint }: Entry): Promise<string | undefined> {
  const mounts = (await zfs.mountLines(dataset)).flatMap(({ process, line }) => {
    const mount = parseMountLine(line);
    return mount?.source === dataset && /zfs/.test(mount.type) ? [{ process, ...mount }] : [];
  });
  const isInPlace = (mount: MountLine) => mount.point === mountpoint && mount.root === '/';
  const own = mounts.find((mount) => mount.process === 'self' && isInPlace(mount));
  const group = own?.groups.find((one) => one.startsWith('shared:'))?.slice('shared:'.length);
  const follows = (mount: MountLine) =>
    isInPlace(mount) && group !== undefined && mount.groups.some((one) => one.split(':')[1] === group);
  // Another daemon of zfs-fuse may have a dataset of this name.
  const isSame = (mount: MountLine) => own === undefined || mount.device === own.device;
  const user = mounts.find((mount) => mount.id !== own?.id && isSame(mount) && !follows(mount));
  return user && `process ${user.process} at ${user.point}`;
}

/**
 * Renames a dataset that is not mounted, or a snapshot. zfs-fuse unmounts the clones on that occasion, and may not mount
 * them again: those that were mounted before are so afterwards.
 */
export async function renameParent({ zfs, within }: Hands, from: string, to: string): Promise<void> {
  if ((await zfs.tools()).renamesAlone) return whenNotBusy(within, () => zfs.rename(from, to));
  const zpool = zpoolOf(from);
  const clones = clonesOf(from, await zfs.origins(zpool));
  const mounted = async (): Promise<string[]> => (await zfs.mounted(zpool)).filter((dataset) => clones.has(dataset));
  const before = clones.size > 0 ? await mounted() : [];
  try {
    await whenNotBusy(within, () => zfs.rename(from, to));
  } finally {
    const now = new Set(before.length > 0 ? await mounted() : []);
    for (const dataset of before) if (!now.has(dataset)) await whenNotBusy(within, () => mountIfThere(zfs, dataset));
  }
}

/** @returns what stems from a dataset or a snapshot, over any number of generations. origins: of each clone its snapshot */
function clonesOf(from: string, origins: ReadonlyMap<string, string>): ReadonlySet<string> {
  const clones = new Set<string>();
  const parents = [from];
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
    for (const [clone, origin] of origins) {
      if ((origin !== parent && !origin.startsWith(`${parent}@`)) || clones.has(clone)) continue;
      clones.add(clone);
      parents.push(clone);
    }
  }
  return clones;
}

/** Of one that somebody has destroyed meanwhile: nothing. */
async function mountIfThere(zfs: Zfs, dataset: string): Promise<void> {
  try {
    await zfs.mount(dataset);
  } catch (error) {
    if (!(error instanceof IoError && error.code === 'MISSING')) throw error;
  }
}

const patienceMs = 3000;

/** zfs-fuse takes a moment until it has let go of what was unmounted. @throws IoError BUSY when it stays so */
export async function whenNotBusy<T>(within: Deadline, step: () => Promise<T>, longestMs = patienceMs): Promise<T> {
  for (let waitedMs = 0; ; waitedMs += settleMs / 4) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof IoError && error.code === 'BUSY') || waitedMs >= longestMs) throw error;
      await within.race(delay(settleMs / 4));
    }
  }
}
