/**
 * What is in simulated pools. Everything is a value in memory:
 *
 *     pool ─┬─ datasets: what FloatLab has, each with its snapshots
 *           │     └─ tree: files, owner, mode … at a path
 *           ├─ natives:  trees that FloatLab did not make; one that was adopted is the tree of a dataset as well
 *           └─ foreign:  snapshots of other tools, each of some tree
 */
import type { Compression, DatasetInfo, DatasetSpec, PoolAbilities, PoolInfo, SnapInfo } from '../port.ts';

export type SimDriver = PoolInfo['driver'];
export type SimPoolState = 'online' | 'degraded' | 'read-only' | 'unavailable';
export type Files = Map<string, string>;
export type Owner = NonNullable<DatasetSpec['owner']>;

export interface SimTree {
  readonly path: string;
  /** Its own name on the file system, of one that FloatLab did not make. */
  readonly native: string | undefined;
  /** Trees that began as clones of one another, and share what they have in common. */
  readonly family: string;
  readonly recordSizeBytes: number | undefined;
  readonly compression: Compression | undefined;
  files: Files;
  owner: Owner;
  mode: number;
  /** Whether there is something at its path. */
  isMounted: boolean;
}

export interface SimSnapshot {
  readonly info: SnapInfo;
  readonly files: ReadonlyMap<string, string>;
  /** Another tool keeps it from being removed. */
  isHeld: boolean;
  /** Peers that need it for replication. */
  peers?: ReadonlySet<string>;
}

export interface SimForeign {
  readonly info: SnapInfo;
  readonly files: ReadonlyMap<string, string>;
  readonly tree: SimTree;
}

export interface SimDataset {
  readonly name: string;
  readonly tree: SimTree;
  /** As it was asked for, whether the pool can hold it to that or not; undefined of one that was adopted and has none. */
  sizeBytes: number | undefined;
  snapshots: SimSnapshot[];
  lastRollback: { readonly to: string; readonly stash: string } | undefined;
}

export interface SimPool {
  readonly name: string;
  readonly driver: SimDriver;
  readonly can: PoolAbilities;
  sizeBytes: number;
  readonly mountpoint: string;
  readonly datasets: Map<string, SimDataset>;
  /** Datasets that only replication knows; their tree is mounted nowhere, and is what the newest snapshot holds. */
  readonly replicas: Map<string, SimDataset>;
  readonly natives: Map<string, SimTree>;
  /** Names of what is there and can not be adopted: a plain folder, a block device of zfs. */
  readonly others: Set<string>;
  foreign: SimForeign[];
  state: SimPoolState;
  occupiedBytes: number;
}

export interface SimPoolOptions {
  readonly name: string;
  readonly sizeBytes: number;
  /** Default: btrfs. */
  readonly driver?: SimDriver;
  /** Default: `/sim/<name>`. */
  readonly mountpoint?: string;
}

/** As the drivers find it on machines of today: btrfs on an SSD, zfs on disks that cannot be trimmed, ext4. */
const abilities: Readonly<Record<SimDriver, PoolAbilities>> = {
  btrfs: {
    quota: true,
    changes: true,
    recordSize: false,
    compression: ['off', 'zstd', 'gzip'],
    copyOnWrite: true,
    together: false,
    scrubbedDestroy: true,
  },
  zfs: {
    quota: true,
    changes: true,
    recordSize: true,
    compression: ['off', 'lz4', 'zstd', 'gzip'],
    copyOnWrite: true,
    together: true,
    scrubbedDestroy: false,
  },
  dir: {
    quota: false,
    changes: false,
    recordSize: false,
    compression: [],
    copyOnWrite: false,
    together: false,
    scrubbedDestroy: true,
  },
};

/** What a tree or a snapshot takes without any file in it. */
export const treeBytes = 16_384;

export function simPool(options: SimPoolOptions): SimPool {
  const { name, sizeBytes, driver = 'btrfs', mountpoint = `/sim/${name}` } = options;
  return {
    ...{ name, driver, sizeBytes, mountpoint, can: abilities[driver] },
    ...{ datasets: new Map(), replicas: new Map(), natives: new Map(), others: new Set(), foreign: [] },
    ...{ state: 'online', occupiedBytes: 0 },
  };
}

/** Where a new dataset goes. */
export const datasetPath = ({ driver, mountpoint }: SimPool, name: string): string =>
  driver === 'zfs' ? `${mountpoint}/${name}` : `${mountpoint}/floatlab/volumes/${name}/live`;

export const snapshotPath = ({ driver, mountpoint }: SimPool, dataset: string, name: string): string =>
  driver === 'zfs'
    ? `${mountpoint}/.snapshots/${dataset}/${name}`
    : `${mountpoint}/floatlab/volumes/${dataset}/snapshots/${name}`;

export const findSnapshot = (dataset: SimDataset, name: string): SimSnapshot | undefined =>
  dataset.snapshots.find(({ info }) => info.name === name);

export const foreignOf = (pool: SimPool, { tree }: SimDataset): readonly SimForeign[] =>
  pool.foreign.filter((one) => one.tree === tree);

export const poolInfo = (pool: SimPool): PoolInfo => ({
  name: pool.name,
  driver: pool.driver,
  sizeBytes: pool.sizeBytes,
  usedBytes: usedBytes(pool),
  state: pool.state === 'read-only' ? 'degraded' : pool.state,
  can: pool.can,
});

export function datasetInfo(pool: SimPool, { tree, sizeBytes }: SimDataset): DatasetInfo {
  const { path, native, recordSizeBytes, compression } = tree;
  return {
    path,
    usedBytes: treeBytes + sizeOf(tree.files),
    sizeBytes: pool.can.quota ? sizeBytes : undefined,
    ...(recordSizeBytes === undefined ? {} : { recordSizeBytes }),
    ...(compression === undefined ? {} : { compression }),
    ...(native === undefined ? {} : { adopted: native }),
  };
}

/** Its snapshots; where they share, each with what nothing else holds: neither its dataset, nor another one, nor a clone. */
export function snapInfos(pool: SimPool, { tree: { family }, snapshots }: SimDataset): readonly SnapInfo[] {
  if (!pool.can.copyOnWrite) return snapshots.map(({ info }) => info);
  const shares = sharesOf(holders(pool));
  return snapshots.map(({ info, files }) => {
    let exclusiveBytes = treeBytes;
    for (const [file, text] of files)
      if (shares.get(blockOf(family, file))?.get(text) === 1) exclusiveBytes += bytesOf(text);
    return { ...info, exclusiveBytes };
  });
}

/** Equal files of a family share their bytes where the pool copies on write. */
export function usedBytes(pool: SimPool): number {
  const all = holders(pool);
  let bytes = pool.occupiedBytes + all.length * treeBytes;
  if (pool.can.copyOnWrite) {
    for (const texts of sharesOf(all).values()) for (const text of texts.keys()) bytes += bytesOf(text);
  } else {
    for (const { files } of all) bytes += sizeOf(files);
  }
  return Math.min(bytes, pool.sizeBytes);
}

export const bytesOf = (text: string): number => Buffer.byteLength(text);

export function sizeOf(files: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const text of files.values()) bytes += bytesOf(text);
  return bytes;
}

/** Of what is there and was not there like this. */
export function bytesSince(files: ReadonlyMap<string, string>, before: ReadonlyMap<string, string>): number {
  let bytes = 0;
  for (const [file, text] of files) if (before.get(file) !== text) bytes += bytesOf(text);
  return bytes;
}

/** Another one for another content; short. */
export function markOf(files: ReadonlyMap<string, string>): string {
  let hash = 0xcbf29ce484222325n;
  for (const text of [...files].flat()) {
    for (let n = 0; n < text.length; n++)
      hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(n))) * 0x100000001b3n);
    hash = BigInt.asUintN(64, (hash ^ 0xffffn) * 0x100000001b3n);
  }
  return hash.toString(16);
}

export const sameFiles = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean =>
  a.size === b.size && [...a].every(([file, text]) => b.get(file) === text);

interface Holder {
  readonly family: string;
  readonly files: ReadonlyMap<string, string>;
}

/** By family and file, and by text, how many have it. */
function sharesOf(holding: readonly Holder[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const shares = new Map<string, Map<string, number>>();
  for (const { family, files } of holding) {
    for (const [file, text] of files) {
      const block = blockOf(family, file);
      const texts = shares.get(block) ?? new Map<string, number>();
      shares.set(block, texts.set(text, (texts.get(text) ?? 0) + 1));
    }
  }
  return shares;
}

const blockOf = (family: string, file: string): string => `${family}/${file}`;

/** Everything that takes room. */
function holders(pool: SimPool): readonly Holder[] {
  const datasets = [...pool.datasets.values(), ...pool.replicas.values()];
  const trees = new Set([...datasets.map(({ tree }) => tree), ...pool.natives.values()]);
  return [
    ...trees,
    ...datasets.flatMap(({ tree: { family }, snapshots }) => snapshots.map(({ files }) => ({ family, files }))),
    ...pool.foreign.map(({ tree: { family }, files }) => ({ family, files })),
  ];
}
