/**
 * Which volumes of a pool have changed since their newest snapshot, all at once. zfs counts what was `written` since the
 * newest snapshot of a dataset, whoever took it; which one that is, is looked up again only when the names of its
 * snapshots have changed: asking for the names alone is cheap, also of ten thousand.
 */
import type { Change } from '../port.ts';
import type { Zfs } from './commands.ts';
import { property, volumeNames, zpoolOf } from './layout.ts';
import { ownValue, type Properties } from './parse.ts';
import type { Snap } from './state.ts';
import { listed, snapWanted, snapsOf } from './state.ts';

interface Newest {
  /** Names of all snapshots, as they were when this was found. */
  readonly names: string;
  /** Of ours. */
  readonly snap: Snap | undefined;
  /** Nobody else has taken one since. */
  readonly isLast: boolean;
}

/** By volume; of one pool. What is wrong in it is found out by the names. */
export type NewestKnown = Map<string, Newest>;

/** Datasets whose snapshots are asked for in one command. */
const batch = 50;
/** Each asks for the `written@` of all of them, so this is quadratic. */
const smallBatch = 20;

/**
 * A transaction group is open for at most 5 seconds by default (`zfs_txg_timeout`), the one before it may still be on its
 * way then, and `written` counts what has arrived.
 */
const delayMs = 30_000;

export async function readChanges(zfs: Zfs, root: string, known: NewestKnown): Promise<ReadonlyMap<string, Change>> {
  const wanted = [...contentProperties, property.volume, property.adopted, property.releasing];
  const properties = await zfs.getChildren(wanted, root);
  const datasets = await liveDatasets(zfs, root, properties);
  const natives = [...datasets.values()].filter(({ dataset }) => !dataset.startsWith(`${root}/`));
  const counters = await zfs.writeCounters(zpoolOf(root));
  const names = await namesByVolume(zfs, root, datasets, natives);
  const stale = [...datasets].filter(([volume]) => known.get(volume)?.names !== (names.get(volume) ?? ''));
  for (let i = 0; i < stale.length; i += batch) await lookUp(zfs, root, stale.slice(i, i + batch), names, known);
  for (const volume of known.keys()) if (!datasets.has(volume)) known.delete(volume);

  const changes = new Map<string, Change>();
  const unclear: { volume: string; dataset: string; snap: Snap; mark: string }[] = [];
  const markOf = ({ dataset, mark }: Live): string => `${mark}:${counters.get(dataset) ?? ''}`;
  for (const [volume, live] of datasets) {
    const { dataset, written } = live;
    const newest = known.get(volume);
    const snap = newest?.snap;
    if (snap && snap.dataset === dataset && !newest.isLast) unclear.push({ volume, dataset, snap, mark: markOf(live) });
    // After a roll-back the newest snapshot is in a lineage: it holds what was given up.
    const changed = snap === undefined || snap.dataset !== dataset || written > 0;
    changes.set(volume, { since: snap?.guid, changed, mark: markOf(live), delayMs });
  }
  for (let i = 0; i < unclear.length; i += smallBatch) {
    const some = unclear.slice(i, i + smallBatch);
    const asked = [...new Set(some.map(({ snap }) => `written@${snap.name}`))];
    const found = await zfs.get(
      asked,
      some.map(({ dataset }) => dataset),
    );
    for (const { volume, dataset, snap, mark } of some) {
      const written = Number(found.get(dataset)?.get(`written@${snap.name}`)?.value ?? Number.NaN);
      changes.set(volume, { since: snap.guid, changed: written !== 0, mark, delayMs });
    }
  }
  return changes;
}

/** Undefined of what is in a lineage that was left, and where zfs does not count. */
export async function writtenSince(zfs: Zfs, dataset: string, snap: Snap): Promise<number | undefined> {
  if (snap.dataset !== dataset || !(await zfs.tools()).written) return undefined;
  const asked = `written@${snap.name}`;
  const value = (await zfs.get([asked], [dataset])).get(dataset)?.get(asked)?.value;
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : undefined;
}

/**
 * No property tells when a dataset was last written to: what it takes, as a whole and since its newest snapshot, stays the
 * same when blocks are written again. The counters of the kernel see that, from OpenZFS 0.8 on, as long as it is mounted.
 */
const contentProperties = ['written', 'referenced'];

interface Live {
  readonly dataset: string;
  readonly written: number;
  readonly mark: string;
}

const contentOf = (properties: Properties | undefined): Pick<Live, 'written' | 'mark'> => ({
  written: Number(properties?.get('written')?.value ?? 0),
  mark: contentProperties.map((name) => properties?.get(name)?.value ?? '').join(':'),
});

async function liveDatasets(
  zfs: Zfs,
  root: string,
  found: ReadonlyMap<string, Properties>,
): Promise<ReadonlyMap<string, Live>> {
  const datasets = new Map<string, Live>();
  const adopted = new Map<string, string>();
  for (const [dataset, properties] of found) {
    const volume = dataset.slice(root.length + 1);
    const native = ownValue(properties, property.adopted);
    if (ownValue(properties, property.volume) === volume) datasets.set(volume, { dataset, ...contentOf(properties) });
    else if (native !== undefined && !/^[._]/.test(volume) && ownValue(properties, property.releasing) === undefined)
      adopted.set(volume, native);
  }
  const natives = await zfs.get([...contentProperties, property.volume], [...adopted.values()]);
  for (const [volume, dataset] of adopted)
    if (natives.has(dataset)) datasets.set(volume, { dataset, ...contentOf(natives.get(dataset)) });
  return datasets;
}

async function namesByVolume(
  zfs: Zfs,
  root: string,
  datasets: ReadonlyMap<string, Live>,
  natives: readonly Live[],
): Promise<ReadonlyMap<string, string>> {
  const owners = new Map([...datasets].map(([volume, { dataset }]) => [dataset, volume]));
  const byVolume = new Map<string, string[]>();
  const note = (name: string) => {
    const dataset = name.slice(0, name.indexOf('@'));
    const home = /^\.([^/]+)\//.exec(dataset.slice(root.length + 1))?.[1];
    const volume = owners.get(dataset) ?? home;
    if (volume === undefined) return;
    const names = byVolume.get(volume);
    if (names) names.push(name);
    else byVolume.set(volume, [name]);
  };
  for (const name of await zfs.snapshotNames([root], 3)) note(name);
  for (const name of await zfs.snapshotNames(
    natives.map(({ dataset }) => dataset),
    1,
  ))
    note(name);
  return new Map([...byVolume].map(([volume, names]) => [volume, names.join('\n')]));
}

async function lookUp(
  zfs: Zfs,
  root: string,
  volumes: readonly (readonly [string, Live])[],
  names: ReadonlyMap<string, string>,
  known: NewestKnown,
): Promise<void> {
  const targets = volumes.flatMap(([volume, { dataset }]) => [dataset, volumeNames(root, volume).home]);
  const found = await zfs.get(snapWanted, targets, 'recursive');
  for (const [volume, { dataset }] of volumes) {
    const home = `${volumeNames(root, volume).home}/`;
    const family = new Set([...found.keys()].filter((name) => name === dataset || name.startsWith(home)));
    const snaps = snapsOf(found, volume, family);
    const snap = listed({ snaps }).at(-1);
    const last = snaps.findLast((one) => one.dataset === dataset);
    known.set(volume, { names: names.get(volume) ?? '', snap, isLast: last?.guid === snap?.guid });
  }
}
