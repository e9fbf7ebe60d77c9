/** One dataset during one call: its pool, the hands of both drivers, and what zfs says of it now. */
import { IoError } from '../../error.ts';
import type { RunCommand } from '../../run.ts';
import type { Dataset } from '../../volumes/port.ts';
import { zfsCommands } from '../../volumes/zfs/commands.ts';
import { property } from '../../volumes/zfs/layout.ts';
import { ownValue, type Properties } from '../../volumes/zfs/parse.ts';
import { readPoolId } from '../../volumes/zfs/pools.ts';
import type { Site, ZfsPool } from '../../volumes/zfs/site.ts';
import { snapsOf, type Snap } from '../../volumes/zfs/state.ts';
import type { Hands } from '../backend.ts';
import type { Marker } from '../marker.ts';
import { noMarker, parseMarker, writtenMarker } from '../marker.ts';
import { streamCommands, type StreamCommands } from './commands.ts';
import { holderSettings, peersProperty, replicaNames, type ReplicaNames } from './layout.ts';

export interface ZfsMeans {
  readonly pools: readonly ZfsPool[];
  readonly run: RunCommand;
}

export interface ReplicaSite extends Site {
  readonly name: string;
  readonly at: ReplicaNames;
  readonly streams: StreamCommands;
}

/** @throws IoError POOL_MISSING */
export async function replicaSite({ pools, run }: ZfsMeans, of: Dataset, hands: Hands): Promise<ReplicaSite> {
  const { op, target, within, step } = hands;
  const pool = poolOf(pools, of.pool, op);
  const zfs = zfsCommands(run, target, within);
  const poolId = await readPoolId(zfs, pool, op);
  const at = replicaNames(pool.root, of.name);
  return {
    ...{ op, target, within, step, pool, poolId, zfs, at },
    name: of.name,
    streams: streamCommands(run, target, within),
  };
}

export function poolOf(pools: readonly ZfsPool[], name: string, op: string): ZfsPool {
  const pool = pools.find((known) => known.name === name);
  if (pool) return pool;
  throw new IoError('POOL_MISSING', { op, target: name, message: `this node has no pool ${JSON.stringify(name)}` });
}

export async function readMarker({ zfs, at }: ReplicaSite): Promise<Marker> {
  const found = (await zfs.get([at.marker], [at.holder])).get(at.holder);
  const text = found && ownValue(found, at.marker);
  return text === undefined ? noMarker : parseMarker(text, `${at.marker} of ${at.holder}`);
}

export async function writeMarker(site: ReplicaSite, marker: Marker): Promise<void> {
  const { zfs, at } = site;
  const write = () => zfs.set(at.holder, { [at.marker]: writtenMarker(marker) });
  try {
    await write();
  } catch (error) {
    if (!(error instanceof IoError && error.code === 'MISSING')) throw error;
    await zfs.create(at.holder, holderSettings);
    await write();
  }
}

/** A dataset of a replica, whole or not. */
export interface Part {
  readonly dataset: string;
  readonly origin: string | undefined;
  /** It still has what a volume has: a demotion, or a promotion, is not finished. */
  readonly isVolume: boolean;
  readonly token: string | undefined;
  /** All that are in it, in the order of creation. */
  readonly snaps: readonly Snap[];
  readonly bookmarks: readonly Mark[];
  /** By the names of snapshots, who needs them; sorted. */
  readonly peers: ReadonlyMap<string, readonly string[]>;
}

export interface Mark {
  readonly name: string;
  readonly guid: string;
  readonly txg: number;
  readonly createdAt: number;
}

const shown = ['type', 'guid', 'createtxg', 'creation', 'used', 'userrefs', 'defer_destroy', 'origin'];
const wanted = [...shown, property.volume, peersProperty];

/** Of those that are there; with their snapshots and bookmarks. */
export async function readParts(site: ReplicaSite, datasets: readonly string[]): Promise<ReadonlyMap<string, Part>> {
  const { zfs, streams, name } = site;
  const tools = await streams.tools();
  const asked = tools.resume ? [...wanted, 'receive_resume_token'] : wanted;
  const found = await zfs.get(asked, datasets, 'recursive');
  const parts = new Map<string, Part>();
  for (const dataset of datasets) {
    const properties = found.get(dataset);
    if (!properties) continue;
    const value = (key: string): string | undefined => known(properties, key);
    const bookmarks = [...found].flatMap(([full, of]) => (full.startsWith(`${dataset}#`) ? markOf(full, of) : []));
    parts.set(dataset, {
      dataset,
      origin: value('origin'),
      isVolume: ownValue(properties, property.volume) !== undefined,
      token: value('receive_resume_token'),
      snaps: snapsOf(found, name, new Set([dataset])),
      bookmarks,
      peers: peersIn(found, dataset),
    });
  }
  return parts;
}

function peersIn(found: ReadonlyMap<string, Properties>, dataset: string): ReadonlyMap<string, readonly string[]> {
  const all = new Map<string, readonly string[]>();
  for (const [full, properties] of found) {
    const peers = full.startsWith(`${dataset}@`) ? (ownValue(properties, peersProperty) ?? '') : '';
    if (peers !== '') all.set(full.slice(dataset.length + 1), peers.split(',').toSorted());
  }
  return all;
}

const markOf = (full: string, properties: Properties): Mark => ({
  name: full.slice(full.indexOf('#') + 1),
  guid: known(properties, 'guid') ?? '',
  txg: Number(known(properties, 'createtxg')),
  createdAt: Number(known(properties, 'creation')) * 1000,
});

function known(properties: Properties, key: string): string | undefined {
  const value = properties.get(key)?.value;
  return value === undefined || value === '-' || value === '' ? undefined : value;
}
