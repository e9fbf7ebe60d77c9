/**
 * What each call does to the simulated pools, at once and whole. Names and numbers have been checked; whether pool,
 * dataset and room are there is found out here, at the moment of the effect.
 */
import { checkCompression } from '../spec.ts';
import { describe } from '../names.ts';
import type { Mount } from '../mounts.ts';
import { whyOwn, type OwnPlaces } from '../own-places.ts';
import type { Change, Dataset, DatasetInfo, DatasetSpec, PoolInfo, SnapInfo, VolumeCandidate } from '../port.ts';
import type { Owner, SimDataset, SimPool, SimSnapshot, SimTree } from './pools.ts';
import {
  bytesSince,
  datasetInfo,
  datasetPath,
  findSnapshot,
  foreignOf,
  poolInfo,
  markOf,
  sameFiles,
  sizeOf,
  snapInfos,
  snapshotPath,
  treeBytes,
} from './pools.ts';
import { checkNative, failure, refuseForeign, refuseForeignName, refuseHeld, writable } from './refusals.ts';

export interface SimSurroundings {
  readonly pools: Map<string, SimPool>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** A hexadecimal digit by chance. */
  readonly digit: () => string;
  /** Who uses what is at a path. */
  readonly usedBy: (path: string) => string | undefined;
  /** What is not to be adopted. */
  readonly ownPlaces: OwnPlaces;
}

/** Simulated pools are all on one disk, as far as paths are compared. */
const everything: Mount = {
  ...{ device: '0:1', root: '/', point: '/', type: 'sim', source: 'sim' },
  ...{ readOnly: false, isHarmless: true, compression: undefined },
};

export function simEffects({ pools, now, digit, usedBy, ownPlaces }: SimSurroundings) {
  return {
    pools: (): readonly PoolInfo[] => [...pools.values()].map(poolInfo),

    create(of: Dataset, spec: DatasetSpec): DatasetInfo {
      const pool = poolOf('create', of.pool);
      return provide('create', of, pool, spec, () => freshTree(pool, of, spec));
    },

    clone(from: Dataset, name: string, into: Dataset, spec: DatasetSpec): DatasetInfo {
      const pool = poolOf('clone', into.pool);
      return provide('clone', into, pool, spec, () => {
        const parent = existing('clone', from);
        const { files } = taken('clone', from, parent, name);
        const { family, owner, mode } = parent.tree;
        writable('clone', into, pool, pool.can.copyOnWrite ? 0 : sizeOf(files));
        return { ...freshTree(pool, into, spec), files: new Map(files), family, owner, mode };
      });
    },

    inspect(of: Dataset): DatasetInfo | undefined {
      const pool = poolOf('inspect', of.pool);
      const dataset = pool.datasets.get(of.name);
      return dataset && datasetInfo(pool, dataset);
    },

    mount(of: Dataset): DatasetInfo {
      const dataset = existing('mount', of);
      dataset.tree.isMounted = true;
      return datasetInfo(poolOf('mount', of.pool), dataset);
    },

    list: (name: string): readonly string[] => [...poolOf('list', name).datasets.keys()].toSorted(),

    changes(name: string): ReadonlyMap<string, Change> {
      const pool = poolOf('changes', name);
      if (!pool.can.changes) throw failure('UNSUPPORTED', 'changes', name, 'the pool does not tell what has changed');
      return new Map([...pool.datasets.values()].map((dataset) => [dataset.name, changeOf(dataset)]));
    },

    snapshot(of: Dataset, name: string): SnapInfo {
      const dataset = existing('snapshot', of);
      return (findSnapshot(dataset, name) ?? take('snapshot', of, dataset, name)).info;
    },

    snapshotTogether(of: readonly Dataset[], name: string): readonly SnapInfo[] {
      const [first] = of;
      if (!first) return [];
      const { can } = poolOf('snapshotTogether', first.pool);
      if (!can.together) throw failure('UNSUPPORTED', 'snapshotTogether', first.pool, 'the pool takes one at a time');
      const datasets = of.map((one) => [one, existing('snapshotTogether', one)] as const);
      const there = datasets.filter(([, dataset]) => findSnapshot(dataset, name));
      const [partly] = there;
      if (partly && there.length < datasets.length)
        throw failure('EXISTS', 'snapshotTogether', describe(partly[0]), `there is already a snapshot ${name}`);
      for (const [one, dataset] of datasets) refuseForeignName('snapshotTogether', one, here(one), dataset, name);
      writable('snapshotTogether', first, here(first), partly ? 0 : datasets.length * treeBytes);
      return datasets.map(
        ([one, dataset]) => (findSnapshot(dataset, name) ?? take('snapshotTogether', one, dataset, name)).info,
      );
    },

    snapshots: (of: Dataset): readonly SnapInfo[] => snapInfos(here(of), existing('snapshots', of)),

    foreignSnapshots: (of: Dataset): readonly SnapInfo[] =>
      foreignOf(here(of), existing('foreignSnapshots', of)).map(({ info }) => info),

    snapshotPath(of: Dataset, name: string): string {
      taken('snapshotPath', of, existing('snapshotPath', of), name);
      return snapshotPath(here(of), of.name, name);
    },

    writtenSince(of: Dataset, name: string): number | undefined {
      const dataset = existing('writtenSince', of);
      const { files } = taken('writtenSince', of, dataset, name);
      return here(of).can.changes && goesOnFrom(dataset, name) ? bytesSince(dataset.tree.files, files) : undefined;
    },

    removeSnapshots(of: Dataset, names: readonly string[]): void {
      const pool = poolOf('removeSnapshots', of.pool);
      const dataset = pool.datasets.get(of.name);
      if (!dataset || !names.some((name) => findSnapshot(dataset, name))) return;
      writable('removeSnapshots', of, pool, 0);
      refuseHeld('removeSnapshots', of, dataset, names);
      dataset.snapshots = dataset.snapshots.filter(({ info }) => !names.includes(info.name));
    },

    rollback(of: Dataset, to: string, stash: string): SnapInfo {
      const dataset = existing('rollback', of);
      const kept = findSnapshot(dataset, stash);
      if (kept) {
        if (dataset.lastRollback?.to === to && dataset.lastRollback.stash === stash) return kept.info;
        throw failure('EXISTS', 'rollback', describe(of), `there is already a snapshot ${stash}`);
      }
      const source = taken('rollback', of, dataset, to);
      refuseInUse('rollback', of, dataset);
      const pool = here(of);
      refuseForeignName('rollback', of, pool, dataset, stash);
      writable('rollback', of, pool, treeBytes + (pool.can.copyOnWrite ? 0 : sizeOf(source.files)));
      const { info } = keep(pool, dataset, stash);
      dataset.tree.files = new Map(source.files);
      dataset.lastRollback = { to, stash };
      return info;
    },

    adopt(native: string, of: Dataset): DatasetInfo {
      const pool = poolOf('adopt', of.pool);
      checkNative(of, pool.driver, native);
      const known = pool.datasets.get(of.name);
      if (known?.tree.native === native) return datasetInfo(pool, known);
      if (known) throw failure('EXISTS', 'adopt', describe(of), `it is another dataset, ${known.tree.path}`);
      const all = [...pool.datasets.values()];
      const owner = all.find(({ tree }) => tree.native === native || tree.path === native);
      if (owner) throw failure('EXISTS', 'adopt', describe(of), `${native} belongs to ${owner.name}`);
      const tree = pool.natives.get(native);
      if (!tree && isOther(pool, native)) throw failure('INVALID', 'adopt', describe(of), `${native} is not a dataset`);
      if (!tree) throw failure('MISSING', 'adopt', describe(of), `there is no ${native}`);
      const own = whyOwn(tree.path, ownPlaces(), [everything]);
      if (own !== undefined) throw failure('INVALID', 'adopt', describe(of), own);
      writable('adopt', of, pool, treeBytes);
      const dataset = { name: of.name, tree, sizeBytes: undefined, snapshots: [], lastRollback: undefined };
      pool.datasets.set(of.name, dataset);
      return datasetInfo(pool, dataset);
    },

    candidates(name: string): readonly VolumeCandidate[] {
      const pool = poolOf('candidates', name);
      const all = [...pool.datasets.values()];
      const natives = [...pool.natives].map(([native, tree]): VolumeCandidate => {
        const owner = all.find((dataset) => dataset.tree.native === native);
        const why = owner
          ? `${native} belongs to the volume ${owner.name}`
          : whyOwn(tree.path, ownPlaces(), [everything]);
        return { native, path: tree.path, usedBytes: treeBytes + sizeOf(tree.files), why };
      });
      const others = [...pool.others].map((native): VolumeCandidate => {
        const why = `${native} is not a dataset`;
        return { native, path: undefined, usedBytes: undefined, why };
      });
      return [...natives, ...others].toSorted((a, b) => (a.native < b.native ? -1 : 1));
    },

    release(of: Dataset): void {
      const pool = poolOf('release', of.pool);
      const dataset = pool.datasets.get(of.name);
      if (!dataset) return;
      if (dataset.tree.native === undefined)
        throw failure('INVALID', 'release', describe(of), 'FloatLab made it', 'Delete the volume instead.');
      writable('release', of, pool, 0);
      refuseHeld('release', of, dataset);
      pool.datasets.delete(of.name);
    },

    destroy(of: Dataset, { scrub }: { readonly scrub: boolean }): void {
      const pool = poolOf('destroy', of.pool);
      if (scrub && !pool.can.scrubbedDestroy)
        throw failure('UNSUPPORTED', 'destroy', describe(of), 'the pool cannot make it unreadable');
      const dataset = pool.datasets.get(of.name);
      if (!dataset) return;
      if (dataset.tree.native !== undefined)
        throw failure('INVALID', 'destroy', describe(of), 'FloatLab did not make it', 'Release it instead.');
      refuseInUse('destroy', of, dataset);
      refuseForeign('destroy', of, pool, dataset);
      refuseHeld('destroy', of, dataset);
      writable('destroy', of, pool, 0);
      pool.datasets.delete(of.name);
    },
  };

  function poolOf(op: string, name: string): SimPool {
    const pool = pools.get(name);
    if (!pool) throw failure('POOL_MISSING', op, name, 'this node has no such pool');
    if (pool.state === 'unavailable') throw failure('POOL_MISSING', op, name, 'the pool is not mounted');
    return pool;
  }
  function here(of: Dataset): SimPool {
    return poolOf('inspect', of.pool);
  }
  function existing(op: string, of: Dataset): SimDataset {
    const dataset = poolOf(op, of.pool).datasets.get(of.name);
    if (!dataset) throw failure('MISSING', op, describe(of), 'there is no such dataset');
    return dataset;
  }
  function taken(op: string, of: Dataset, dataset: SimDataset, name: string): SimSnapshot {
    const snapshot = findSnapshot(dataset, name);
    if (!snapshot) throw failure('MISSING', op, describe(of), `there is no snapshot ${name}`);
    return snapshot;
  }
  function refuseInUse(op: string, of: Dataset, { tree }: SimDataset): void {
    const user = usedBy(tree.path);
    if (user !== undefined)
      throw failure('BUSY', op, describe(of), `in use by ${user}`, 'Stop the app that uses it, then try again.');
  }

  /** Makes the dataset from a tree, or finds it there; and gives it what can still be changed. */
  function provide(op: string, of: Dataset, pool: SimPool, spec: DatasetSpec, make: () => SimTree): DatasetInfo {
    const known = pool.datasets.get(of.name);
    if (!known) {
      checkCompression(op, of, spec, pool.can.compression);
      const tree = make();
      writable(op, of, pool, treeBytes);
      pool.datasets.set(of.name, { name: of.name, tree, sizeBytes: undefined, snapshots: [], lastRollback: undefined });
    }
    const dataset = existing(op, of);
    const { tree } = dataset;
    const { sizeBytes, owner = tree.owner, mode = tree.mode } = spec;
    const isChanged = dataset.sizeBytes !== sizeBytes || tree.mode !== mode || !sameOwner(tree.owner, owner);
    if (isChanged) writable(op, of, pool, 0);
    dataset.sizeBytes = sizeBytes;
    Object.assign(tree, { owner: { uid: owner.uid, gid: owner.gid }, mode, isMounted: true });
    return datasetInfo(pool, dataset);
  }

  function freshTree(pool: SimPool, of: Dataset, { recordSizeBytes, compression }: DatasetSpec): SimTree {
    const { recordSize, compression: compressions } = pool.can;
    return {
      path: datasetPath(pool, of.name),
      native: undefined,
      family: digits(16),
      recordSizeBytes: recordSize ? (recordSizeBytes ?? defaultRecordBytes) : undefined,
      compression: compressions.length > 0 ? (compression ?? 'off') : undefined,
      files: new Map(),
      owner: { uid: 0, gid: 0 },
      mode: 0o755,
      isMounted: true,
    };
  }

  function take(op: string, of: Dataset, dataset: SimDataset, name: string): SimSnapshot {
    const pool = here(of);
    refuseForeignName(op, of, pool, dataset, name);
    writable(op, of, pool, treeBytes + (pool.can.copyOnWrite ? 0 : sizeOf(dataset.tree.files)));
    return keep(pool, dataset, name);
  }

  /** What it holds now, as a snapshot. The caller has looked whether it may. */
  function keep(pool: SimPool, dataset: SimDataset, name: string): SimSnapshot {
    const info = { name, guid: guid(pool), createdAt: now() };
    const snapshot = { info, files: new Map(dataset.tree.files), isHeld: false };
    dataset.snapshots.push(snapshot);
    return snapshot;
  }

  function guid({ driver }: SimPool): string {
    return driver === 'zfs' ? BigInt(`0x1${digits(15)}`).toString() : [8, 4, 4, 4, 12].map(digits).join('-');
  }
  function digits(count: number): string {
    return Array.from({ length: count }, digit).join('');
  }
}

const defaultRecordBytes = 131_072;

function changeOf({ tree, snapshots }: SimDataset): Change {
  const newest = snapshots.at(-1);
  const mark = markOf(tree.files);
  // Simulated bytes are on the disk as soon as they are written.
  if (!newest) return { since: undefined, changed: true, mark, delayMs: 0 };
  return { since: newest.info.guid, changed: !sameFiles(tree.files, newest.files), mark, delayMs: 0 };
}

/** Whether it was taken of the present, or the last roll-back went to it, or past it. */
function goesOnFrom({ snapshots, lastRollback }: SimDataset, name: string): boolean {
  if (!lastRollback) return true;
  const at = (wanted: string): number => snapshots.findIndex(({ info }) => info.name === wanted);
  return at(name) > at(lastRollback.stash) || at(name) <= at(lastRollback.to);
}

const sameOwner = (a: Owner, b: Owner): boolean => a.uid === b.uid && a.gid === b.gid;

/** Whether something that is no dataset is there. */
const isOther = ({ mountpoint, others }: SimPool, native: string): boolean =>
  others.has(native) || native === mountpoint || native.startsWith(`${mountpoint}/floatlab/`);
