/**
 * One volume as it is in the zpool at this moment: read by one command (two, when it was adopted), decided on by
 * everybody else. Nothing is remembered between calls.
 */
import { IoError } from '../../error.ts';
import type { SnapInfo } from '../port.ts';
import type { Zfs } from './commands.ts';
import type { VolumeNames } from './layout.ts';
import { isLine, isPrivate, isReader, property, volumeNames } from './layout.ts';
import type { Properties } from './parse.ts';
import { ownValue } from './parse.ts';

export interface Entry {
  readonly dataset: string;
  readonly guid: string;
  readonly txg: number;
  readonly origin: string | undefined;
  readonly mounted: boolean;
  readonly mountpoint: string;
  readonly canmount: string;
  readonly properties: Properties;
}

export interface Snap {
  readonly dataset: string;
  /** Behind the `@`. */
  readonly name: string;
  readonly guid: string;
  readonly txg: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly usedBytes: number;
  readonly holds: number;
  /** It goes with its last clone. */
  readonly deferred: boolean;
  /** Taken here, of this volume. */
  readonly ours: boolean;
}

export interface Volume {
  readonly names: VolumeNames;
  /** The id of the pool that it is in; undefined when nothing was found that could tell. */
  readonly poolId: string | undefined;
  /** What holds the content: the dataset of the volume, or the one that was adopted. */
  readonly live: Entry | undefined;
  /** Of a volume that was adopted: says which dataset it is. */
  readonly record: Entry | undefined;
  /** The dataset that was adopted, whatever has become of it: only `release` looks at it. */
  readonly native: Entry | undefined;
  /** Where the content has its place; of an adopted one the name of the native dataset. */
  readonly place: string;
  /** In place of the volume there is something that is none. */
  readonly stranger: string | undefined;
  readonly fresh: Entry | undefined;
  readonly home: Entry | undefined;
  readonly next: Entry | undefined;
  readonly trash: Entry | undefined;
  readonly lines: readonly Entry[];
  readonly readers: readonly Entry[];
  /** File systems inside of it that FloatLab did not make. */
  readonly children: readonly string[];
  /** Of all that belongs to it, in the order of creation. */
  readonly snaps: readonly Snap[];
}

/** A volume that is there. */
export interface Present extends Volume {
  readonly live: Entry;
}

const entryProperties = ['guid', 'createtxg', 'origin', 'type', 'mounted', 'mountpoint', 'canmount'];
const infoProperties = ['referenced', 'refquota', 'recordsize', 'compression'];
const snapProperties = ['creation', 'used', 'userrefs', 'defer_destroy'];
const wanted = [...entryProperties, ...infoProperties, ...snapProperties, ...Object.values(property)];

/** @param strict lenient: what was adopted may be another one now. @throws IoError DAMAGED */
export async function readVolume(
  zfs: Zfs,
  root: string,
  volume: string,
  op: string,
  strict: 'strict' | 'lenient' = 'strict',
): Promise<Volume> {
  const names = volumeNames(root, volume);
  const found = new Map(await zfs.get(wanted, [names.top, names.home, names.fresh], 'recursive'));
  const top = entryOf(found, names.top);
  const adopted = top && ownValue(top.properties, property.adopted);
  const native = adopted === undefined ? undefined : await readNative(zfs, found, adopted);
  const record = adopted === undefined ? undefined : top;
  const isVolume = top && !record && ownValue(top.properties, property.volume) === volume;
  const next = entryOf(found, names.next);
  const live = record ? liveOf(record, native, { names, next, op, strict }) : isVolume ? top : undefined;
  const place = adopted ?? names.top;
  const inHome = [...found.keys()].filter((name) => !name.includes('@') && name.startsWith(`${names.home}/`));
  const entries = (matches: (dataset: string) => boolean): Entry[] =>
    inHome.filter(matches).flatMap((name) => entryOf(found, name) ?? []);
  const trash = entryOf(found, names.trash);
  const lines = entries((name) => isLine(names, name)).toSorted((a, b) => a.txg - b.txg);
  const family = new Set([live, native, trash, next, ...lines].flatMap((entry) => entry?.dataset ?? []));
  const witness = top ?? entryOf(found, names.home) ?? entryOf(found, names.fresh);
  return {
    names,
    poolId: witness && valueOf(witness.properties, property.pool),
    live,
    record,
    native,
    place,
    stranger: top && !record && !isVolume ? top.dataset : undefined,
    fresh: entryOf(found, names.fresh),
    home: entryOf(found, names.home),
    next,
    trash,
    lines,
    readers: entries((name) => isReader(names, name)),
    children: live
      ? [...found.keys()].filter((name) => !name.includes('@') && name.startsWith(`${live.dataset}/`))
      : [],
    snaps: snapsOf(found, volume, family),
  };
}

/** Snapshots of these datasets, in the order of creation. */
export const snapsOf = (
  found: ReadonlyMap<string, Properties>,
  volume: string,
  datasets: ReadonlySet<string>,
): readonly Snap[] =>
  [...found].flatMap(([name, properties]) => snapOf(name, properties, volume, datasets) ?? []).toSorted(byAge);

/** What `snapsOf` needs to know. */
export const snapWanted = [...entryProperties.slice(0, 2), ...snapProperties, property.volume];

/** Those that FloatLab shows as its own. */
export const listed = ({ snaps }: Pick<Volume, 'snaps'>): readonly Snap[] =>
  snaps.filter((snap) => snap.ours && !isPrivate(snap.name) && !snap.deferred);

/** Those of other tools. */
export const foreign = ({ snaps }: Volume): readonly Snap[] => snaps.filter((snap) => !snap.ours && !snap.deferred);

export const snapInfo = ({ name, guid, createdAt, usedBytes }: Snap): SnapInfo => ({
  name,
  guid,
  createdAt,
  exclusiveBytes: usedBytes,
});

/** @throws IoError MISSING when it is not there */
export async function readSnap(zfs: Zfs, snapshot: string, volume: string): Promise<Snap> {
  const found = await zfs.get(snapWanted, [snapshot]);
  const [name, properties] = [...found][0] ?? [];
  const snap = name === undefined || !properties ? undefined : snapOf(name, properties, volume);
  if (snap) return snap;
  throw new IoError('MISSING', { op: 'look', target: snapshot, message: `there is no snapshot ${snapshot}` });
}

/** A dataset alone, without what is below it; undefined when it is not there. */
export const readEntry = async (zfs: Zfs, dataset: string): Promise<Entry | undefined> =>
  entryOf(await zfs.get(wanted, [dataset]), dataset);

/** The same of several, as far as they are there. */
export async function readEntries(zfs: Zfs, datasets: readonly string[]): Promise<readonly Entry[]> {
  const found = await zfs.get(wanted, datasets);
  return datasets.flatMap((dataset) => entryOf(found, dataset) ?? []);
}

/** By creation; two of one transaction group by what never changes. */
const byAge = (a: Snap, b: Snap): number => a.txg - b.txg || (a.guid < b.guid ? -1 : 1);

/** Wherever it was set. */
export function valueOf(properties: Properties, name: string): string | undefined {
  const value = properties.get(name)?.value;
  return value === '-' ? undefined : value;
}

/** A set of volumes that was snapshotted together carries all of their names. */
const belongsTo = (properties: Properties, volume: string): boolean =>
  (ownValue(properties, property.volume) ?? '').split(',').includes(volume);

async function readNative(zfs: Zfs, into: Map<string, Properties>, dataset: string): Promise<Entry | undefined> {
  const found = await zfs.get(wanted, [dataset], 'recursive');
  for (const [name, properties] of found) into.set(name, properties);
  return entryOf(found, dataset);
}

/** @returns undefined while it is given back, and in the middle of a roll-back */
function liveOf(
  record: Entry,
  native: Entry | undefined,
  {
    names,
    next,
    op,
    strict,
  }: { names: VolumeNames; next: Entry | undefined; op: string; strict: 'strict' | 'lenient' },
): Entry | undefined {
  if (ownValue(record.properties, property.releasing) !== undefined) return undefined;
  if (!native && next) return undefined;
  const known = ownValue(record.properties, property.guid);
  const isMarked = native && belongsTo(native.properties, names.volume);
  const isInRollback = isMarked && ownValue(native.properties, property.pending) !== undefined;
  if (isMarked && (native.guid === known || isInRollback)) return native;
  if (strict === 'lenient') return undefined;
  const place = ownValue(record.properties, property.adopted) ?? '';
  const why = !native ? 'it is gone' : native.guid === known ? 'it has lost its mark' : 'it is another dataset';
  throw new IoError('DAMAGED', {
    op,
    target: place,
    message: `${place} is not what was adopted as ${names.volume}: ${why}`,
    hint:
      isMarked || native?.guid !== known
        ? `Put the dataset with the guid ${known} back at ${place}. If it is lost, release the volume.`
        : `Run \`zfs set ${property.volume}=${names.volume} ${place}\`, or release the volume.`,
  });
}

function entryOf(found: ReadonlyMap<string, Properties>, dataset: string): Entry | undefined {
  const properties = found.get(dataset);
  if (!properties) return undefined;
  const value = (name: string) => properties.get(name)?.value ?? '-';
  return {
    dataset,
    guid: value('guid'),
    txg: Number(value('createtxg')),
    origin: value('origin') === '-' ? undefined : value('origin'),
    mounted: value('mounted') === 'yes',
    mountpoint: value('mountpoint'),
    canmount: value('canmount'),
    properties,
  };
}

function snapOf(full: string, properties: Properties, volume: string, family?: ReadonlySet<string>): Snap | undefined {
  const [dataset, name] = full.split('@', 2);
  if (dataset === undefined || name === undefined || (family && !family.has(dataset))) return undefined;
  const value = (key: string) => properties.get(key)?.value ?? '';
  // Of a clone that outlived its parent: what the parent left there is private, whoever the parent was.
  const isLeft = isPrivate(name) && ownValue(properties, property.volume) !== undefined;
  return {
    dataset,
    name,
    guid: value('guid'),
    txg: Number(value('createtxg')),
    createdAt: Number(value('creation')) * 1000,
    usedBytes: Number(value('used')),
    holds: Number(value('userrefs')) || 0,
    deferred: value('defer_destroy') === 'on',
    ours: isLeft || belongsTo(properties, volume),
  };
}
