/**
 * Taking over a dataset that is there already, where it is, and giving it back. The record `<root>/<name>` says which one
 * it is; its mark `floatlab:volume` says to whom it belongs. Both are needed: a name tells little, somebody may have put
 * another dataset there.
 *
 *     adopt    noted (the record, not yet in its place) · marked (the dataset) · adopted (the record is in its place)
 *     release  releasing (the record says so: it is no volume any more) · emptied · unmarked · forgotten
 */
import { IoError, type IoErrorCode } from '../../error.ts';
import { parseMountinfo } from '../mounts.ts';
import { whyOwn, type OwnPlace } from '../own-places.ts';
import { isNativeName, property, zpoolOf } from './layout.ts';
import { whenNotBusy } from './mounting.ts';
import { ownValue } from './parse.ts';
import { clearHome, closeReaderEntry, heldError, letGo } from './remove.ts';
import type { Site } from './site.ts';
import { refuseChildren, reread } from './site.ts';
import type { Entry, Volume } from './state.ts';
import { readEntry, valueOf } from './state.ts';

/** The caller has checked that there is no volume of this name. */
export async function adopt(site: Site, volume: Volume, native: string, ownPlaces: readonly OwnPlace[]): Promise<void> {
  const { zfs, step } = site;
  const { names } = volume;
  const entry = await checkNative(site, volume, native);
  const own = whyOwn(entry.mountpoint, ownPlaces, parseMountinfo(await zfs.readFile('/proc/self/mountinfo')));
  if (own !== undefined) throw refusal(site.op, native, 'INVALID', own, notOurs);
  if (volume.fresh) await undo(site, volume, volume.fresh);
  await zfs.create(names.fresh, {
    canmount: 'off',
    mountpoint: 'none',
    [property.adopted]: native,
    [property.guid]: entry.guid,
  });
  await step('noted');
  await zfs.set(native, { [property.pool]: site.poolId, [property.volume]: names.volume });
  await step('marked');
  await zfs.rename(names.fresh, names.top);
  await step('adopted');
}

/** @throws IoError INVALID, MISSING, EXISTS */
export async function checkNative(site: Site, { names }: Volume, native: string): Promise<Entry> {
  const { op } = site;
  const zpool = zpoolOf(names.root);
  if (!isNativeName(native))
    throw refusal(op, native, 'INVALID', `${JSON.stringify(native.slice(0, 200))} is not the name of a dataset`);
  if (zpoolOf(native) !== zpool)
    throw refusal(op, native, 'INVALID', `${native} is not in the zpool ${zpool}`, `Give a dataset of ${zpool}.`);
  const entry = await readEntry(site.zfs, native);
  if (!entry) throw refusal(op, native, 'MISSING', `there is no dataset ${native}`);
  const owner = ownValue(entry.properties, property.volume);
  const isAgain = owner === names.volume && ownValue(entry.properties, property.pool) === site.poolId;
  refuseUnfit(op, names.root, entry, isAgain);
  const children = (await site.zfs.names(native, 1)).filter((name) => name !== native);
  refuseChildren(site, native, children);
  return entry;
}

/**
 * By what it is, and whose.
 * @param isAgain its mark says that it is the very volume that it shall become @throws IoError INVALID, EXISTS
 */
export function refuseUnfit(op: string, root: string, entry: Entry, isAgain: boolean): void {
  const { dataset: native, properties, mountpoint } = entry;
  const type = properties.get('type')?.value;
  if (type !== 'filesystem') throw refusal(op, native, 'INVALID', `${native} is a ${type}, not a file system`);
  const owner = ownValue(properties, property.volume);
  const isInside = native === root || native.startsWith(`${root}/`);
  if (owner !== undefined && (!isAgain || isInside))
    throw refusal(op, native, 'EXISTS', `${native} belongs to the volume ${owner}`, 'Release it there, or clone it.');
  if (isOfFloatLab(root, entry))
    throw refusal(op, native, 'INVALID', `${native} is a dataset that FloatLab made for itself`, notOurs);
  if (!mountpoint.startsWith('/'))
    throw refusal(
      op,
      native,
      'INVALID',
      `${native} has no mountpoint`,
      `Give it one: zfs set mountpoint=/a/folder ${native}`,
    );
}

/**
 * Made for this pool, or for another one: the id of a pool is inherited by all that is below its dataset, which itself is
 * never mounted. One that has an id of its own and can be mounted has it from an adoption that was interrupted.
 */
export function isOfFloatLab(root: string, { dataset, properties, canmount }: Entry): boolean {
  if (dataset === root || dataset.startsWith(`${root}/`)) return true;
  if (ownValue(properties, property.volume) !== undefined || valueOf(properties, property.pool) === undefined)
    return false;
  return ownValue(properties, property.pool) === undefined || canmount === 'off';
}

const notOurs = 'Adopt what no part of FloatLab itself is in.';

const refusal = (op: string, native: string, code: IoErrorCode, message: string, hint?: string): IoError =>
  new IoError(code, { op, target: native, message, ...(hint === undefined ? {} : { hint }) });

/** An adoption that was interrupted before its record was in its place: nothing happened. */
export async function undo(site: Site, { names }: Volume, fresh: Entry): Promise<void> {
  const native = ownValue(fresh.properties, property.adopted);
  if (native !== undefined) {
    const entry = await readEntry(site.zfs, native);
    if (entry && entry.guid === ownValue(fresh.properties, property.guid)) await unmark(site, entry, names.volume);
  }
  await site.zfs.destroyDataset(fresh.dataset);
}

/** Of a volume whose record is there, or was. */
export async function release(site: Site, volume: Volume): Promise<void> {
  const { zfs, step } = site;
  const { record, native, names } = volume;
  if (!record) return;
  const taken = volume.snaps.filter((snap) => snap.ours && snap.dataset === native?.dataset);
  const held = volume.snaps.find((snap) => snap.ours && snap.holds > 0);
  if (held) throw await heldError(site, held, 1);
  for (const reader of volume.readers) await closeReaderEntry(site, reader);
  await zfs.set(record.dataset, { [property.releasing]: 'on' });
  await step('releasing');
  await clearHome(site, await reread(site, volume));
  if (native && isWhole(record, native)) {
    if (taken.length > 0) await letGo(site, taken);
    await unmark(site, native, names.volume);
  }
  await step('unmarked');
  await whenNotBusy(site.within, () => zfs.destroyDataset(record.dataset));
  await step('forgotten');
}

const isWhole = (record: Entry, native: Entry): boolean => native.guid === ownValue(record.properties, property.guid);

async function unmark({ zfs }: Site, native: Entry, volume: string): Promise<void> {
  const owner = ownValue(native.properties, property.volume);
  if (owner !== undefined && owner !== volume) return;
  // The mark goes last: without it nobody would come back for the others.
  for (const name of [property.rollback, property.pending, property.pool, property.volume])
    if (ownValue(native.properties, name) !== undefined) await zfs.inherit(native.dataset, name);
}
