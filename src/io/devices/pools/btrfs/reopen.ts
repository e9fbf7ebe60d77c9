/**
 * Mounts again a pool that was made here, after a boot: by the label that it got then, on whichever of its disks are
 * there. When some are missing it is mounted all the same, degraded: that is what it has copies for.
 */
import { mkdir, readFile, readdir } from 'node:fs/promises';
import type { Call } from '../../call.ts';
import { IoError } from '../../error.ts';
import { run as runCommand, type RunCommand } from '../../run.ts';
import { stepError } from '../../volumes/btrfs/errors.ts';
import { mountImage } from '../../volumes/btrfs/image.ts';
import { deadline } from '../../volumes/deadline.ts';
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

/** Of one that is mounted: done. @throws IoError POOL_MISSING when none of its disks is there, or too few */
export async function mountMade(pool: MadePool, call: Call, run: RunCommand = runCommand): Promise<void> {
  const { name, mountpoint, on } = pool;
  checkPath('mount', mountpoint);
  const within = deadline(call, 'mount', name);
  try {
    if ('file' in on) {
      const tools = { run, signal: call.signal, step: () => undefined };
      await mountImage(tools, on.file, mountpoint);
      return;
    }
    if (await isMounted(mountpoint)) return;
    const commands = commandsFor({ run, launch }, name, within);
    const found = await membersOf(name, on.devices, commands);
    if (!found) throw missing(name, `none of its disks is there: ${on.devices.join(', ')}`);
    await mkdir(mountpoint, { recursive: true, mode: 0o711 });
    const files = await readdir(mountpoint);
    if (files.length > 0) throw missing(name, `${mountpoint}, where it belongs, is not empty: ${files[0]}`);
    const devices = found.paths.map((path) => `device=${path}`);
    const flags = ['nodev', 'nosuid', 'noatime', ...devices, ...(found.isWhole ? [] : ['degraded'])];
    const ran = await commands.ask('mount', '-t', 'btrfs', '-o', flags.join(','), found.paths[0] ?? '', mountpoint);
    if (ran.exitCode !== 0) {
      const why = ran.stderr.trim().split('\n')[0] ?? '';
      throw missing(name, found.isWhole ? why : `too many of its disks are missing (${why})`);
    }
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

/** What is there of it, told by its label: what stands at a path may be another disk by now. */
async function membersOf(
  name: string,
  devices: readonly string[],
  commands: Commands,
): Promise<{ readonly paths: readonly string[]; readonly isWhole: boolean } | undefined> {
  // The kernel knows only those disks that it was told of.
  await commands.ask('btrfs', 'device', 'scan', ...devices);
  for (const device of devices) {
    const ran = await commands.ask('btrfs', 'filesystem', 'show', '--raw', device);
    const [shown] = (ran.exitCode === 0 ? parseFilesystemShow(ran.stdout) : undefined) ?? [];
    if (shown?.label !== labelOf(name)) continue;
    const paths = shown.devices.flatMap(({ path }) => (path === undefined ? [] : [path]));
    if (paths.length > 0) return { paths, isWhole: paths.length >= shown.deviceCount };
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
