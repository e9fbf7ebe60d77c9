/**
 * A btrfs pool in one file, for machines that have none: the file, its file system, its mount.
 *
 * All blocks of the file are reserved when it is made, so that nothing else on the host's disk can take the space that
 * the pool believes to have. Therefore nothing may punch holes into it: neither mkfs nor the mount discard blocks.
 *
 * Whoever is root in a container can put device nodes and setuid files into its volume, and the host sees them there:
 * the mount gives neither an effect. A volume holds data; programs that need those belong into an image.
 *
 * Every step can be interrupted. The file has another name until it is formatted, one that nobody else would give to a
 * file, so that what an attempt has left behind can be told from what somebody has put there; a file with its final name
 * is complete, and is never formatted again.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { formatSize } from '#events/values/size.ts';
import { minFilePoolBytes } from '#actors/pool/layouts.ts';
import { syncDir } from '../../../stores/files.ts';
import { sleep } from '../../clock/port.ts';
import { realClock } from '../../clock/real.ts';
import type { IoErrorCode } from '../../error.ts';
import { IoError } from '../../error.ts';
import type { Ran, RunCommand } from '../../run.ts';
import { classify, stepError, withHint } from './errors.ts';
import type { Mount } from '../mounts.ts';
import { parseMountinfo } from '../mounts.ts';

const MiB = 2 ** 20;
const GiB = 2 ** 30;

const minImageBytes = minFilePoolBytes.btrfs;
const usualImageBytes = 10 * GiB;
/** Left to the host in any case. */
const headroomBytes = 512 * MiB;

/** Of the mount itself, so that one that is there can get them too. */
const mountFlags = 'nodev,nosuid,noatime';

export interface ImageTools {
  readonly run: RunCommand;
  readonly signal: AbortSignal;
  readonly step: (step: string) => void | Promise<void>;
}

export const fileExists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw stepError(error, 'look', path);
    },
  );

/**
 * How large a new image becomes: what was asked for, else a quarter of the free space, from 1 to 10 GiB.
 * @throws IoError NO_SPACE, INVALID
 */
export function imageSize(freeBytes: number, wantedBytes: number | undefined, folder: string): number {
  const op = 'make a pool';
  if (wantedBytes !== undefined && !(Number.isSafeInteger(wantedBytes) && wantedBytes >= minImageBytes)) {
    const message = `a pool of ${formatSize(wantedBytes)} is too small: it needs at least ${formatSize(minImageBytes)}`;
    throw new IoError('INVALID', { op, target: folder, message, hint: 'Choose a larger size for the pool.' });
  }
  const usual = Math.min(usualImageBytes, Math.floor(freeBytes / 4 / MiB) * MiB);
  const size = wantedBytes ?? Math.max(minImageBytes, usual);
  if (size + headroomBytes <= freeBytes) return size;
  throw new IoError('NO_SPACE', {
    op,
    target: folder,
    message: `${folder} has ${formatSize(freeBytes)} free: a pool of ${formatSize(size)} does not fit with ${formatSize(headroomBytes)} to spare`,
    hint: 'Free some space, choose a smaller pool, or name a btrfs folder to use as the pool.',
  });
}

/** Makes the file with a file system in it. Of one that is there: done. */
export async function makeImage(tools: ImageTools, image: string, wantedBytes: number | undefined): Promise<void> {
  if (await fileExists(image)) return;
  const folder = dirname(image);
  await removeUnfinished(image);
  const unfinished = join(folder, `.${basename(image)}.${randomUUID()}${unfinishedEnd}`);
  const { bavail, bsize } = await statfs(folder);
  const size = imageSize(bavail * bsize, wantedBytes, folder);
  try {
    await reserve(tools, unfinished, size);
    await tools.step('reserved');
    await must(tools, 'mkfs.btrfs', ['-q', '--nodiscard', '--label', 'floatlab', unfinished], image);
    await tools.step('formatted');
    await syncFile(unfinished);
  } catch (error) {
    if (error instanceof IoError) await rm(unfinished, { force: true });
    throw error;
  }
  await rename(unfinished, image);
  await syncDir(folder);
  await tools.step('made');
}

const unfinishedEnd = '.floatlab-making';
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What attempts that were interrupted have left: gigabytes that nobody would miss. */
async function removeUnfinished(image: string): Promise<void> {
  const begin = `.${basename(image)}.`;
  for (const name of await readdir(dirname(image))) {
    const isOurs =
      name.startsWith(begin) &&
      name.endsWith(unfinishedEnd) &&
      uuid.test(name.slice(begin.length, -unfinishedEnd.length));
    if (isOurs) await rm(join(dirname(image), name));
  }
}

/** Reserves again what something has punched out of the file. @returns whether all its blocks are reserved now */
export async function refillImage(tools: ImageTools, image: string): Promise<boolean> {
  const { size, blocks } = await stat(image);
  if (blocks * 512 >= size) return true;
  return (await attempt(tools, 'fallocate', ['--length', String(size), image], image)).exitCode === 0;
}

/** @throws IoError EXISTS when something else is mounted there, INVALID when there are files */
export async function mountImage(tools: ImageTools, image: string, mountpoint: string): Promise<void> {
  await mkdir(mountpoint, { recursive: true, mode: 0o711 });
  const there = await mountAt(mountpoint);
  if (there) {
    if (await isImage(tools, there, image)) return harden(tools, there);
    throw new IoError('EXISTS', {
      op: 'mount',
      target: mountpoint,
      message: `${there.source} (${there.type}) is mounted at ${mountpoint}, where the pool ${image} belongs`,
      hint: `Unmount it: umount ${mountpoint}`,
    });
  }
  const files = await readdir(mountpoint);
  if (files.length > 0) {
    throw new IoError('INVALID', {
      op: 'mount',
      target: mountpoint,
      message: `${mountpoint} is not empty while the pool is not mounted: ${files.slice(0, 5).join(', ')}`,
      hint: 'Somebody wrote there. Move it away, then start again.',
    });
  }
  await mountLoop(tools, image, mountpoint);
  await tools.step('mounted');
}

/** A loop device that somebody else lets go of at this moment is taken for a free one: the next try takes another. */
async function mountLoop(tools: ImageTools, image: string, mountpoint: string): Promise<void> {
  const args = ['-t', 'btrfs', '-o', `loop,nodiscard,${mountFlags}`, image, mountpoint];
  for (let tries = 1; ; tries++) {
    const ran = await attempt(tools, 'mount', args, image);
    if (ran.exitCode === 0) return;
    if (tries === mountTries || !isTaken.test(ran.stderr)) throw toolError('mount', image, ran);
    await sleep(realClock, 100, tools.signal);
  }
}
const mountTries = 10;
/** Taken by another file system at this moment, or let go of by whoever had it before. */
const isTaken = /already mounted or mount point busy|can't read superblock/;

/** Of one that an earlier version has mounted. What runs in containers keeps the mounts that it has. */
async function harden(tools: ImageTools, { isHarmless, point }: Mount): Promise<void> {
  if (!isHarmless) await must(tools, 'mount', ['-o', `remount,bind,${mountFlags}`, point], point);
}

/**
 * Unmounts it and gives the loop device back. Of one that is not mounted: done.
 * The kernel lets go of the device a little later, and not before all other mounts of it have ended, those of
 * containers for example: this waits for a few seconds.
 * @returns whether the file is free now @throws IoError BUSY
 */
export async function unmountImage(tools: ImageTools, image: string, mountpoint: string): Promise<boolean> {
  const there = await mountAt(mountpoint);
  if (there && (await isImage(tools, there, image))) await must(tools, 'umount', [mountpoint], image);
  for (let tries = 0; tries < 50; tries++) {
    const devices = await loopsOf(tools, image);
    if (devices.length === 0) return true;
    // Most go with their mount. One that was there before it does not; and asking twice does no harm.
    for (const device of devices) await attempt(tools, 'losetup', ['--detach', device], image);
    await sleep(realClock, 100, tools.signal);
  }
  return false;
}

async function mountAt(mountpoint: string): Promise<Mount | undefined> {
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
  return mounts.findLast(({ point }) => point === mountpoint);
}

const isImage = async (tools: ImageTools, mount: Mount, image: string): Promise<boolean> =>
  mount.type === 'btrfs' && mount.root === '/' && (await loopsOf(tools, image)).includes(mount.source);

async function loopsOf(tools: ImageTools, image: string): Promise<readonly string[]> {
  if (!(await fileExists(image))) return [];
  const { stdout } = await must(tools, 'losetup', ['--noheadings', '--output', 'NAME', '--associated', image], image);
  return stdout.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
}

async function reserve(tools: ImageTools, path: string, sizeBytes: number): Promise<void> {
  // Only root may read what all volumes hold.
  await (await open(path, 'wx', 0o600)).close();
  const args = ['--length', String(sizeBytes), path];
  const quick = await attempt(tools, 'fallocate', args, path);
  if (quick.exitCode === 0) return;
  // A file system that cannot reserve is written full instead.
  if (/not supported/.test(quick.stderr)) await must(tools, 'fallocate', ['--posix', ...args], path);
  else throw toolError('fallocate', path, quick);
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Writing gigabytes on a slow card takes its time. */
const patienceMs = 30 * 60_000;

async function attempt(tools: ImageTools, file: string, args: readonly string[], target: string): Promise<Ran> {
  try {
    return await tools.run(file, args, { signal: tools.signal, timeoutMs: patienceMs, target });
  } catch (error) {
    if (!(error instanceof IoError) || !/is not installed/.test(error.message)) throw error;
    const hint = `Install ${file.includes('btrfs') ? 'btrfs-progs' : 'util-linux'}, for example with apt-get install.`;
    throw new IoError('FAILED', { op: file, target, message: error.message, hint, cause: error });
  }
}

async function must(tools: ImageTools, file: string, args: readonly string[], target: string): Promise<Ran> {
  const ran = await attempt(tools, file, args, target);
  if (ran.exitCode !== 0) throw toolError(file, target, ran);
  return ran;
}

const causes: readonly (readonly [RegExp, IoErrorCode, string])[] = [
  [
    /failed to setup loop device|could not find any free loop device/,
    'FAILED',
    'Loop devices are missing: run `modprobe loop`; a container must be privileged.',
  ],
  [
    /unknown filesystem type/,
    'FAILED',
    'This kernel has no btrfs: run `modprobe btrfs`, or install a kernel with btrfs.',
  ],
  [
    /wrong fs type|bad superblock/,
    'DAMAGED',
    'The pool cannot be read: look at the log of the kernel, and at `btrfs check`.',
  ],
];

function toolError(file: string, target: string, ran: Ran): IoError {
  const known = causes.find(([sentence]) => sentence.test(ran.stderr));
  const code = known?.[1] ?? classify(ran.stderr);
  const said = ran.stderr.trim().split('\n')[0] || `it ended with code ${ran.exitCode}`;
  const hint = known ? { hint: known[2] } : withHint(code);
  return new IoError(code, { op: file, target, message: `${file} of ${target} failed: ${said}`, ...hint });
}
