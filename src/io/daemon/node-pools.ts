/**
 * The pools of a real node: those of its settings, and those that it was told of through the lab, which it remembers.
 * One VolumePort over all of them, and what one does to pools.
 *
 *     settings, pools.json ─▶ list ─▶ open: mounted, known again by its id ─▶ volumes
 *                               └──▶ admin: the drivers that make, watch and mend pools
 *
 * A pool of the settings that cannot be opened refuses the start: somebody is there to read why. One that was remembered
 * does not: the node comes up without it, says so, and opens it when its disks are back.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PoolOrigin } from '#events/pool.ts';
import { devicePath } from '#events/values/pool.ts';
import type { Call } from '../devices/call.ts';
import type { Clock } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import { btrfsPools } from '../devices/pools/btrfs/real.ts';
import { unmountMade } from '../devices/pools/btrfs/reopen.ts';
import { deviceInspector } from '../devices/pools/devices.ts';
import type { KnownPool, NodePools, OpenedPool } from '../devices/pools/node-pools.ts';
import type { ManagedPool, PoolAdmin } from '../devices/pools/port.ts';
import { readSmart } from '../devices/pools/read-smart.ts';
import { disksOf, type PoolReport } from '../devices/pools/report.ts';
import type { Smart } from '../devices/pools/smart.ts';
import { zfsPools } from '../devices/pools/zfs/real.ts';
import { run } from '../devices/run.ts';
import { batched } from '../devices/volumes/batched.ts';
import { volumesByPool } from '../devices/volumes/by-pool.ts';
import { deadline } from '../devices/volumes/deadline.ts';
import { keyedLock } from '../devices/volumes/lock.ts';
import type { VolumePort } from '../devices/volumes/port.ts';
import { isThere, removeFile } from '../stores/files.ts';
import { openPool, zpoolOf } from './open-pool.ts';
import type { PoolLog } from './pool.ts';
import { poolListAt, readPoolList, type ListedPool } from './pool-list.ts';
import { isOwnName, poolMemory } from './pool-setting.ts';

/** One that the settings name, or that every node has: open already. */
export interface GivenPool extends KnownPool {
  readonly volumes: VolumePort;
}

export interface NodePoolsOptions {
  /** Absolute, without symbolic links. */
  readonly dataDir: string;
  readonly given: readonly GivenPool[];
  readonly clock: Clock;
  readonly log: PoolLog;
  readonly signal: AbortSignal;
  /** All paths of the same disk: `/dev/sdb` may be another one after a boot. */
  readonly namesOf?: (path: string) => Promise<readonly string[]>;
}

const openMs = 60_000;

export async function openNodePools(
  options: NodePoolsOptions,
): Promise<{ readonly volumes: VolumePort; readonly pools: NodePools }> {
  const { dataDir, given, clock, log, signal, namesOf = deviceInspector(run).names } = options;
  const named = new Set(given.map(({ name }) => name));
  // Who names one at the start means that one.
  let listed = (await readPoolList(dataDir)).filter(({ name }) => !named.has(name));
  const open = new Map<string, VolumePort>(given.map(({ name, volumes }) => [name, volumes]));
  /** Is being made: known to the drivers, and to nobody else. */
  const making = new Map<string, ManagedPool>();
  const oneAtATime = keyedLock();
  const write = poolListAt(dataDir);

  const list = (): readonly KnownPool[] => [
    ...given,
    ...listed.map(({ name, driver, where, origin }): KnownPool => ({ name, driver, where, origin })),
  ];
  const find = (op: string, name: string): KnownPool => {
    const pool = list().find((known) => known.name === name);
    if (pool) return pool;
    const message = `this node manages no pool ${name}`;
    throw new IoError('POOL_MISSING', { op, target: name, message, hint: 'Adopt it first.' });
  };

  const managed = (): readonly ManagedPool[] => [
    ...list().flatMap((pool) => managedOf(pool)),
    ...[...making.values()].filter(
      (one) =>
        !list().some((pool) => managedOf(pool).some(({ name, driver }) => name === one.name && driver === one.driver)),
    ),
  ];
  const ofDriver = (driver: ManagedPool['driver']) => () => managed().filter((pool) => pool.driver === driver);
  const admins: Readonly<Record<ManagedPool['driver'], PoolAdmin>> = {
    btrfs: btrfsPools({ pools: ofDriver('btrfs'), clock }),
    zfs: zfsPools({ pools: ofDriver('zfs'), clock }),
  };
  /** Never by its name alone: a zpool may be called as a pool of btrfs is. @throws IoError UNSUPPORTED */
  const adminOf = (op: string, { name, driver }: KnownPool): PoolAdmin => {
    if (driver !== 'dir') return admins[driver];
    const message = `the pool ${name} is a plain folder: it has no devices`;
    const hint = 'Do it with what the folder lies on.';
    throw new IoError('UNSUPPORTED', { op, target: name, message, hint });
  };

  const volumes = batched(
    volumesByPool(() => [...open].map(([name, port]) => ({ pools: [name], port })), { clock }),
    clock,
  );

  async function ensureOpen(pool: KnownPool, call: Call): Promise<void> {
    if (open.has(pool.name)) return;
    const within = deadline(call, 'open the pool', pool.name, clock);
    await oneAtATime('list', within, async () => {
      if (open.has(pool.name)) return;
      // It may have been let go meanwhile.
      find('open the pool', pool.name);
      const known = listed.find(({ name }) => name === pool.name);
      open.set(pool.name, await openPool(known ?? pool, { dataDir, log }, { ...call, timeoutMs: within.timeoutMs }));
    });
  }

  async function keep(pool: ListedPool): Promise<void> {
    listed = [...listed.filter(({ name }) => name !== pool.name), pool];
    await write(listed);
  }

  /** A plain folder tells how full it is, and that it is there. */
  async function folderReport(name: string, call: Call): Promise<PoolReport> {
    const info = (await volumes.pools(call)).find((pool) => pool.name === name);
    if (!info || info.state === 'unavailable') {
      const message = `the pool ${name} is not there`;
      throw new IoError('POOL_MISSING', { op: 'report', target: name, message, hint: 'Mount its file system again.' });
    }
    return {
      ...{ name, driver: 'dir', state: 'online', remarks: {}, scans: [] },
      root: { name, role: 'data', state: 'online', members: [] },
      dataErrors: { count: undefined, files: [] },
      ...{ sizeBytes: info.sizeBytes, usedBytes: info.usedBytes },
    };
  }

  async function reportOf(pool: KnownPool, call: Call): Promise<PoolReport> {
    const report =
      pool.driver === 'dir'
        ? await folderReport(pool.name, call)
        : await adminOf('report', pool).report(adminName(pool), call);
    return { ...report, name: pool.name };
  }

  /** What lies elsewhere by now is looked for there at the next start. */
  async function changed(pool: KnownPool, asked: Promise<PoolReport>): Promise<PoolReport> {
    const report = await asked;
    const known = listed.find(({ name }) => name === pool.name);
    if (known?.devices) {
      const paths = disksOf(report).flatMap(({ name }) => (name.startsWith('/') ? [name] : []));
      const devices = await allNames(pool.driver === 'zfs' ? [...known.devices, ...paths] : paths);
      if (devices.length > 0 && devices.join() !== known.devices.join()) await keep({ ...known, devices });
    }
    return { ...report, name: pool.name };
  }

  /** As far as they can be remembered. */
  async function allNames(devices: readonly string[]): Promise<string[]> {
    const names = (await Promise.all(devices.map(namesOf))).flat();
    return [...new Set(names)].filter((name) => devicePath.safeParse(name).success);
  }

  /** Before anything is put on them: after a power cut they may be all that is left of the pool. */
  async function lookAlsoAt(pool: KnownPool, more: readonly string[]): Promise<void> {
    const known = listed.find(({ name }) => name === pool.name);
    if (known?.devices) await keep({ ...known, devices: await allNames([...known.devices, ...more]) });
  }

  async function withOpen(op: string, name: string, call: Call): Promise<KnownPool> {
    const pool = find(op, name);
    await ensureOpen(pool, call);
    return pool;
  }

  const pools: NodePools = {
    list,
    // The disks are the machine's, whatever is made of them.
    candidates: (call) => admins.btrfs.candidates(call),

    async report(name, call) {
      const within = deadline(call, 'report', name, clock);
      const pool = find('report', name);
      // However long a disk hangs: whoever asks has an answer in time.
      const asked = ensureOpen(pool, call).then(() => reportOf(pool, { ...call, timeoutMs: within.timeoutMs }));
      return within.race(asked);
    },

    async smart(report, call) {
      const said = new Map<string, Smart>();
      for (const { name } of disksOf(report)) {
        const path = name.startsWith('/') ? name : `/dev/${name}`;
        if (!(await isDisk(path))) continue;
        const smart = await readSmart(run, path, deadline(call, 'ask the disk', path, clock));
        if (smart) said.set(name, smart);
      }
      return said;
    },

    async create({ name, driver, layout, on, erase = false }, call) {
      refuseOwnName(name);
      refuseOther(list(), name, 'made');
      const known = listed.find((pool) => pool.name === name);
      // An earlier attempt has made it, and could not tell.
      if (known) {
        await ensureOpen(known, call);
        return { where: known.where, report: await reportOf(known, call) };
      }
      const where = driver === 'btrfs' ? join(dataDir, 'pool', name) : `${name}/floatlab`;
      const file = 'devices' in on ? undefined : 'file' in on ? on.file : join(dataDir, 'pool', `${name}.img`);
      const storage = 'devices' in on ? on : { file: file ?? '', sizeBytes: on.sizeBytes };
      const mountpoint = driver === 'btrfs' ? where : join(dataDir, 'pool', `${name}-top`);
      making.set(name, { name, driver, mountpoint });
      try {
        const report = await admins[driver].create({ name, layout, on: storage, erase }, call);
        const place = file === undefined ? { devices: await allNames('devices' in on ? on.devices : []) } : { file };
        await keep({ name, driver, where, origin: 'made', ...place });
        await ensureOpen(find('create', name), call);
        return { where, report: { ...report, name } } satisfies OpenedPool;
      } finally {
        making.delete(name);
      }
    },

    async adopt({ name, driver, where }, call) {
      refuseOwnName(name);
      refuseOther(list(), name, 'adopted');
      const opened = await openPool({ name, driver, where }, { dataDir, log }, { ...call, timeoutMs: openMs });
      await keep({ name, driver, where, origin: 'adopted' });
      open.set(name, opened);
      return { where, report: await reportOf(find('adopt', name), call) };
    },

    async release(name, call) {
      const within = deadline(call, 'release', name, clock);
      await oneAtATime('list', within, async () => {
        const known = listed.find((pool) => pool.name === name);
        if (known) {
          if (known.driver === 'btrfs' && known.origin === 'made') await unmountMade(known.where, call);
          open.delete(name);
          listed = listed.filter((pool) => pool.name !== name);
          await write(listed);
        }
        // Another pool may get its name and its place. Last, and also when an earlier attempt came only so far.
        const memory = poolMemory(dataDir, name);
        if (!named.has(name) && (await isThere(memory))) await removeFile(memory);
      });
    },

    grow: async (name, to, call) => {
      const pool = await withOpen('grow', name, call);
      return changed(pool, adminOf('grow', pool).grow(adminName(pool), to, call));
    },
    addDevices: async (name, more, call) => {
      const pool = await withOpen('add devices', name, call);
      const admin = adminOf('add devices', pool);
      await lookAlsoAt(pool, more.devices);
      return changed(pool, admin.addDevices(adminName(pool), more, call));
    },
    replace: async (name, what, call) => {
      const pool = await withOpen('replace', name, call);
      const admin = adminOf('replace', pool);
      await lookAlsoAt(pool, [what.by]);
      return changed(pool, admin.replace(adminName(pool), what, call));
    },
    scrub: async (name, action, call) => {
      const pool = await withOpen('scrub', name, call);
      return adminOf('scrub', pool).scrub(adminName(pool), action, call);
    },
  };

  for (const pool of listed) {
    const call = { signal, timeoutMs: openMs, progress: () => {} };
    await ensureOpen(find('open', pool.name), call).catch((error: unknown) => {
      log.warn(`pool ${pool.name} is not opened: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
  return { volumes, pools };
}

/** As its file system knows it: a zpool has a name of its own, and FloatLab a dataset in it. */
const adminName = ({ driver, name, where }: KnownPool): string => (driver === 'zfs' ? zpoolOf(where) : name);

function managedOf(pool: KnownPool): readonly ManagedPool[] {
  if (pool.driver === 'dir') return [];
  const mountpoint = pool.driver === 'btrfs' ? { mountpoint: pool.where } : {};
  return [{ name: adminName(pool), driver: pool.driver, ...mountpoint }];
}

/** Its files would be those of the pool that every node has. @throws IoError INVALID */
function refuseOwnName(name: string): void {
  if (!isOwnName(name)) return;
  const message = `${name} is not a name for a pool: the data directory keeps something else of that name`;
  throw new IoError('INVALID', { op: 'open the pool', target: name, message, hint: 'Choose another name.' });
}

/** @throws IoError EXISTS */
function refuseOther(pools: readonly KnownPool[], name: string, origin: PoolOrigin): void {
  const there = pools.find((pool) => pool.name === name);
  if (!there || there.origin === origin) return;
  const message = `this node has another pool ${name} already, at ${there.where}`;
  throw new IoError('EXISTS', { op: 'open the pool', target: name, message, hint: 'Choose another name.' });
}

/** Loop devices have nothing to say of themselves. */
const isDisk = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isBlockDevice() && !path.startsWith('/dev/loop'),
    () => false,
  );
