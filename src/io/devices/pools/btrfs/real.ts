/**
 * Pools of btrfs. What btrfs lacks is made up for here:
 *
 *     a scrub that is paused        btrfs knows only stopped ones, all of which can go on: a note in the pool tells which
 *     an exchange of disks          leaves behind a pool as small as before, and copies that were made while a disk was
 *                                   missing: both are put right when it is done
 *     whether a scrub has begun     for a moment after its start btrfs says that there never was one
 */
import { realpath, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatSize } from '#events/values/size.ts';
import type { Call } from '../../call.ts';
import type { Clock } from '../../clock/port.ts';
import { realClock } from '../../clock/real.ts';
import { IoError } from '../../error.ts';
import type { RunCommand } from '../../run.ts';
import { run as runCommand } from '../../run.ts';
import { stepError } from '../../volumes/btrfs/errors.ts';
import { fileExists, makeImage, mountImage } from '../../volumes/btrfs/image.ts';
import { deadline } from '../../volumes/deadline.ts';
import { poolIdOf } from '../../volumes/identity.ts';
import { poolCalls, type PoolCall } from '../calls.ts';
import type { DeviceInspector } from '../devices.ts';
import { claimDevices, deviceInspector } from '../devices.ts';
import { launch as launchCommand } from '../launch.ts';
import { checkDevices, checkPath, invalid } from '../names.ts';
import type { Layout, ManagedPool, PoolAdmin, PoolSpec } from '../port.ts';
import type { PoolDevice, PoolReport } from '../report.ts';
import { deviceAt, disksOf } from '../report.ts';
import { waitUntil } from '../wait.ts';
import { type Commands, commandsFor } from './commands.ts';
import type { Making } from './make.ts';
import { formatDevices, labelOf, metadataProfile, mountDevices, preparePool, profileOf, samePaths } from './make.ts';
import { parseFilesystemShow, parseProfileList, parseReplaceStatus, parseScrubStatus } from './parse.ts';
import { fileBelow, findPlace, openPlace } from './place.ts';
import { bestProfile, btrfsReport } from './report.ts';

export interface BtrfsPoolsOptions {
  /** Those of btrfs that FloatLab has been told to manage, each with its mount point. Asked at every call. */
  readonly pools: () => readonly ManagedPool[];
  readonly run?: RunCommand;
  readonly launch?: RunCommand;
  readonly inspector?: DeviceInspector;
  readonly clock?: Clock;
  /** Told after each step; for tests that crash there. */
  readonly step?: (step: string) => void | Promise<void>;
}

/** Left to the host's disk when a file grows. */
const headroomBytes = 512 * 2 ** 20;
/** How long an exchange may take to show that it has begun. */
const beginMs = 10_000;

export function btrfsPools(options: BtrfsPoolsOptions): PoolAdmin {
  const { run = runCommand, launch = launchCommand, clock = realClock, step = () => undefined } = options;
  const inspector = options.inspector ?? deviceInspector(run);

  type Work = Making & PoolCall;
  const calls = poolCalls({ pools: options.pools, clock, problem: stepError });
  const work = <T>(
    op: string,
    name: string,
    call: Call,
    lock: 'change' | 'scrub' | undefined,
    body: (work: Work) => Promise<T>,
  ): Promise<T> =>
    calls(op, name, call, lock, (it) =>
      body({ ...it, commands: commandsFor({ run, launch }, name, it.within), inspector, step }),
    );

  const reportOf = async ({ pool, commands }: Work): Promise<PoolReport> => {
    const { path, mount } = await openPlace(pool, 'report');
    const ask = async (...args: readonly string[]) => commands.must('btrfs', ...args);
    const [show, usage, devices] = await Promise.all([
      ask('filesystem', 'show', '--raw', path),
      ask('filesystem', 'usage', '-b', path),
      ask('device', 'usage', '-b', path),
    ]);
    const [stats, scrub, replace] = await Promise.all([
      // Older tools know no format; any other failure fails again.
      ask('--format', 'json', 'device', 'stats', path).catch(() => ask('device', 'stats', path)),
      ask('scrub', 'status', '--raw', path),
      ask('replace', 'status', '-1', path),
    ]);
    const isPaused = await fileExists(pauseNote(path));
    return btrfsReport(pool.name, {
      ...{ show, usage, devices, stats, scrub, replace, isPaused },
      isReadOnly: mount.readOnly,
    });
  };

  async function create(it: Work, spec: PoolSpec): Promise<PoolReport> {
    const { pool, commands } = it;
    const mountpoint = pool.mountpoint ?? '';
    checkPath('create the pool', mountpoint);
    profileOf('create the pool', spec.layout);
    const there = await findPlace(pool);
    const isMounted = there !== undefined && there.mount.point === there.path;
    if ('file' in spec.on) {
      const { file, sizeBytes } = spec.on;
      checkPath('create the pool', file);
      if (spec.layout !== 'single')
        throw invalid('create the pool', spec.layout, 'needs disks', 'In one file it is single.');
      const tools = { run, signal: it.within.signal, step };
      if (!isMounted) await makeImage(tools, file, sizeBytes);
      await mountImage(tools, file, mountpoint);
    } else {
      const { devices } = spec.on;
      if (isMounted) await refuseAnother(it, spec.layout, devices);
      else {
        await formatDevices(it, spec, devices);
        await mountDevices(it, mountpoint, devices);
      }
      if (await isFromBefore(it, spec.layout)) {
        await commands.must('umount', mountpoint);
        if (spec.erase !== true) throw holdsPool(spec.name, devices);
        await formatDevices(it, spec, devices, true);
        await mountDevices(it, mountpoint, devices);
      }
    }
    await preparePool({ ...it, commands }, pool);
    return reportOf(it);
  }

  /**
   * Whether an earlier pool of this name was found on the devices, and not what an attempt that was cut off has made:
   * that has no id yet, which it gets when it is opened, and the layout that was asked for.
   */
  async function isFromBefore({ pool, commands }: Work, layout: Layout): Promise<boolean> {
    const { path } = await openPlace(pool, 'create the pool');
    if ((await poolIdOf(path)) !== undefined) return true;
    const { data } = parseProfileList(await commands.must('btrfs', 'filesystem', 'usage', '-b', path));
    return !data.includes(profileOf('create the pool', layout));
  }

  /** What is mounted there must be the pool that was asked for. */
  async function refuseAnother({ pool, commands }: Work, layout: Layout, devices: readonly string[]): Promise<void> {
    const { path } = await openPlace(pool, 'create the pool');
    const [found] = parseFilesystemShow(await commands.must('btrfs', 'filesystem', 'show', '--raw', path)) ?? [];
    const members = found?.devices.map((device) => device.path ?? '') ?? [];
    const { data } = parseProfileList(await commands.must('btrfs', 'filesystem', 'usage', '-b', path));
    const isAsAsked = data.includes(profileOf('create the pool', layout)) && (await samePaths(members, devices));
    if (found?.label === labelOf(pool.name) && isAsAsked) return;
    throw new IoError('EXISTS', {
      op: 'create the pool',
      target: pool.name,
      message: `another btrfs is mounted at ${path}, on ${members.join(', ')}`,
      hint: 'Unmount it, or choose another place for the pool.',
    });
  }

  return {
    candidates: async (call) => inspector.candidates(deadline(call, 'list the disks', 'this machine', clock)),

    create: (spec, call) => work('create the pool', spec.name, call, 'change', (it) => create(it, spec)),

    report: (name, call) => work('report', name, call, undefined, reportOf),

    grow: (name, { sizeBytes }, call) =>
      work('grow', name, call, 'change', async (it) => {
        const place = await openPlace(it.pool, 'grow');
        const before = await reportOf(it);
        // Of several devices none can grow alone, whatever they are made of.
        const file = disksOf(before).length === 1 ? await fileBelow(place, it.commands) : undefined;
        if (sizeBytes !== undefined) await growFile(it, file, sizeBytes);
        if (file !== undefined) await it.commands.must('losetup', '--set-capacity', place.mount.source);
        await fillDevices(it.commands, place.path);
        return reportOf(it);
      }),

    clear: (name, call) =>
      work('clear', name, call, 'change', async (it) => {
        const { path, mount } = await openPlace(it.pool, 'clear');
        if (mount.readOnly) await remountWritable(it.commands, name, path);
        await it.commands.must('btrfs', 'device', 'stats', '--reset', path);
        return reportOf(it);
      }),

    addDevices: (name, { devices, layout, erase = false }, call) =>
      work('add devices', name, call, 'change', async (it) => {
        const { path } = await openPlace(it.pool, 'add devices');
        const profile = layout === undefined ? undefined : profileOf('add devices', layout);
        const before = await reportOf(it);
        const members = new Set(disksOf(before).map((device) => device.name));
        const fresh: string[] = [];
        checkDevices('add devices', devices, 'single');
        for (const device of devices) if (!members.has(await real(device))) fresh.push(device);
        if (layout !== undefined) {
          const all = [...members, ...fresh].map((at) => (at.startsWith('/') ? at : `/missing/${at}`));
          checkDevices('add devices', all, layout);
        }
        if (fresh.length > 0) {
          const paths = await claimDevices(inspector, 'add devices', fresh, erase, it.within);
          await it.commands.must('btrfs', 'device', 'add', ...(erase ? ['--force'] : []), ...paths, path);
          await step('added');
        }
        if (profile !== undefined)
          await convert(it, path, profile, metadataProfile(profile, members.size + fresh.length));
        return reportOf(it);
      }),

    replace: (name, { old, by, erase = false }, call) =>
      work('replace', name, call, 'change', async (it) => {
        const { path } = await openPlace(it.pool, 'replace');
        checkPath('replace', by);
        const target = await real(by);
        const before = await reportOf(it);
        const leaving = await memberAt(before, old);
        const isThere = disksOf(before).some((device) => device.name === target);
        if (!isThere || leaving) await exchange(it, path, { leaving, old, target, by, erase });
        await fillDevices(it.commands, path);
        await evenOut(it, path);
        return reportOf(it);
      }),

    scrub: (name, action, call) =>
      work('scrub', name, call, 'scrub', async ({ pool, commands }) => {
        const { path } = await openPlace(pool, 'scrub');
        const said = await commands.must('btrfs', 'scrub', 'status', '--raw', path);
        const status = parseScrubStatus(said);
        const isRunning = status?.state === 'running';
        const note = pauseNote(path);
        const stop = async () => {
          const ran = await commands.ask('btrfs', 'scrub', 'cancel', path);
          // One that has ended by itself meanwhile is as good.
          if (ran.exitCode !== 0 && !/not running/.test(ran.stderr))
            await commands.must('btrfs', 'scrub', 'cancel', path);
        };
        if (action === 'start') {
          await refuseWhileFilling(name, await commands.must('btrfs', 'replace', 'status', '-1', path));
          const goesOn = status?.state === 'aborted' && (await fileExists(note));
          if (!isRunning) await beginScrub(commands, goesOn ? 'resume' : 'start', path);
          await rm(note, { force: true });
        } else if (action === 'pause') {
          if (!isRunning) return;
          await writeFile(note, 'A scrub was paused here; to start one goes on with it.\n', { flush: true });
          await stop();
        } else {
          if (isRunning) await stop();
          await rm(note, { force: true });
        }
      }),
  };

  interface Exchange {
    readonly leaving: PoolDevice | undefined;
    readonly old: string;
    readonly target: string;
    readonly by: string;
    readonly erase: boolean;
  }
  /** From one disk to another, whether the old one still works or is gone. */
  async function exchange(it: Work, path: string, { leaving, old, target, by, erase }: Exchange): Promise<void> {
    const { commands, within, call, pool } = it;
    const status = async () => parseReplaceStatus(await commands.must('btrfs', 'replace', 'status', '-1', path));
    if ((await status())?.state !== 'running') {
      if (!leaving) throw notThere(pool.name, old);
      const [fresh = by] = await claimDevices(inspector, 'replace', [by], erase, within);
      const ids = parseFilesystemShow(await commands.must('btrfs', 'filesystem', 'show', '--raw', path))?.[0]?.devices;
      const id = ids?.find((device) => device.path === leaving.name || String(device.id) === leaving.name)?.id;
      if (id === undefined) throw notThere(pool.name, old);
      const start = commands.begin('replace', 'start', ...(erase ? ['-f'] : []), String(id), fresh, path);
      await start.catch((error: unknown) => {
        // How large a lost one was is told nowhere before.
        if (error instanceof IoError && /target device smaller than source/.test(error.message))
          throw invalid('replace', by, 'is smaller than the old device', 'Take one that is at least as large.');
        throw error;
      });
      await step('exchanging');
    }
    const beganAt = clock.monotonicMs();
    await waitUntil(clock, within, async () => {
      const now = await status();
      if (now?.state === 'running') {
        call.progress({ text: `filling ${by}`, done: Math.round((now.done ?? 0) * 1000), total: 1000 });
        return undefined;
      }
      const members = disksOf(await reportOf(it));
      if (members.some((device) => device.name === target) && !members.some((device) => device.name === leaving?.name))
        return true;
      if (clock.monotonicMs() - beganAt < beginMs && now?.state !== 'canceled') return undefined;
      throw new IoError('FAILED', {
        op: 'replace',
        target: pool.name,
        message: `the exchange of ${old} for ${by} in the pool ${pool.name} has stopped (${now?.state ?? 'unknown'})`,
        hint: 'Look at the log of the kernel, then ask for it again.',
      });
    });
  }

  /** Copies that were made while a disk was missing are single: the rest of the pool says how they should be. */
  async function evenOut(it: Work, path: string): Promise<void> {
    const list = parseProfileList(await it.commands.must('btrfs', 'filesystem', 'usage', '-b', path));
    if (list.data.length > 1 || list.metadata.length > 1)
      await convert(it, path, bestProfile(list.data), bestProfile(list.metadata));
  }

  async function convert({ commands, call, pool }: Work, path: string, data: string, metadata: string): Promise<void> {
    call.progress({ text: `converting ${pool.name} to ${data}` });
    const filters = [`-dconvert=${data},soft`, `-mconvert=${metadata},soft`];
    // To fewer copies of metadata it goes only when told to.
    await commands.must('btrfs', 'balance', 'start', '--force', ...filters, path);
    await step('converted');
  }
}

const pauseNote = (top: string): string => join(top, 'floatlab', 'scrub-paused');

/** One that is gone keeps the name that it was given. */
const real = (path: string): Promise<string> => realpath(path).catch(() => path);

const memberAt = async (report: PoolReport, old: string): Promise<PoolDevice | undefined> =>
  deviceAt(report, old) ?? deviceAt(report, await real(old));

const notThere = (pool: string, old: string) =>
  new IoError('MISSING', {
    op: 'replace',
    target: pool,
    message: `the pool ${pool} has no device ${old}`,
    hint: 'Name it as the report of the pool does; one that is gone goes by its number.',
  });

const holdsPool = (pool: string, devices: readonly string[]) =>
  new IoError('HELD', {
    op: 'create the pool',
    target: pool,
    message: `${devices.join(', ')} hold a pool ${pool} from before, with what is in it`,
    hint: 'Mount it and adopt it; or, when nobody needs what it holds, say that it may be erased.',
  });

async function refuseWhileFilling(pool: string, said: string): Promise<void> {
  if (parseReplaceStatus(said)?.state !== 'running') return;
  throw new IoError('BUSY', {
    op: 'scrub',
    target: pool,
    message: `the pool ${pool} is filling a new disk`,
    hint: 'Scrub it when that is done.',
  });
}

/** One that somebody else has started meanwhile is as good. */
async function beginScrub(commands: Commands, how: 'start' | 'resume', path: string): Promise<void> {
  try {
    await commands.begin('scrub', how, path);
  } catch (error) {
    if (!(error instanceof IoError) || !/already running/.test(error.message)) throw error;
  }
}

/** Each device up to its end. */
async function fillDevices(commands: Commands, path: string): Promise<void> {
  const shown = parseFilesystemShow(await commands.must('btrfs', 'filesystem', 'show', '--raw', path))?.[0];
  for (const device of shown?.devices ?? []) {
    if (device.path !== undefined) await commands.must('btrfs', 'filesystem', 'resize', `${device.id}:max`, path);
  }
}

/** After an error the kernel takes no writes before the file system is mounted anew. @throws IoError READ_ONLY */
async function remountWritable(commands: Commands, pool: string, path: string): Promise<void> {
  const ran = await commands.ask('mount', '-o', 'remount,rw', path);
  if (ran.exitCode === 0) return;
  throw new IoError('READ_ONLY', {
    op: 'clear',
    target: pool,
    message: `the kernel does not let the pool ${pool} be written: ${ran.stderr.trim().split('\n')[0] ?? ''}`,
    hint: 'It found an error in it (dmesg says which). Restart the machine: the pool is mounted anew, and its apps run elsewhere meanwhile.',
  });
}

/** @throws IoError INVALID, NO_SPACE */
async function growFile(
  { pool, commands }: { readonly pool: ManagedPool; readonly commands: Commands },
  file: string | undefined,
  sizeBytes: number,
) {
  const refuse = (what: string, hint: string) => invalid('grow', formatSize(sizeBytes), what, hint);
  if (!Number.isSafeInteger(sizeBytes)) throw refuse('is no size', 'Give a whole number of bytes.');
  if (file === undefined)
    throw refuse(`is not for ${pool.name}: it lies on disks`, 'Grow it without a size, or add disks.');
  const { size } = await stat(file);
  if (sizeBytes < size)
    throw refuse(`is less than the ${formatSize(size)} that ${pool.name} has`, 'A pool only grows.');
  const { bavail, bsize } = await statfs(dirname(file));
  if (sizeBytes - size + headroomBytes > bavail * bsize) {
    throw new IoError('NO_SPACE', {
      op: 'grow',
      target: pool.name,
      message: `${dirname(file)} has ${formatSize(bavail * bsize)} free: ${formatSize(sizeBytes - size)} more do not fit with ${formatSize(headroomBytes)} to spare`,
      hint: 'Free some space there, or choose a smaller size.',
    });
  }
  // The space is reserved, so that nothing else can take it.
  if (sizeBytes > size) await commands.must('fallocate', '--length', String(sizeBytes), file);
}
