/**
 * The size of the pool's image, when the settings name one and there is an image already: larger lets it grow, smaller
 * is refused.
 *
 *   file        reserved up to the new size, as when it was made: nothing else can take the space
 *   loop device told that its file has grown
 *   btrfs       told to use all of it, while volumes are in use
 *
 * A start that dies in between leaves a file that is larger than its file system, which harms nobody; the next start
 * with this setting goes on. Shrinking would have to move what lies at the end of the file: somebody who needs the space
 * makes a new pool.
 */
import { readFile, stat, statfs, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatSize } from '#events/values/size.ts';
import { IoError } from '#io/devices/error.ts';
import type { Ran } from '#io/devices/run.ts';
import { commandError } from '#io/devices/volumes/btrfs/errors.ts';
import type { ImageTools } from '#io/devices/volumes/btrfs/image.ts';
import { parseMountinfo } from '#io/devices/volumes/mounts.ts';

/** Left to the host in any case. */
const headroomBytes = 512 * 2 ** 20;
/** Reserving gigabytes on a slow card takes its time. */
const patienceMs = 30 * 60_000;

/** Reserves the file up to this size. @throws IoError INVALID when it is larger, NO_SPACE */
export async function growImage(tools: ImageTools, image: string, wantedBytes: number): Promise<void> {
  const { size } = await stat(image);
  if (wantedBytes < size) {
    throw new IoError('INVALID', {
      op: 'resize the pool',
      target: image,
      message: `the pool in ${image} has ${formatSize(size)}, and --pool-size says ${formatSize(wantedBytes)}: it cannot become smaller`,
      hint: `Leave --pool-size out, or say at least ${formatSize(size)}.`,
    });
  }
  if (wantedBytes === size) return;
  const { bavail, bsize } = await statfs(dirname(image));
  const missingBytes = wantedBytes - size + headroomBytes - bavail * bsize;
  if (missingBytes > 0) throw noSpace(image, size, wantedBytes, missingBytes);
  try {
    await reserve(tools, image, wantedBytes);
  } catch (error) {
    // What was reserved of it goes back: the file system inside does not know of it yet.
    await truncate(image, size);
    throw error;
  }
  await tools.step('grown');
}

/** Lets the mounted file system have all of its file. Of one that has: done. @throws IoError */
export async function useWholeImage(tools: ImageTools, image: string, mountpoint: string): Promise<void> {
  const mounts = parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8'));
  const device = mounts.findLast(({ point }) => point === mountpoint)?.source;
  if (device === undefined) throw new Error(`${image} is not mounted at ${mountpoint}`);
  await must(tools, 'losetup', ['--set-capacity', device], image);
  await must(tools, 'btrfs', ['filesystem', 'resize', 'max', mountpoint], image);
}

async function reserve(tools: ImageTools, image: string, bytes: number): Promise<void> {
  const args = ['--length', String(bytes), image];
  const quick = await attempt(tools, 'fallocate', args, image);
  if (quick.exitCode === 0) return;
  // A file system that cannot reserve is written full instead.
  if (!/not supported/.test(quick.stderr)) throw commandError('fallocate', image, quick);
  await must(tools, 'fallocate', ['--posix', ...args], image);
}

const attempt = (tools: ImageTools, file: string, args: readonly string[], target: string): Promise<Ran> =>
  tools.run(file, args, { signal: tools.signal, timeoutMs: patienceMs, target });

async function must(tools: ImageTools, file: string, args: readonly string[], target: string): Promise<void> {
  const ran = await attempt(tools, file, args, target);
  if (ran.exitCode !== 0) throw commandError([file, ...args.slice(0, -1)].join(' '), target, ran);
}

const noSpace = (image: string, size: number, wanted: number, missing: number): IoError =>
  new IoError('NO_SPACE', {
    op: 'resize the pool',
    target: image,
    message: `${dirname(image)} lacks ${formatSize(missing)} for the pool to grow from ${formatSize(size)} to ${formatSize(wanted)} with ${formatSize(headroomBytes)} to spare`,
    hint: 'Free some space, or choose a smaller size.',
  });
