/**
 * The pools of a simulated machine: the simulated disks below, and what volumes see of them above. Disks can be pulled
 * out, plugged in and spoiled; what that does to a pool is what its layout says, and its volumes feel it.
 */
import type { PoolDriver } from '#events/values/pool.ts';
import type { Call } from '../devices/call.ts';
import type { Clock } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import type { KnownPool, NodePools, OpenedPool } from '../devices/pools/node-pools.ts';
import type { ManagedPool } from '../devices/pools/port.ts';
import type { PoolReport } from '../devices/pools/report.ts';
import { simPools, type SimPools, type SimPoolsOptions } from '../devices/pools/sim.ts';
import type { SimDisk } from '../devices/pools/sim/disks.ts';
import type { Smart } from '../devices/pools/smart.ts';
import type { SimVolumes } from '../devices/volumes/sim.ts';
import type { SimPoolState } from '../devices/volumes/sim/pools.ts';

type PoolFault = NonNullable<SimPoolsOptions['fault']>;

export interface SimNodePools extends NodePools {
  readonly disks: SimPools['disks'];
  isIn(path: string): boolean;
  pullOut(path: string): void;
  /** Back as it was, or a new one. */
  plugIn(disk: SimDisk): void;
  corrupt(path: string): void;
  /** Asked before the effect of every call, from now on. */
  setFault(fault: PoolFault | undefined): void;
  /** What the disk says of itself from now on. */
  saySmart(path: string, smart: Smart): void;
}

export interface SimNodePoolsOptions {
  readonly clock: Clock;
  readonly volumes: SimVolumes;
  /** The pool that the machine has from the beginning, */
  readonly usual: { readonly name: string; readonly driver: PoolDriver; readonly where: string };
  /** as a mirror of these; of a plain folder: none. */
  readonly usualDisks: readonly string[];
  readonly disks: readonly SimDisk[];
  readonly scanMs?: number;
}

export function simNodePools(options: SimNodePoolsOptions): SimNodePools {
  const { clock, volumes, usual } = options;
  /** What the machine remembers, whoever runs on it. */
  const known = new Map<string, KnownPool>([[usual.name, { ...usual, origin: 'usual' }]]);
  /** Also one that is being made. */
  const managed = new Map<string, ManagedPool>();
  const gone = new Set<string>();
  /** Pools that were let go, by where they are: each knows how it is opened again. */
  const released = new Map<string, { readonly driver: PoolDriver; readonly name: string; open(): boolean }>();
  /** What volumes have been told last. */
  const felt = new Map<string, SimPoolState>();
  let fault: PoolFault | undefined;
  const smart = new Map<string, Smart>();
  if (usual.driver !== 'dir') managed.set(usual.name, { name: usual.name, driver: usual.driver });
  const sim = simPools({
    clock,
    pools: () => [...managed.values()],
    disks: options.disks,
    made: usual.driver === 'dir' ? [] : [{ name: usual.name, layout: 'mirror', devices: options.usualDisks }],
    ...(options.scanMs === undefined ? {} : { scanMs: options.scanMs }),
    fault: (op, name) => fault?.(op, name),
  });

  const find = (op: string, name: string): KnownPool => {
    const pool = known.get(name);
    if (pool) return pool;
    throw new IoError('POOL_MISSING', { op, target: name, message: `this node has no pool ${name}` });
  };

  /** Volumes feel what became of the disks; what a test did to the pool itself stays. */
  function settle(): void {
    for (const { name } of known.values()) {
      const now = volumes.poolNow(name);
      const report = sim.reportNow(name);
      if (!now || !report) continue;
      const state = report.state === 'online' || report.state === 'degraded' ? report.state : 'unavailable';
      const isNew = felt.get(name) !== state;
      felt.set(name, state);
      if (isNew && now.state !== state && now.state !== 'read-only') volumes.setPool(name, state);
    }
  }

  /** As the file system of the pool sees it, with what volumes have made of it. */
  function seen(name: string, report: PoolReport): PoolReport {
    const now = volumes.poolNow(name);
    if (!now) return report;
    if (now.state === 'unavailable' && ['online', 'degraded'].includes(report.state)) {
      const message = `the pool ${name} is not there`;
      throw new IoError('POOL_MISSING', { op: 'report', target: name, message, hint: 'Bring its disks back.' });
    }
    return {
      ...report,
      usedBytes: now.usedBytes,
      ...(report.sizeBytes === undefined ? { sizeBytes: now.sizeBytes } : {}),
      ...(now.state === 'read-only' ? { readOnly: true } : {}),
    };
  }

  const reportOf = (name: string, driver: PoolDriver): PoolReport =>
    sim.reportNow(name) ?? { ...folder(name), driver, sizeBytes: volumes.poolNow(name)?.sizeBytes ?? 0 };

  const folder = (name: string): PoolReport => ({
    name,
    driver: 'dir',
    state: 'online',
    remarks: {},
    scans: [],
    root: { name, role: 'data', state: 'online', members: [] },
    dataErrors: { count: undefined, files: [] },
  });

  function opened(
    name: string,
    driver: PoolDriver,
    where: string,
    origin: KnownPool['origin'],
    report: PoolReport,
  ): OpenedPool {
    known.set(name, { name, driver, where, origin });
    volumes.addPool({ name, driver, sizeBytes: report.sizeBytes ?? 0, mountpoint: where });
    return { where, report: seen(name, report) };
  }

  /** What it can hold may be another amount by now. */
  function resized(name: string, report: PoolReport): PoolReport {
    const pool = find('resize', name);
    volumes.addPool({ name, driver: pool.driver, sizeBytes: report.sizeBytes ?? 0, mountpoint: pool.where });
    settle();
    return seen(name, report);
  }

  return {
    disks: sim.disks,
    isIn: (path) => !gone.has(path),
    pullOut(path) {
      gone.add(path);
      sim.pullOut(path);
      settle();
    },
    plugIn(disk) {
      gone.delete(disk.path);
      sim.plugIn(disk);
      settle();
    },
    corrupt: (path) => sim.corrupt(path),
    setFault: (how) => void (fault = how),
    saySmart: (path, said) => void smart.set(path, said),

    list: () => [...known.values()],
    candidates: (call) => sim.candidates(call),

    async report(name, call) {
      const { driver } = find('report', name);
      const isOurs = sim.reportNow(name) !== undefined;
      const report = isOurs ? await sim.report(name, call) : { ...folder(name), driver };
      settle();
      return seen(name, report);
    },

    smart: (report) =>
      Promise.resolve(new Map([...smart].filter(([path]) => JSON.stringify(report.root).includes(`"${path}"`)))),

    async create({ name, driver, layout, on, erase = false }, call) {
      const there = known.get(name);
      if (there && there.origin !== 'made') throw taken(name);
      managed.set(name, { name, driver });
      const storage =
        'devices' in on ? on : { file: 'file' in on ? on.file : `/pools/${name}.img`, sizeBytes: on.sizeBytes };
      try {
        const report = await sim.create({ name, layout, on: storage, erase }, call);
        return opened(name, driver, `/pools/${name}`, 'made', report);
      } catch (error) {
        if (!there) managed.delete(name);
        throw error;
      }
    },

    async adopt({ name, driver, where }, call: Call) {
      call.signal.throwIfAborted();
      const there = known.get(name);
      if (there && there.where !== where) throw taken(name);
      if (there) return opened(name, driver, where, there.origin, reportOf(name, driver));
      const before = released.get(where);
      if (before) {
        // Its name is on its disks.
        if (before.name !== name || before.driver !== driver || !before.open()) throw missing(where);
        released.delete(where);
        return opened(name, driver, where, 'adopted', reportOf(name, driver));
      }
      const sizeBytes = 200 * 2 ** 30;
      return opened(name, driver, where, 'adopted', { ...folder(name), driver, sizeBytes });
    },

    async release(name, call) {
      call.signal.throwIfAborted();
      const pool = known.get(name);
      if (!pool) return;
      const { driver, where } = pool;
      known.delete(name);
      felt.delete(name);
      const wasManaged = managed.delete(name);
      const [takeDisks, openVolumes] = [sim.release(name), volumes.removePool(name)];
      released.set(where, {
        ...{ name, driver },
        open() {
          if (wasManaged && !takeDisks()) return false;
          if (wasManaged && driver !== 'dir') managed.set(name, { name, driver });
          openVolumes();
          return true;
        },
      });
    },

    grow: async (name, to, call) => resized(name, await sim.grow(name, to, call)),
    addDevices: async (name, more, call) => resized(name, await sim.addDevices(name, more, call)),
    replace: async (name, what, call) => resized(name, await sim.replace(name, what, call)),
    scrub: (name, action, call) => sim.scrub(name, action, call),
    clear: async (name, call) => resized(name, await sim.clear(name, call)),
  };
}

const missing = (where: string): IoError =>
  new IoError('POOL_MISSING', { op: 'open the pool', target: where, message: `there is no such pool at ${where}` });

const taken = (name: string): IoError =>
  new IoError('EXISTS', {
    op: 'open the pool',
    target: name,
    message: `there is another pool ${name} already`,
    hint: 'Choose another name.',
  });
