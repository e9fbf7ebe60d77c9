/**
 * The simulated twin of a node's pools: the same port, and a hand for the test to write files, fill a pool, pull it
 * out, and make calls fail. Everything is in memory, takes its time from the given clock and its chance from the given
 * seed. The pools outlive a daemon that crashes: its successor gets the same object.
 *
 * An effect is atomic and happens in the middle of the latency of its call. A call that is cut off before that moment
 * may still take effect, now or after it was rejected, as commands that a kernel has begun do.
 */
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { sleep } from '../clock/port.ts';
import { IoError } from '../error.ts';
import type { IoErrorCode } from '../error.ts';
import type { Random } from '../random/port.ts';
import { deadline } from './deadline.ts';
import { keyedLock } from './lock.ts';
import { checkDatasetName, checkSize, checkSnapshotName, describe } from './names.ts';
import type { Dataset, DatasetInfo, PoolInfo, SnapInfo, VolumePort } from './port.ts';

export type VolumeOp = keyof VolumePort;
export type SimPoolState = 'online' | 'degraded' | 'read-only' | 'unavailable';
export type Files = Map<string, string>;

/** Asked before and after the effect of every call; `target` is `pool/dataset`, or the pool for `list`, or `pools`. */
export type VolumeFault = (op: VolumeOp, target: string, when: 'before' | 'after') => IoError | undefined;

export interface SimVolumesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly pools: readonly { readonly name: string; readonly sizeBytes: number; readonly mountpoint?: string }[];
  /** Milliseconds a call takes; by default 2 to 12. */
  readonly latencyMs?: (op: VolumeOp) => number;
  readonly fault?: VolumeFault;
  /** The probability that a call that was cut off takes effect nevertheless. Default 0. */
  readonly effectAfterCutOff?: number;
}

export interface SimVolumes extends VolumePort {
  /** May be replaced at any time. */
  fault: VolumeFault | undefined;
  /** Who uses a dataset, by its path; a rollback, a destroy of what is in use answers BUSY. For the simulated engine. */
  usedBy: ((path: string) => string | undefined) | undefined;
  setPool(name: string, state: SimPoolState): void;
  /** Something else in the pool takes this many bytes from now on. */
  occupy(name: string, bytes: number): void;
  /** The files of a dataset now, by path; changes are writes of an app that no quota stops. A rollback replaces the map. */
  files(of: Dataset): Files;
  /** The same, by the path that a container has mounted; undefined when no dataset is there. */
  filesAt(path: string): Files | undefined;
  snapshotFiles(of: Dataset, snapshot: string): ReadonlyMap<string, string>;
  /** All that is in all pools, whatever their state: for checkers. */
  contents(): readonly SimContent[];
  /** Writes one file as an app would. @throws IoError NO_SPACE, READ_ONLY, POOL_MISSING */
  write(of: Dataset, file: string, text: string): void;
}

export interface SimContent {
  readonly of: Dataset;
  readonly sizeBytes: number;
  readonly files: ReadonlyMap<string, string>;
  readonly snapshots: readonly (SnapInfo & { readonly files: ReadonlyMap<string, string> })[];
}

interface SimSnapshot {
  readonly info: SnapInfo;
  readonly files: ReadonlyMap<string, string>;
}
interface SimDataset {
  readonly path: string;
  sizeBytes: number;
  live: Files;
  snapshots: SimSnapshot[];
  lastRollback: { readonly to: string; readonly stash: string } | undefined;
}
interface SimPool {
  readonly name: string;
  readonly sizeBytes: number;
  readonly mountpoint: string;
  readonly datasets: Map<string, SimDataset>;
  state: SimPoolState;
  occupiedBytes: number;
}

/** What a dataset or a snapshot takes without any file in it. */
const treeBytes = 16_384;

export function simVolumes(options: SimVolumesOptions): SimVolumes {
  const { clock, random } = options;
  const latencyMs = options.latencyMs ?? (() => 2 + random.next() * 10);
  const oneAtATime = keyedLock();
  const pools = new Map<string, SimPool>(
    options.pools.map(({ name, sizeBytes, mountpoint = `/sim/${name}` }) => [
      name,
      { name, sizeBytes, mountpoint, datasets: new Map(), state: 'online', occupiedBytes: 0 },
    ]),
  );

  async function perform<T>(op: VolumeOp, target: string, call: Call, effect: () => T): Promise<T> {
    const within = deadline(call, op, target, clock);
    const pause = async (ms: number) => {
      await sleep(clock, Math.min(ms, within.timeoutMs), call.signal);
      within.check();
    };
    const failIfAsked = (when: 'before' | 'after') => {
      const problem = sim.fault?.(op, target, when);
      if (problem) throw problem;
    };
    return oneAtATime(target, within, async () => {
      failIfAsked('before');
      const halfMs = latencyMs(op) / 2;
      try {
        await pause(halfMs);
      } catch (cutOff) {
        if (random.next() < (options.effectAfterCutOff ?? 0)) {
          clock.setTimeout(() => attempt(effect), random.next() < 0.5 ? 0 : latencyMs(op));
        }
        throw cutOff;
      }
      const result = effect();
      await pause(halfMs);
      failIfAsked('after');
      return result;
    });
  }

  const on = <T>(op: VolumeOp, of: Dataset, call: Call, effect: (pool: SimPool) => T): Promise<T> => {
    checkDatasetName(op, of);
    return perform(op, describe(of), call, () => effect(poolOf(op, of.pool)));
  };

  const sim: SimVolumes = {
    fault: options.fault,
    usedBy: undefined,

    pools: async (call) => perform('pools', 'pools', call, () => [...pools.values()].map(poolInfo)),

    create: async (of, sizeBytes, call) => {
      checkSize('create', of, sizeBytes);
      return on('create', of, call, (pool) => {
        const known = pool.datasets.get(of.name);
        if (known?.sizeBytes === sizeBytes) return datasetInfo(known);
        writable('create', of, pool, known ? 0 : treeBytes);
        const dataset = known ?? {
          path: `${pool.mountpoint}/floatlab/volumes/${of.name}/live`,
          sizeBytes,
          live: new Map(),
          snapshots: [],
          lastRollback: undefined,
        };
        dataset.sizeBytes = sizeBytes;
        pool.datasets.set(of.name, dataset);
        return datasetInfo(dataset);
      });
    },

    inspect: async (of, call) =>
      on('inspect', of, call, (pool) => {
        const dataset = pool.datasets.get(of.name);
        return dataset && datasetInfo(dataset);
      }),

    list: async (name, call) => perform('list', name, call, () => [...poolOf('list', name).datasets.keys()].toSorted()),

    snapshot: async (of, name, call) => {
      checkSnapshotName('snapshot', name);
      return on('snapshot', of, call, (pool) => {
        const dataset = existing('snapshot', of);
        return (find(dataset, name) ?? take('snapshot', of, pool, dataset, name)).info;
      });
    },

    snapshots: async (of, call) =>
      on('snapshots', of, call, () => existing('snapshots', of).snapshots.map(({ info }) => info)),

    removeSnapshot: async (of, name, call) => {
      checkSnapshotName('removeSnapshot', name);
      return on('removeSnapshot', of, call, (pool) => {
        const dataset = pool.datasets.get(of.name);
        if (!dataset || !find(dataset, name)) return;
        writable('removeSnapshot', of, pool, 0);
        dataset.snapshots = dataset.snapshots.filter(({ info }) => info.name !== name);
      });
    },

    rollback: async (of, to, stash, call) => {
      checkSnapshotName('rollback', to);
      checkSnapshotName('rollback', stash);
      const target = describe(of);
      if (to === stash) throw failure('INVALID', 'rollback', target, `cannot keep the present as ${to}`);
      return on('rollback', of, call, (pool) => {
        const dataset = existing('rollback', of);
        const kept = find(dataset, stash);
        if (kept) {
          if (dataset.lastRollback?.to === to && dataset.lastRollback.stash === stash) return kept.info;
          throw failure('EXISTS', 'rollback', target, `there is already a snapshot ${stash}`);
        }
        const source = find(dataset, to);
        if (!source) throw failure('MISSING', 'rollback', target, `there is no snapshot ${to}`);
        refuseInUse('rollback', of, dataset);
        const { info } = take('rollback', of, pool, dataset, stash);
        dataset.live = new Map(source.files);
        dataset.lastRollback = { to, stash };
        return info;
      });
    },

    destroy: async (of, call) =>
      on('destroy', of, call, (pool) => {
        const dataset = pool.datasets.get(of.name);
        if (!dataset) return;
        refuseInUse('destroy', of, dataset);
        writable('destroy', of, pool, 0);
        pool.datasets.delete(of.name);
      }),

    setPool: (name, state) => void (known(name).state = state),
    occupy: (name, bytes) => void (known(name).occupiedBytes = bytes),
    files: (of) => existing('inspect', of).live,
    filesAt: (path) => {
      for (const pool of pools.values()) {
        if (pool.state === 'unavailable') continue;
        for (const dataset of pool.datasets.values()) if (dataset.path === path) return dataset.live;
      }
      return undefined;
    },
    snapshotFiles: (of, snapshot) => {
      const found = find(existing('inspect', of), snapshot);
      if (!found) throw failure('MISSING', 'inspect', describe(of), `there is no snapshot ${snapshot}`);
      return found.files;
    },
    contents: () =>
      [...pools.values()].flatMap((pool) =>
        [...pool.datasets].map(([name, { sizeBytes, live, snapshots }]) => ({
          of: { pool: pool.name, name },
          sizeBytes,
          files: live,
          snapshots: snapshots.map(({ info, files }) => ({ ...info, files })),
        })),
      ),
    write: (of, file, text) => {
      const pool = poolOf('create', of.pool);
      const dataset = existing('create', of);
      const bytes = sizeOf(text);
      const freedBytes = sizeOf(dataset.live.get(file) ?? '');
      if (liveBytes(dataset) - freedBytes + bytes > dataset.sizeBytes)
        throw failure('NO_SPACE', 'create', describe(of), `${file} does not fit into the quota`);
      writable('create', of, pool, bytes);
      dataset.live.set(file, text);
    },
  };
  return sim;

  function known(name: string): SimPool {
    const pool = pools.get(name);
    if (!pool) throw failure('POOL_MISSING', 'pools', name, 'this node has no such pool');
    return pool;
  }
  function poolOf(op: VolumeOp, name: string): SimPool {
    const pool = known(name);
    if (pool.state === 'unavailable') throw failure('POOL_MISSING', op, name, 'the pool is not mounted');
    return pool;
  }
  function existing(op: VolumeOp, of: Dataset): SimDataset {
    const dataset = known(of.pool).datasets.get(of.name);
    if (!dataset) throw failure('MISSING', op, describe(of), 'there is no such dataset');
    return dataset;
  }
  function refuseInUse(op: VolumeOp, of: Dataset, dataset: SimDataset): void {
    const user = sim.usedBy?.(dataset.path);
    if (user !== undefined) throw failure('BUSY', op, describe(of), `in use by ${user}`);
  }
  function take(op: VolumeOp, of: Dataset, pool: SimPool, dataset: SimDataset, name: string): SimSnapshot {
    writable(op, of, pool, treeBytes);
    const info = { name, guid: guid(), createdAt: clock.now() };
    const snapshot = { info, files: new Map(dataset.live) };
    dataset.snapshots.push(snapshot);
    return snapshot;
  }
  function guid(): string {
    const digits = (count: number) =>
      Array.from({ length: count }, () => Math.floor(random.next() * 16).toString(16)).join('');
    return [8, 4, 4, 4, 12].map(digits).join('-');
  }
}

const find = (dataset: SimDataset, name: string): SimSnapshot | undefined =>
  dataset.snapshots.find(({ info }) => info.name === name);

const datasetInfo = (dataset: SimDataset): DatasetInfo => ({
  path: dataset.path,
  usedBytes: liveBytes(dataset),
  sizeBytes: dataset.sizeBytes,
});

const poolInfo = (pool: SimPool): PoolInfo => ({
  name: pool.name,
  driver: 'btrfs',
  sizeBytes: pool.sizeBytes,
  usedBytes: usedBytes(pool),
  state: pool.state === 'read-only' ? 'degraded' : pool.state,
});

const sizeOf = (text: string): number => Buffer.byteLength(text);

function liveBytes(dataset: SimDataset): number {
  let bytes = treeBytes;
  for (const text of dataset.live.values()) bytes += sizeOf(text);
  return bytes;
}

/** Equal files of a dataset and its snapshots share their bytes, as copy-on-write has it. */
function usedBytes(pool: SimPool): number {
  let bytes = pool.occupiedBytes;
  for (const dataset of pool.datasets.values()) {
    const blocks = new Map<string, number>();
    for (const files of [dataset.live, ...dataset.snapshots.map((snapshot) => snapshot.files)]) {
      bytes += treeBytes;
      for (const [file, text] of files) blocks.set(`${file}\0${text}`, sizeOf(text));
    }
    for (const block of blocks.values()) bytes += block;
  }
  return Math.min(bytes, pool.sizeBytes);
}

/** @throws IoError when nothing, or nothing as large, can be written */
function writable(op: VolumeOp, of: Dataset, pool: SimPool, bytes: number): void {
  if (pool.state === 'read-only') throw failure('READ_ONLY', op, describe(of), 'the pool is read-only');
  if (bytes > 0 && usedBytes(pool) + bytes > pool.sizeBytes)
    throw failure('NO_SPACE', op, describe(of), 'no space left in the pool');
}

const failure = (code: IoErrorCode, op: string, target: string, what: string): IoError =>
  new IoError(code, { op, target, message: `${op} of ${target} failed: ${what}` });

/** The effect of a call that nobody waits for any more: its failure has no one to be told to. */
function attempt(effect: () => unknown): void {
  try {
    effect();
  } catch (error) {
    if (!(error instanceof IoError)) throw error;
  }
}
