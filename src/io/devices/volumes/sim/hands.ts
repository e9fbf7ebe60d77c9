/** What a test, a checker and the simulated engine do to simulated pools beside the port: at once, and past all faults. */
import { describe } from '../names.ts';
import type { Dataset, PoolInfo, SnapInfo } from '../port.ts';
import type { Files, Owner, SimDataset, SimPool, SimPoolOptions, SimPoolState, SimTree } from './pools.ts';
import { bytesOf, findSnapshot, simPool, sizeOf, snapshotPath, treeBytes, usedBytes } from './pools.ts';
import type { SimSurroundings } from './effects.ts';
import { failure, writable } from './refusals.ts';

export interface SimHands {
  setPool(name: string, state: SimPoolState): void;
  /** As it is now; undefined of one that is not there. */
  poolNow(name: string): (Pick<PoolInfo, 'usedBytes' | 'sizeBytes'> & { readonly state: SimPoolState }) | undefined;
  /** Another pool from now on; one that is there gets this size. */
  addPool(pool: SimPoolOptions): void;
  /** It is let go with everything in it. @returns opens it again */
  removePool(name: string): () => void;
  /** Something else in the pool takes this many bytes from now on. */
  occupy(name: string, bytes: number): void;
  /** Nothing is at the paths of its datasets until they are mounted, as after a boot. */
  unmountAll(name: string): void;

  /** The files of a dataset now, by path; changes are writes of an app that no quota stops. A rollback replaces the map. */
  files(of: Dataset): Files;
  /** The same, by the path that a container has mounted; undefined when nothing is there. */
  filesAt(path: string): Files | undefined;
  ownerAt(path: string): (Owner & { readonly mode: number }) | undefined;
  snapshotFiles(of: Dataset, snapshot: string): ReadonlyMap<string, string>;
  /** The same, by the path that the port has told. */
  snapshotFilesAt(path: string): ReadonlyMap<string, string> | undefined;
  /** Writes one file as an app would. @throws IoError NO_SPACE, READ_ONLY, POOL_MISSING, MISSING */
  write(of: Dataset, file: string, text: string): void;
  writeAt(path: string, file: string, text: string): void;
  /** All datasets in all pools, whatever their state: for checkers. */
  contents(): readonly SimContent[];

  /** Somebody takes a dataset away with its snapshots. @returns puts it back */
  takeAway(of: Dataset): () => void;
  /** Somebody changes its quota. */
  setQuota(of: Dataset, sizeBytes: number): void;
  /** Makes something that can be adopted, as a person would. @returns what `adopt` is given, and where its files are */
  addNative(pool: string, name: string): { readonly native: string; readonly path: string };
  /** Makes something that cannot be adopted. @returns what `adopt` is given */
  addOther(pool: string, name: string): string;
  /** Takes a snapshot with another tool. @returns it as `foreignSnapshots` shows it */
  snapshotByOther(of: Dataset, name: string): SnapInfo;
  /** Snapshots of other tools in the pool, also of datasets that are gone. */
  snapshotsByOthers(pool: string): readonly SnapInfo[];
  removeByOther(pool: string, guid: string): void;
  /** Another tool holds a snapshot, or lets it go. */
  hold(of: Dataset, snapshot: string, isHeld: boolean): void;
}

export interface SimContent {
  readonly of: Dataset;
  /** As it was asked for, whether the pool can hold it to that or not. */
  readonly sizeBytes: number | undefined;
  readonly files: ReadonlyMap<string, string>;
  readonly snapshots: readonly (SnapInfo & { readonly files: ReadonlyMap<string, string> })[];
}

export function simHands({ pools, now, digit }: Omit<SimSurroundings, 'usedBy' | 'ownPlaces'>): SimHands {
  const digits = () => Array.from({ length: 16 }, digit).join('');

  const poolOf = (name: string): SimPool => {
    const pool = pools.get(name);
    if (!pool) throw failure('POOL_MISSING', 'look', name, 'this node has no such pool');
    return pool;
  };
  const datasetOf = (of: Dataset): SimDataset => {
    const dataset = poolOf(of.pool).datasets.get(of.name);
    if (!dataset) throw failure('MISSING', 'look', describe(of), 'there is no such dataset');
    return dataset;
  };
  /** Of what is mounted. */
  const at = (path: string): { pool: SimPool; tree: SimTree; dataset: SimDataset | undefined } | undefined => {
    for (const pool of pools.values()) {
      if (pool.state === 'unavailable') continue;
      for (const dataset of pool.datasets.values())
        if (dataset.tree.path === path)
          return dataset.tree.isMounted ? { pool, tree: dataset.tree, dataset } : undefined;
      for (const tree of pool.natives.values()) if (tree.path === path) return { pool, tree, dataset: undefined };
    }
    return undefined;
  };
  const writeAt = (path: string, file: string, text: string): void => {
    const found = at(path);
    if (!found) throw failure('MISSING', 'write', path, 'nothing is mounted there');
    const { pool, tree, dataset } = found;
    const of = { pool: pool.name, name: dataset?.name ?? path };
    const bytes = bytesOf(text);
    const takenBytes = treeBytes + sizeOf(tree.files) - bytesOf(tree.files.get(file) ?? '') + bytes;
    if (pool.can.quota && dataset?.sizeBytes !== undefined && takenBytes > dataset.sizeBytes)
      throw failure('NO_SPACE', 'write', describe(of), `${file} does not fit into the quota`);
    writable('write', of, pool, bytes);
    tree.files.set(file, text);
  };
  const held = (of: Dataset, name: string) => {
    const found = findSnapshot(datasetOf(of), name);
    if (!found) throw failure('MISSING', 'look', describe(of), `there is no snapshot ${name}`);
    return found;
  };

  return {
    setPool: (name, state) => void (poolOf(name).state = state),
    poolNow(name) {
      const pool = pools.get(name);
      return pool && { state: pool.state, sizeBytes: pool.sizeBytes, usedBytes: usedBytes(pool) };
    },
    addPool(options) {
      const there = pools.get(options.name);
      if (there) there.sizeBytes = options.sizeBytes;
      else pools.set(options.name, simPool(options));
    },
    removePool(name) {
      const pool = pools.get(name);
      pools.delete(name);
      return () => void (pool && pools.set(name, pool));
    },
    occupy: (name, bytes) => void (poolOf(name).occupiedBytes = bytes),
    unmountAll(name) {
      for (const { tree } of poolOf(name).datasets.values()) tree.isMounted = false;
    },

    files: (of) => datasetOf(of).tree.files,
    filesAt: (path) => at(path)?.tree.files,
    ownerAt(path) {
      const tree = at(path)?.tree;
      return tree && { ...tree.owner, mode: tree.mode };
    },
    snapshotFiles: (of, snapshot) => held(of, snapshot).files,
    snapshotFilesAt(path) {
      for (const pool of pools.values()) {
        if (pool.state === 'unavailable') continue;
        for (const { name, snapshots } of pool.datasets.values()) {
          const found = snapshots.find(({ info }) => snapshotPath(pool, name, info.name) === path);
          if (found) return found.files;
        }
      }
      return undefined;
    },
    write(of, file, text) {
      if (poolOf(of.pool).state === 'unavailable')
        throw failure('POOL_MISSING', 'write', of.pool, 'the pool is not mounted');
      writeAt(datasetOf(of).tree.path, file, text);
    },
    writeAt,
    contents: () =>
      [...pools.values()].flatMap((pool) =>
        [...pool.datasets.values()].map(({ name, tree, sizeBytes, snapshots }) => ({
          of: { pool: pool.name, name },
          sizeBytes,
          files: tree.files,
          snapshots: snapshots.map(({ info, files }) => ({ ...info, files })),
        })),
      ),

    takeAway(of) {
      const { datasets } = poolOf(of.pool);
      const dataset = datasetOf(of);
      datasets.delete(of.name);
      return () => void datasets.set(of.name, dataset);
    },
    setQuota: (of, sizeBytes) => void (datasetOf(of).sizeBytes = sizeBytes),
    addNative(name, what) {
      const pool = poolOf(name);
      const path = `${pool.mountpoint}/${what}`;
      const native = pool.driver === 'zfs' ? `${name}/${what}` : path;
      const { recordSize } = pool.can;
      pool.natives.set(native, {
        ...{ path, native, family: digits(), files: new Map(), owner: { uid: 0, gid: 0 }, mode: 0o755 },
        ...{ recordSizeBytes: recordSize ? 131_072 : undefined, compression: undefined, isMounted: true },
      });
      return { native, path };
    },
    addOther(name, what) {
      const pool = poolOf(name);
      const other = pool.driver === 'zfs' ? `${name}/${what}` : `${pool.mountpoint}/${what}`;
      pool.others.add(other);
      return other;
    },
    snapshotByOther(of, what) {
      const pool = poolOf(of.pool);
      const { tree } = datasetOf(of);
      // Where it lies in the pool is its name, unless the file system knows names of snapshots.
      const name = pool.driver === 'zfs' ? what : `${pool.mountpoint}/.others/${what}`;
      const info = { name, guid: digits(), createdAt: now() };
      pool.foreign.push({ info, files: new Map(tree.files), tree });
      return info;
    },
    snapshotsByOthers: (name) => poolOf(name).foreign.map(({ info }) => info),
    removeByOther(name, guid) {
      const pool = poolOf(name);
      pool.foreign = pool.foreign.filter(({ info }) => info.guid !== guid);
    },
    hold: (of, snapshot, isHeld) => void (held(of, snapshot).isHeld = isHeld),
  };
}
