/**
 * Mounts again a pool that was made here, after a boot: by the label that it got then, on whichever of its disks are
 * there. Disks come up one after the other: when some are missing they are waited for. Only then it is mounted all the
 * same, degraded, because what is written without a disk is not on it when it comes back.
 */
import { mkdir, readFile, readdir } from 'node:fs/promises';
import type { Call } from '../../call.ts';
import { sleep, type Clock } from '../../clock/port.ts';
import { realClock } from '../../clock/real.ts';
import { IoError } from '../../error.ts';
import { run as runCommand, type RunCommand } from '../../run.ts';
import { stepError } from '../../volumes/btrfs/errors.ts';
import { mountImage } from '../../volumes/btrfs/image.ts';
import { deadline, type Deadline } from '../../volumes/deadline.ts';
import { parseMountinfo } from '../../volumes/mounts.ts';
import { launch } from '../launch.ts';
import { checkPath } from '../names.ts';
import { commandsFor, type Commands } from './commands.ts';
import { labelOf } from './make.ts';
import { parseFilesystemShow } from './parse.ts';

export interface MadePool {
  readonly name: string;
  /** Where it belongs, an absolute path. */
  readonly mountpoint: string;
  /** Its disks as they were known last, or its file. */
  readonly on: { readonly devices: readonly string[] } | { readonly file: string };
}

export interface MountOptions {
  readonly run?: RunCommand;
  readonly clock?: Clock;
  /** How long disks that are missing are waited for, in milliseconds, once one of the others is there. */
  readonly patienceMs?: number;
  /** Told once, when the waiting begins. */
  readonly waits?: (why: string) => void;
  /** Told when it was mounted without some of its disks. */
  readonly degraded?: (why: string) => void;
}

/** Long enough for disks that spin up one after the other. */
const usualPatienceMs = 30_000;
const lookEveryMs = 1000;

/** Of one that is mounted: done. @throws IoError POOL_MISSING when none of its disks is there, or too few */
export async function mountMade(pool: MadePool, call: Call, options: MountOptions = {}): Promise<void> {
  const { run = runCommand, clock = realClock } = options;
  const { name, mountpoint, on } = pool;
  checkPath('mount', mountpoint);
  const within = deadline(call, 'mount', name, clock);
  try {
    if ('file' in on) {
      const tools = { run, signal: call.signal, step: () => undefined };
      await mountImage(tools, on.file, mountpoint);
      return;
    }
    if (await isMounted(mountpoint)) return;
    const commands = commandsFor({ run, launch }, name, within);
    const found = await gather(pool.name, on.devices, commands, within, options);
    if (!found) throw missing(name, `none of its disks is there: ${on.devices.join(', ')}`);
    await mkdir(mountpoint, { recursive: true, mode: 0o711 });
    const files = await readdir(mountpoint);
    if (files.length > 0) throw missing(name, `${mountpoint}, where it belongs, is not empty: ${files[0]}`);
    const devices = found.paths.map((path) => `device=${path}`);
    const isWhole = isWholeOf(found);
    const flags = ['nodev', 'nosuid', 'noatime', ...devices, ...(isWhole ? [] : ['degraded'])];
    const ran = await commands.ask('mount', '-t', 'btrfs', '-o', flags.join(','), found.paths[0] ?? '', mountpoint);
    if (ran.exitCode !== 0) {
      const why = ran.stderr.trim().split('\n')[0] ?? '';
      throw missing(name, isWhole ? why : `${howMany(found)}, and it cannot do without the others (${why})`);
    }
    if (!isWhole) options.degraded?.(`${howMany(found)}: it is used without the others`);
  } catch (error) {
    throw stepError(error, 'mount', name);
  }
}

/** Of one that is not mounted: done. @throws IoError BUSY */
export async function unmountMade(mountpoint: string, call: Call, run: RunCommand = runCommand): Promise<void> {
  checkPath('unmount', mountpoint);
  if (!(await isMounted(mountpoint))) return;
  await commandsFor({ run, launch }, mountpoint, deadline(call, 'unmount', mountpoint)).must('umount', mountpoint);
}

async function isMounted(mountpoint: string): Promise<boolean> {
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
  return mounts.findLast(({ point }) => point === mountpoint)?.type === 'btrfs';
}

interface Members {
  readonly paths: readonly string[];
  /** Of how many disks it consists. */
  readonly of: number;
}

const isWholeOf = ({ paths, of }: Members): boolean => paths.length >= of;
const howMany = ({ paths, of }: Members): string =>
  `${paths.length} of its ${of} disks ${paths.length === 1 ? 'is' : 'are'} there`;

/** What is there of it, once all of it is, or nobody waits any more. */
async function gather(
  name: string,
  devices: readonly string[],
  commands: Commands,
  within: Deadline,
  { clock = realClock, patienceMs = usualPatienceMs, waits }: MountOptions,
): Promise<Members | undefined> {
  const endsAt = clock.monotonicMs() + patienceMs;
  let found = await membersOf(name, devices, commands);
  if (found && !isWholeOf(found))
    waits?.(`${howMany(found)}; it is used without the others when they do not come within ${patienceMs / 1000} s`);
  while (found && !isWholeOf(found) && clock.monotonicMs() < endsAt) {
    await sleep(clock, lookEveryMs, within.signal);
    within.check();
    found = await membersOf(name, devices, commands);
  }
  return found;
}

/** Told by its label: what stands at a path may be another disk by now. */
async function membersOf(name: string, devices: readonly string[], commands: Commands): Promise<Members | undefined> {
  for (const device of devices) {
    // The kernel knows only those disks that it was told of. Each by itself: one that is gone ends the command.
    if ((await commands.ask('btrfs', 'device', 'scan', device)).exitCode !== 0) continue;
    const ran = await commands.ask('btrfs', 'filesystem', 'show', '--raw', device);
    const [shown] = (ran.exitCode === 0 ? parseFilesystemShow(ran.stdout) : undefined) ?? [];
    if (shown?.label !== labelOf(name)) continue;
    const paths = shown.devices.flatMap(({ path }) => (path === undefined ? [] : [path]));
    if (paths.length > 0) return { paths, of: shown.deviceCount };
  }
  return undefined;
}

const missing = (pool: string, why: string): IoError =>
  new IoError('POOL_MISSING', {
    op: 'mount',
    target: pool,
    message: `the pool ${pool} cannot be opened: ${why}`,
    hint: 'Bring its disks back: it is opened by itself as soon as enough of them are there.',
  });
