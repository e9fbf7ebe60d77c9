/**
 * Removing snapshots, lineages and volumes. In zfs a snapshot with a clone cannot go, and neither can the dataset that
 * it is in; for FloatLab neither holds the other back:
 *
 * - a snapshot that has a clone gets a private name, so that its own is free, and goes with its last clone (`-d`);
 * - a dataset that has to go, while a clone of it stays, first gives its history to the clone (`promote`): from then on
 *   it is the clone, and can be destroyed.
 *
 * What is not ours is never destroyed with it: whoever has made a snapshot, a hold or a clone has to lift that.
 */
import { IoError, asIoError } from '../../error.ts';
import type { Site } from './site.ts';
import { ensureHome, reread } from './site.ts';
import { goneName, isPrivate, property, readerPath, volumePath, zpoolOf } from './layout.ts';
import { ensureMounted, renameParent, unmountUnused, whenNotBusy } from './mounting.ts';
import { ownValue } from './parse.ts';
import type { Entry, Snap, Volume } from './state.ts';
import { foreign, listed } from './state.ts';

/** @throws IoError HELD for those that somebody holds, once the others are gone; BUSY while somebody reads one */
export async function removeSnapshots(site: Site, volume: Volume, wanted: readonly string[]): Promise<void> {
  const asked = listed(volume).filter(({ name }) => wanted.includes(name));
  // Of an earlier attempt that was interrupted between the two names.
  const left = volume.snaps.filter((snap) => snap.ours && snap.name.startsWith('.gone-') && !snap.deferred);
  const held = asked.filter(({ holds }) => holds > 0);
  const going = asked.filter(({ holds }) => holds === 0);
  for (const snap of going) await closeReader(site, volume, snap);
  if (going.length + left.length > 0) await letGo(site, [...going, ...left]);
  if (volume.lines.length > 0) await sweep(site, await reread(site, volume));
  const [first] = held;
  if (first) throw await heldError(site, first, held.length);
}

/** Destroys lineages that nobody can see any more: without a snapshot that is listed, and without clones. */
async function sweep(site: Site, volume: Volume): Promise<Volume> {
  if (volume.lines.length === 0) return volume;
  const visible = [...listed(volume), ...foreign(volume)];
  const origins = [...(await site.zfs.origins(zpoolOf(volume.names.root))).values()];
  const idle = volume.lines.find(
    ({ dataset }) =>
      !visible.some((snap) => snap.dataset === dataset) &&
      !volume.snaps.some((snap) => snap.dataset === dataset && snap.holds > 0) &&
      !origins.some((origin) => origin.startsWith(`${dataset}@`)),
  );
  if (!idle) return volume;
  await destroyWithSnapshots(site, volume, idle);
  return sweep(site, await reread(site, volume));
}

/**
 * The commit point is the rename to `trash`: before it the volume is whole, after it there is none, and what is left is
 * removed by a repetition.
 */
export async function destroyVolume(site: Site, volume: Volume, scrub: boolean): Promise<void> {
  const { step } = site;
  const { live } = volume;
  if (live) {
    await refuseOthers(site, volume);
    for (const reader of volume.readers) await closeReaderEntry(site, reader);
    await markLeaving(site, volume, scrub);
    await step('marked');
    try {
      await unmountUnused(site, live);
    } catch (error) {
      await settleLeaving(site, await reread(site, volume));
      throw error;
    }
    await step('unmounted');
    await trash(site, volume, live);
    await step('trashed');
  }
  await clearHome(site, await reread(site, volume));
}

/** zfs-fuse has no room for a rename on a full pool: then the volume is destroyed where it is, snapshots first. */
async function trash(site: Site, volume: Volume, live: Entry): Promise<void> {
  try {
    await renameParent(site, live.dataset, volume.names.trash);
  } catch (error) {
    if (asIoError(error, site.op, site.target).code !== 'NO_SPACE') throw error;
    await destroyWithSnapshots(site, volume, { ...live, mounted: false });
  }
}

/** On a full pool there is no room even for a mark. Without it nothing is lost: a volume may stay unmounted. */
async function markLeaving(site: Site, volume: Volume, scrub: boolean): Promise<void> {
  const mark = { [property.leaving]: 'on', ...(scrub ? { [property.scrub]: 'on' } : {}) };
  try {
    await ensureHome(site, volume, mark);
  } catch (error) {
    if (scrub || !volume.home || asIoError(error, site.op, site.target).code !== 'NO_SPACE') throw error;
  }
}

/** Finishes a destruction that was interrupted, or takes it back when it had not begun. */
export async function settleLeaving(site: Site, volume: Volume): Promise<Volume> {
  const { home, live, trash } = volume;
  const isLeaving = home && ownValue(home.properties, property.leaving) !== undefined;
  if (!live && (trash || isLeaving)) {
    await clearHome(site, volume);
    return reread(site, volume);
  }
  if (!live || !isLeaving) return volume;
  await ensureMounted(site, live);
  for (const name of [property.leaving, property.scrub])
    if (ownValue(home.properties, name) !== undefined) await site.zfs.inherit(home.dataset, name);
  return reread(site, volume);
}

/** Destroys everything that is private to the volume, then its home. */
export async function clearHome(site: Site, volume: Volume): Promise<void> {
  const { zfs, pool, step } = site;
  let now = volume;
  for (let members = membersOf(now); members.length > 0; members = membersOf(now)) {
    site.within.check();
    const origins = await zfs.origins(zpoolOf(now.names.root));
    const isOrigin = (snap: Snap) => [...origins.values()].includes(`${snap.dataset}@${snap.name}`);
    // The trash goes last: while it is there, it says that all of this has to go.
    const free = members.find(
      ({ dataset }) =>
        (dataset !== now.names.trash || members.length === 1) &&
        !now.snaps.some((snap) => snap.dataset === dataset && isOrigin(snap)),
    );
    if (free) await destroyWithSnapshots(site, now, free);
    else await giveAway(site, now, origins);
    now = await reread(site, now);
  }
  await step('emptied');
  const { home, names } = now;
  if (!home) return;
  if (ownValue(home.properties, property.scrub) !== undefined) await zfs.trim(zpoolOf(names.root));
  await step('scrubbed');
  await zfs.destroyDataset(home.dataset);
  for (const path of [readerPath(pool.mountBase, names.volume, ''), volumePath(pool.mountBase, names.volume)])
    await zfs.removeFolder(path.replace(/\/$/, ''));
  await step('removed');
}

/** Of something that has no snapshots, and that no container can have seen. */
export async function destroyQuietly(site: Site, entry: Entry): Promise<void> {
  if (entry.mounted) await unmountUnused(site, entry);
  await whenNotBusy(site.within, () => site.zfs.destroyDataset(entry.dataset));
}

async function closeReader(site: Site, { names, readers }: Volume, snap: Snap): Promise<void> {
  const reader = readers.find(({ dataset }) => dataset === names.reader(snap.txg));
  if (reader) await closeReaderEntry(site, reader);
}

export async function closeReaderEntry(site: Site, reader: Entry): Promise<void> {
  await destroyQuietly(site, reader);
  await site.zfs.removeFolder(reader.mountpoint);
}

/** All at once; those with clones get a private name first. */
export async function letGo(site: Site, snaps: readonly Snap[]): Promise<void> {
  const { zfs, pool } = site;
  const origins = new Set((await zfs.origins(zpoolOf(pool.root))).values());
  const byDataset = new Map<string, string[]>();
  for (const snap of snaps) {
    const full = `${snap.dataset}@${snap.name}`;
    const isHeldByClone = origins.has(full) && !isPrivate(snap.name);
    const name = isHeldByClone ? goneName(snap.guid) : snap.name;
    if (isHeldByClone) await renameParent(site, full, `${snap.dataset}@${name}`);
    byDataset.set(snap.dataset, [...(byDataset.get(snap.dataset) ?? []), name]);
  }
  await site.step('renamed');
  for (const [dataset, names] of byDataset) await zfs.destroySnapshots(dataset, names);
  await site.step('let-go');
}

const membersOf = ({ trash, next, lines, readers }: Volume): readonly Entry[] =>
  [...readers, next, trash, ...lines].filter((entry) => entry !== undefined);

async function destroyWithSnapshots(site: Site, { snaps }: Volume, entry: Entry): Promise<void> {
  const { zfs } = site;
  const names = snaps.filter(({ dataset, ours }) => dataset === entry.dataset && ours).map(({ name }) => name);
  if (names.length > 0) await zfs.destroySnapshots(entry.dataset, names);
  await destroyQuietly(site, entry);
}

/** All members that are left are origins of clones that stay: one of these takes the history of its origin. */
async function giveAway(site: Site, now: Volume, origins: ReadonlyMap<string, string>): Promise<void> {
  const { zfs } = site;
  const members = new Set(membersOf(now).map(({ dataset }) => dataset));
  const outside = [...origins].filter(([clone]) => !members.has(clone));
  // The newest one: all that are older go along with it.
  const snap = now.snaps.findLast(
    (one) => members.has(one.dataset) && outside.some(([, origin]) => origin === `${one.dataset}@${one.name}`),
  );
  const heir = outside.find(([, origin]) => origin === `${snap?.dataset}@${snap?.name}`)?.[0];
  if (!snap || heir === undefined || !heir.startsWith(`${now.names.root}/`)) {
    throw new IoError('HELD', {
      op: site.op,
      target: site.target,
      message: `what is left of ${site.target} has a clone that FloatLab did not make${heir === undefined ? '' : `: ${heir}`}`,
      hint: 'Destroy the clone, or promote it with `zfs promote`, then try again.',
    });
  }
  await letGo(
    site,
    now.snaps.filter(({ dataset, txg }) => dataset === snap.dataset && txg <= snap.txg),
  );
  await zfs.promote(heir);
  await site.step('given-away');
}

/** @throws IoError HELD, before anything is changed */
async function refuseOthers(site: Site, volume: Volume): Promise<void> {
  const held = (message: string, hint: string) =>
    new IoError('HELD', { op: site.op, target: site.target, message, hint });
  const [other] = foreign(volume);
  if (other) {
    const message = `${other.dataset}@${other.name} is not a snapshot of FloatLab, and would go with the dataset`;
    throw held(message, `Remove it with its own tool, or with \`zfs destroy ${other.dataset}@${other.name}\`.`);
  }
  const [child] = volume.children;
  if (child !== undefined)
    throw held(`${child} is in the dataset, and FloatLab did not make it`, `Rename or destroy ${child}.`);
  const holding = volume.snaps.find(({ holds, ours }) => ours && holds > 0);
  if (holding) throw await heldError(site, holding, 1);
  const { root } = volume.names;
  for (const [clone, origin] of await site.zfs.origins(zpoolOf(root))) {
    const isOfVolume = volume.snaps.some((snap) => origin === `${snap.dataset}@${snap.name}`);
    if (isOfVolume && !clone.startsWith(`${root}/`))
      throw held(
        `${clone} is a clone of ${origin}, and FloatLab did not make it`,
        `Destroy it, or run \`zfs promote ${clone}\`.`,
      );
  }
}

export async function heldError({ zfs, op, target }: Site, snap: Snap, count: number): Promise<IoError> {
  const full = `${snap.dataset}@${snap.name}`;
  const tags = await zfs.holds(full);
  const by = tags === undefined || tags.length === 0 ? '' : ` by ${tags.join(', ')}`;
  const more = count > 1 ? `, and ${count - 1} more` : '';
  const hint = `Let go of it: zfs release ${tags?.[0] ?? '<tag>'} ${full}`;
  return new IoError('HELD', { op, target, message: `${full} is held${by}${more}`, hint });
}
