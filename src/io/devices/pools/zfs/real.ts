/** Pools of zfs: OpenZFS of all versions, and zfs-fuse as far as it goes. */
import { dirname } from 'node:path';
import { formatSize } from '#events/values/size.ts';
import { minFilePoolBytes } from '#actors/pool/layouts.ts';
import type { Call } from '../../call.ts';
import type { Clock } from '../../clock/port.ts';
import { realClock } from '../../clock/real.ts';
import { IoError, asIoError } from '../../error.ts';
import type { RunCommand } from '../../run.ts';
import { run as runCommand } from '../../run.ts';
import type { Deadline } from '../../volumes/deadline.ts';
import { deadline } from '../../volumes/deadline.ts';
import { poolCalls, type PoolCall } from '../calls.ts';
import type { DeviceInspector } from '../devices.ts';
import { claimDevices, deviceInspector } from '../devices.ts';
import { checkDevices, checkPath, invalid } from '../names.ts';
import type { Layout, ManagedPool, PoolAdmin, PoolSpec } from '../port.ts';
import type { PoolDevice, PoolReport } from '../report.ts';
import { deviceAt, devicesOf, disksOf, groupLayoutOf as layoutOf } from '../report.ts';
import { waitUntil } from '../wait.ts';
import { type Known, type Zpool, zpoolFor } from './commands.ts';
import { zpoolError } from './errors.ts';

export interface ZfsPoolsOptions {
  /** Those of zfs that FloatLab has been told to manage. Asked at every call. */
  readonly pools: () => readonly ManagedPool[];
  readonly run?: RunCommand;
  readonly inspector?: DeviceInspector;
  readonly clock?: Clock;
}

const minFileBytes = minFilePoolBytes.zfs;
/** Left to the host's disk in any case. */
const headroomBytes = 512 * 2 ** 20;
/** 4 KiB: disks that say 512 are rarely honest, and it cannot be changed later. */
const sectors = ['-o', 'ashift=12'];

export function zfsPools(options: ZfsPoolsOptions): PoolAdmin {
  const { run = runCommand, clock = realClock } = options;
  const inspector = options.inspector ?? deviceInspector(run);
  const known: Known = {};
  /** Where to look for what was exported to be imported anew, until it is: a command may fail or be cut off between. */
  const exported = new Map<string, readonly string[]>();

  interface Work extends PoolCall {
    readonly zpool: Zpool;
  }
  const calls = poolCalls({ pools: options.pools, clock, problem: asIoError });
  const work = <T>(
    op: string,
    name: string,
    call: Call,
    lock: 'change' | 'scrub' | undefined,
    body: (work: Work) => Promise<T>,
  ): Promise<T> => calls(op, name, call, lock, (it) => body({ ...it, zpool: zpoolFor(run, name, it.within, known) }));

  return {
    candidates: async (call) => inspector.candidates(deadline(call, 'list the disks', 'this machine', clock)),

    report: (name, call) => work('report', name, call, undefined, ({ zpool }) => zpool.report()),

    create: (spec, call) =>
      work('create the pool', spec.name, call, 'change', async ({ pool, zpool, within }) => {
        const paths = 'file' in spec.on ? [spec.on.file] : spec.on.devices;
        const group = groupOf('create the pool', spec.layout);
        checkDevices('create the pool', paths, spec.layout);
        if (pool.mountpoint !== undefined) checkPath('create the pool', pool.mountpoint);
        const there = await zpool.report().catch(unlessMissing);
        if (there) {
          const same = sameAs(there, spec, await Promise.all(paths.map((path) => memberAt(there, path))));
          if ('file' in spec.on) await zpool.tool('rm', '-f', '--', noteOf(spec.on.file));
          return same;
        }
        const taken = await storage(zpool, spec, within);
        const mountpoint = pool.mountpoint === undefined ? [] : ['-m', pool.mountpoint];
        const more = known.dialect === 'old' ? [] : [...sectors, '-O', 'compression=lz4'];
        const force = spec.erase ? ['-f'] : [];
        await zpool.must('create', ...force, ...more, '-O', 'atime=off', ...mountpoint, spec.name, ...group, ...taken);
        if ('file' in spec.on) await zpool.tool('rm', '-f', '--', noteOf(spec.on.file));
        return zpool.report();
      }),

    grow: (name, { sizeBytes }, call) =>
      work('grow', name, call, 'change', async ({ zpool }) => {
        const report = await zpool.report();
        const disks = disksOf(report).filter(({ role, state }) => role === 'data' && state === 'online');
        if (sizeBytes !== undefined) await refuseSize(zpool, name, disks, sizeBytes);
        for (const disk of disks) await zpool.must('online', '-e', name, disk.name);
        return zpool.report();
      }),

    addDevices: (name, { devices, layout, erase = false }, call) =>
      work('add devices', name, call, 'change', async ({ zpool, within }) => {
        const report = await zpool.report();
        checkDevices('add devices', devices, 'single');
        const fresh: string[] = [];
        for (const path of devices) if ((await memberAt(report, path)) === undefined) fresh.push(path);
        if (fresh.length === 0) return report;
        const wanted = layout ?? layoutOf(report);
        refuseMixture(report, wanted);
        checkDevices('add devices', fresh, wanted);
        const taken = await claimDevices(inspector, 'add devices', fresh, erase, within);
        await zpool.must('add', ...(erase ? ['-f'] : []), name, ...groupOf('add devices', wanted), ...taken);
        return zpool.report();
      }),

    replace: (name, { old, by, erase = false }, call) =>
      work('replace', name, call, 'change', async (it) => {
        const { zpool, within } = it;
        checkPath('replace', by);
        const before = await zpool.report();
        const leaving = await memberAt(before, old);
        const arrived = await memberAt(before, by);
        if (!leaving && arrived) return before;
        if (!leaving) throw notThere(name, old);
        const names = (await inspector.names(by)).map(shortOf);
        const isSpare = disksOf(before).some(
          ({ role, name: spare }) => role === 'spare' && names.includes(shortOf(spare)),
        );
        if (!arrived) {
          const [target = by] = isSpare ? [by] : await claimDevices(inspector, 'replace', [by], erase, within);
          await zpool.must('replace', ...(erase ? ['-f'] : []), name, leaving.name, target);
        }
        return filled(it, leaving, by);
      }),

    scrub: (name, action, call) =>
      work('scrub', name, call, 'scrub', async ({ zpool }) => {
        const { scans } = await zpool.report();
        const scrub = scans.find(({ kind, state }) => kind === 'scrub' && (state === 'running' || state === 'paused'));
        const wants = {
          start: scrub?.state !== 'running',
          pause: scrub?.state === 'running',
          cancel: scrub !== undefined,
        };
        if (!wants[action]) return;
        const option = { start: [], pause: ['-p'], cancel: ['-s'] }[action];
        const ran = await zpool.ask('scrub', ...option, name);
        // It may have begun or ended since we looked.
        const isSo = action === 'start' ? /currently scrubbing/ : /no active scrub/;
        if (ran.exitCode !== 0 && !isSo.test(ran.stderr)) throw zpoolError('zpool scrub', name, ran);
      }),

    clear: (name, call) =>
      work('clear', name, call, 'change', async ({ zpool }) => {
        // Of one that takes no writes nothing can be cleared.
        const readOnly = await zpool.ask('get', '-H', '-o', 'value', 'readonly', name);
        if (readOnly.exitCode === 0 && readOnly.stdout.trim() === 'on') {
          const places = placesOf(disksOf(await zpool.report()));
          exported.set(name, places);
          await zpool.must('export', name);
        }
        // What was imported read-only is so until it is imported again.
        const places = exported.get(name);
        if (places && !(await isImported(zpool, name))) await zpool.must('import', ...places, name);
        exported.delete(name);
        await zpool.must('clear', name);
        return zpool.report();
      }),
  };

  /** Whatever the disk is called now; one that is gone goes by its number. */
  async function memberAt(report: PoolReport, path: string): Promise<PoolDevice | undefined> {
    const names = path.startsWith('/') ? await inspector.names(path) : [path];
    return names.map((name) => deviceAt(report, name)).find((device) => device !== undefined);
  }

  /** The devices, or the file, made here. @throws IoError BUSY, HELD, INVALID, NO_SPACE */
  async function storage(zpool: Zpool, spec: PoolSpec, within: Deadline): Promise<readonly string[]> {
    if (!('file' in spec.on))
      return claimDevices(inspector, 'create the pool', spec.on.devices, spec.erase ?? false, within);
    const { file, sizeBytes } = spec.on;
    if (spec.layout !== 'single')
      throw invalid('create the pool', spec.layout, 'needs disks', 'In one file it is single.');
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < minFileBytes)
      throw invalid('create the pool', String(sizeBytes), 'is too small', `Give at least ${formatSize(minFileBytes)}.`);
    if (spec.erase !== true) await refuseForeign(zpool, file);
    await refuseFull(zpool, file, sizeBytes);
    await zpool.tool('fallocate', '-l', String(sizeBytes), file);
    return [file];
  }

  /** Waits until the new device holds everything. */
  async function filled({ zpool, within, call, pool }: Work, leaving: PoolDevice, by: string): Promise<PoolReport> {
    return waitUntil(clock, within, async () => {
      const report = await zpool.report();
      const running = report.scans.find(({ kind, state }) => kind === 'resilver' && state === 'running');
      if (running) {
        const done = Math.round((running.progress?.done ?? 0) * 1000);
        call.progress({ text: `filling ${by}`, done, total: 1000 });
        return undefined;
      }
      const arrived = await memberAt(report, by);
      if (!arrived) {
        throw new IoError('FAILED', {
          op: 'replace',
          target: pool.name,
          message: `the exchange for ${by} in the pool ${pool.name} was given up`,
          hint: 'Look at the report of the pool, then ask for it again.',
        });
      }
      const group = [...devicesOf(report.root)].find(
        ({ name, members }) => /^(?:replacing|spare)-\d+$/.test(name) && members.includes(arrived),
      );
      if (!group) return report;
      // A spare stands in until somebody says that the old one does not come back.
      if (!group.name.startsWith('spare') || arrived.state !== 'online') return undefined;
      await zpool.must('detach', pool.name, leaving.name);
      return undefined;
    });
  }
}

const shortOf = (path: string): string => (path.startsWith('/dev/') ? path.slice(path.lastIndexOf('/') + 1) : path);

function unlessMissing(error: unknown): undefined {
  if (error instanceof IoError && error.code === 'POOL_MISSING' && /no such pool/.test(error.message)) return undefined;
  throw error;
}

/** Beside the file of a pool while it is being made: says that the file is ours, and nothing is in it yet. */
const noteOf = (file: string): string => `${file}.making`;

/**
 * zfs makes a pool of whatever file it is given. One that is there is somebody's, unless an attempt that was cut off
 * has made it. @throws IoError HELD
 */
async function refuseForeign(zpool: Zpool, file: string): Promise<void> {
  const note = noteOf(file);
  if (await zpool.has(note)) return;
  if (await zpool.has(file)) {
    throw new IoError('HELD', {
      op: 'create the pool',
      target: file,
      message: `there is a file ${file} already`,
      hint: 'Choose another path; or, when nobody needs what it holds, say that it may be erased.',
    });
  }
  await zpool.tool('touch', '--', note);
  await zpool.tool('sync', '--', note, dirname(note));
}

/** The disk of the host keeps some room of its own. What an earlier attempt has reserved counts. @throws IoError NO_SPACE */
async function refuseFull(zpool: Zpool, file: string, sizeBytes: number): Promise<void> {
  const folder = dirname(file);
  const [blocks = 0, blockBytes = 0] = numbersIn(await zpool.tool('stat', '-f', '-c', '%a %S', '--', folder));
  const reserved = (await zpool.has(file)) ? numbersIn(await zpool.tool('stat', '-c', '%b %B', '--', file)) : [];
  const [hasBlocks = 0, eachBytes = 0] = reserved;
  const freeBytes = blocks * blockBytes;
  if (sizeBytes - hasBlocks * eachBytes + headroomBytes <= freeBytes) return;
  throw new IoError('NO_SPACE', {
    op: 'create the pool',
    target: file,
    message: `${folder} has ${formatSize(freeBytes)} free: a pool of ${formatSize(sizeBytes)} does not fit with ${formatSize(headroomBytes)} to spare`,
    hint: 'Free some space there, or choose a smaller size.',
  });
}

const numbersIn = (text: string): readonly number[] => text.trim().split(/\s+/).map(Number);

/** @throws IoError EXISTS when the pool is another one than was asked for */
function sameAs(there: PoolReport, spec: PoolSpec, members: readonly (PoolDevice | undefined)[]): PoolReport {
  const data = disksOf(there).filter(({ role }) => role === 'data');
  const isSame = data.length === members.length && data.every((disk) => members.includes(disk));
  if (isSame && layoutOf(there) === spec.layout) return there;
  throw new IoError('EXISTS', {
    op: 'create the pool',
    target: spec.name,
    message: `there is a pool ${spec.name} already, made of ${data.map(({ name }) => name).join(', ')}`,
    hint: 'Choose another name, or ask for this pool as it is.',
  });
}

/** The word of zpool for a layout; disks without one stand side by side. @throws IoError UNSUPPORTED */
function groupOf(op: string, layout: Layout): readonly string[] {
  switch (layout) {
    case 'single':
      return [];
    case 'mirror':
    case 'raidz1':
    case 'raidz2':
    case 'raidz3':
      return [layout];
    case 'raid1c3':
    case 'raid1c4':
    case 'raid10':
      throw new IoError('UNSUPPORTED', {
        op,
        target: layout,
        message: `zfs has no ${layout}`,
        hint: 'A mirror of zfs has as many copies as it has disks; two mirrors stand side by side.',
      });
  }
}

/** A pool is as safe as the least safe of its groups, and a group cannot be taken out again. @throws IoError INVALID */
function refuseMixture(report: PoolReport, wanted: Layout): void {
  const is = layoutOf(report);
  if (is === wanted) return;
  const hint = `Add devices as ${is}, or make another pool.`;
  throw invalid('add devices', wanted, `does not go with ${is}, of which the pool ${report.name} is made`, hint);
}

/**
 * What a file gains is not used while its pool is imported: measured on zfs-fuse and on OpenZFS 2.1.
 * @throws IoError INVALID, UNSUPPORTED; nothing when the file has that size
 */
async function refuseSize(zpool: Zpool, pool: string, disks: readonly PoolDevice[], sizeBytes: number): Promise<void> {
  const [file, ...others] = disks;
  const refuse = (what: string, hint: string) => invalid('grow', formatSize(sizeBytes), what, hint);
  if (!Number.isSafeInteger(sizeBytes)) throw refuse('is no size', 'Give a whole number of bytes.');
  if (!file?.name.startsWith('/') || file.name.startsWith('/dev/') || others.length > 0)
    throw refuse(`is not for ${pool}: it lies on disks`, 'Grow it without a size, or add disks.');
  const size = Number(await zpool.tool('stat', '-c', '%s', file.name));
  if (sizeBytes < size) throw refuse(`is less than the ${formatSize(size)} that ${pool} has`, 'A pool only grows.');
  if (sizeBytes === size) return;
  throw new IoError('UNSUPPORTED', {
    op: 'grow',
    target: pool,
    message: `zfs does not use what the file of the pool ${pool} gains while it is imported`,
    hint: 'Export the pool, make its file larger, import it.',
  });
}

const isImported = async (zpool: Zpool, pool: string): Promise<boolean> =>
  (await zpool.ask('list', '-H', '-o', 'name', pool)).exitCode === 0;

/** Disks that go by a short name lie where zpool looks by itself; with a folder it looks nowhere else. */
function placesOf(disks: readonly PoolDevice[]): readonly string[] {
  const folders = new Set(disks.flatMap(({ name }) => (name.startsWith('/') ? [dirname(name)] : [])));
  return folders.size === 0 ? [] : [...folders, '/dev'].flatMap((folder) => ['-d', folder]);
}

const notThere = (pool: string, old: string) =>
  new IoError('MISSING', {
    op: 'replace',
    target: pool,
    message: `the pool ${pool} has no device ${old}`,
    hint: 'Name it as the report of the pool does; one that is gone goes by its number.',
  });
