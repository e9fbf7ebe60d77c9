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
import { devicePath } from '#events/values/pool.ts';
import type { Call } from '../devices/call.ts';
import type { Clock } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import { btrfsPools } from '../devices/pools/btrfs/real.ts';
import { unmountMade } from '../devices/pools/btrfs/reopen.ts';
import { deviceInspector, type DeviceInspector } from '../devices/pools/devices.ts';
import type { KnownPool, NodePools, OpenedPool } from '../devices/pools/node-pools.ts';
import type { ManagedPool, PoolAdmin } from '../devices/pools/port.ts';
import { readSmart } from '../devices/pools/read-smart.ts';
import { disksOf, type PoolReport } from '../devices/pools/report.ts';
import type { Smart } from '../devices/pools/smart.ts';
import { zfsPools } from '../devices/pools/zfs/real.ts';
import { run as runCommand, type RunCommand } from '../devices/run.ts';
import { replicationOf } from '../devices/replication/attached.ts';
import { replicationByPool } from '../devices/replication/by-pool.ts';
import type { ReplicationPort } from '../devices/replication/port.ts';
import { batched } from '../devices/volumes/batched.ts';
import { volumesByPool } from '../devices/volumes/by-pool.ts';
import { deadline } from '../devices/volumes/deadline.ts';
import type { VolumePort } from '../devices/volumes/port.ts';
import { isThere, removeFile } from '../stores/files.ts';
import { adminName, managedOf, refuseOther, refuseOwnName } from './known-pools.ts';
import { openPool } from './open-pool.ts';
import type { PoolLog } from './pool.ts';
import { poolOpenings, type OpeningNews } from './pool-openings.ts';
import { ownPlaces, placeOf, refuseSecondName, type PoolPlace } from './pool-places.ts';
import { poolListAt, readPoolList, type ListedPool } from './pool-list.ts';
import { poolMemory } from './pool-setting.ts';

/** One that the settings name, or that every node has: open already. */
export interface GivenPool extends KnownPool {
  readonly volumes: VolumePort;
}

export interface NodePoolsOptions {
  /** Absolute, without symbolic links. */
  readonly dataDir: string;
  readonly given: readonly GivenPool[];
  /** Filled with where the pools are; for who has to know before they are all open. */
  readonly places?: Map<string, PoolPlace>;
  readonly clock: Clock;
  readonly log: PoolLog;
  readonly signal: AbortSignal;
  /** All paths of the same disk: `/dev/sdb` may be another one after a boot. */
  readonly namesOf?: (path: string) => Promise<readonly string[]>;
  /** What runs the tools of zfs. */
  readonly run?: RunCommand;
  /** Looks at devices before zfs takes them. */
  readonly inspector?: DeviceInspector;
  /** How long a pool of which some disks are there waits for the others, in milliseconds. */
  readonly patienceMs?: number;
  /** A pool that takes longer to open, in milliseconds, is opened in the background, and the node starts without it. */
  readonly startMs?: number;
}

const usualStartMs = 20_000;

export async function openNodePools(
  options: NodePoolsOptions,
): Promise<{ readonly volumes: VolumePort; readonly replication: ReplicationPort; readonly pools: NodePools }> {
  const { dataDir, given, clock, log, signal, patienceMs, startMs = usualStartMs } = options;
  const { run = runCommand, inspector, namesOf = deviceInspector(runCommand).names } = options;
  const named = new Set(given.map(({ name }) => name));
  // Who names one at the start means that one.
  let listed = (await readPoolList(dataDir)).filter(({ name }) => !named.has(name));
  /** Of those that are open, or were. */
  const { places = new Map<string, PoolPlace>() } = options;
  for (const pool of given) places.set(pool.name, await placeOf(pool));
  const context = { dataDir, log, run, ownPlaces: () => ownPlaces(dataDir, places.values()) };
  const openings = poolOpenings({ clock, log, signal, open: openListed });
  for (const { name, volumes } of given) openings.ports.set(name, volumes);
  /** Is being made: known to the drivers, and to nobody else. */
  const making = new Map<string, ManagedPool>();
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
    zfs: zfsPools({ pools: ofDriver('zfs'), clock, run, ...(inspector === undefined ? {} : { inspector }) }),
  };
  /** Never by its name alone: a zpool may be called as a pool of btrfs is. @throws IoError UNSUPPORTED */
  const adminOf = (op: string, { name, driver }: KnownPool): PoolAdmin => {
    if (driver !== 'dir') return admins[driver];
    const message = `the pool ${name} is a plain folder: it has no devices`;
    const hint = 'Do it with what the folder lies on.';
    throw new IoError('UNSUPPORTED', { op, target: name, message, hint });
  };

  const volumes = batched(
    volumesByPool(() => [...openings.ports].map(([name, port]) => ({ pools: [name], port })), { clock }),
    clock,
  );

  const replication = replicationByPool(() =>
    [...openings.ports].flatMap(([name, opened]) => {
      const port = replicationOf(opened);
      return port ? [{ pools: [name], port }] : [];
    }),
  );

  async function openListed(name: string, call: Call, news: OpeningNews): Promise<VolumePort> {
    // It may have been let go meanwhile.
    const known = find('open the pool', name);
    refuseSecondName(await placeOf(known), places.values());
    const pool = listed.find((one) => one.name === name) ?? known;
    const more = patienceMs === undefined ? news : { ...news, patienceMs };
    const port = await openPool(pool, { ...context, ...more }, call);
    await settle(known);
    return port;
  }

  /** Another one may have been opened at the same place meanwhile. @throws IoError EXISTS */
  async function settle(pool: Omit<KnownPool, 'origin'>): Promise<void> {
    const place = await placeOf(pool);
    refuseSecondName(place, places.values());
    places.set(pool.name, place);
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
    await openings.ensure(pool.name, call);
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
      const asked = openings.ensure(name, call).then(() => reportOf(pool, { ...call, timeoutMs: within.timeoutMs }));
      return within.race(asked);
    },

    async smart(report, call) {
      const said = new Map<string, Smart>();
      for (const { name } of disksOf(report)) {
        const path = name.startsWith('/') ? name : `/dev/${name}`;
        if (!(await isDisk(path))) continue;
        const smart = await readSmart(runCommand, path, deadline(call, 'ask the disk', path, clock));
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
        await openings.ensure(name, call);
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
        await openings.ensure(name, call);
        return { where, report: { ...report, name } } satisfies OpenedPool;
      } finally {
        making.delete(name);
      }
    },

    async adopt({ name, driver, where }, call) {
      refuseOwnName(name);
      refuseOther(list(), name, 'adopted');
      const pool = { name, driver, where };
      refuseSecondName(await placeOf(pool), places.values());
      const opened = await openPool(pool, context, call);
      await settle(pool);
      await keep({ ...pool, origin: 'adopted' });
      openings.ports.set(name, opened);
      return { where, report: await reportOf(find('adopt', name), call) };
    },

    async release(name, call) {
      const within = deadline(call, 'release', name, clock);
      await openings.alone(name, within, async () => {
        const known = listed.find((pool) => pool.name === name);
        if (known) {
          if (known.driver === 'btrfs' && known.origin === 'made') await unmountMade(known.where, call);
          openings.ports.delete(name);
          places.delete(name);
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
    clear: async (name, call) => {
      const pool = find('clear', name);
      // One that has stopped cannot be opened before it goes on.
      const report = await changed(pool, adminOf('clear', pool).clear(adminName(pool), call));
      await openings.ensure(name, call);
      return report;
    },
    scrub: async (name, action, call) => {
      const pool = await withOpen('scrub', name, call);
      return adminOf('scrub', pool).scrub(adminName(pool), action, call);
    },
  };

  await Promise.all(
    listed.map(({ name }) =>
      openings
        .ensure(name, { signal: AbortSignal.any([signal]), timeoutMs: startMs, progress: () => {} })
        .catch((error: unknown) => {
          log.warn(`pool ${name} is not opened: ${error instanceof Error ? error.message : String(error)}`);
        }),
    ),
  );
  return { volumes, replication, pools };
}

/** Loop devices have nothing to say of themselves. */
const isDisk = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isBlockDevice() && !path.startsWith('/dev/loop'),
    () => false,
  );
