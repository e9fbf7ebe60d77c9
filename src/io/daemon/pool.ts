/**
 * Every node has a pool for volumes, whatever the machine is like:
 *
 *     a folder on btrfs that the settings name      → that folder
 *     the data folder lies on btrfs                 → <data>/pool/btrfs, a plain folder in it
 *     anything else                                 → <data>/pool/pool.img, a btrfs in one file, at <data>/pool/mnt
 *
 * Called at every start of the daemon, before anything touches a volume. It finds what it made before, finishes what
 * was interrupted, and mounts again what a reboot has unmounted. An image that exists is used, even where the data
 * folder has moved to btrfs meanwhile: volumes are in it. Nothing is ever formatted twice or removed, and another
 * pool in the place of the one that was used before is refused (identity.ts).
 */
import { mkdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { IoError } from '#io/devices/error.ts';
import type { RunCommand } from '#io/devices/run.ts';
import { run as runCommand } from '#io/devices/run.ts';
import { commandError, stepError, withHint } from '#io/devices/volumes/btrfs/errors.ts';
import type { ImageTools } from '#io/devices/volumes/btrfs/image.ts';
import { fileExists, makeImage, mountImage, refillImage, unmountImage } from '#io/devices/volumes/btrfs/image.ts';
import { refuseStranger, remember } from '#io/devices/volumes/identity.ts';
import { ensureFolder } from '#io/devices/volumes/btrfs/layout.ts';
import { mountOf, parseMountinfo, type Mount } from '#io/devices/volumes/mounts.ts';
import type { BtrfsPool } from '#io/devices/volumes/btrfs/pool.ts';
import { poolMemory, usualPool } from './pool-setting.ts';
import { growImage, useWholeImage } from './pool-size.ts';

export interface PoolOptions {
  /** The folder of the daemon, absolute. */
  readonly dataDir: string;
  /** A folder on btrfs to use instead. */
  readonly mountpoint?: string | undefined;
  /** Of the image, at least 1 GiB; a smaller one grows. Default of a new one: a quarter of the free space, 1 to 10 GiB. */
  readonly sizeBytes?: number | undefined;
  /** Default `main`. */
  readonly name?: string;
  readonly log: PoolLog;
  readonly run?: RunCommand;
  readonly signal?: AbortSignal;
  /** Told after each step; for tests that crash there. */
  readonly step?: (step: string) => void | Promise<void>;
}

export interface PoolLog {
  info(message: string): void;
  warn(message: string): void;
}

export interface Pool extends BtrfsPool {
  readonly kind: 'given' | 'folder' | 'image';
}

/** @throws IoError with a hint for the person who starts the daemon */
export async function ensurePool(options: PoolOptions): Promise<Pool> {
  const { dataDir, log } = options;
  const tools = toolsOf(options);
  try {
    const { kind, path } = await findOrMake(options, tools);
    await refuseStranger(memoryOf(options), path);
    await tools.step('there');
    await ensureFolder(join(path, 'floatlab'), 0o711);
    await ensureFolder(join(path, 'floatlab', 'volumes'), 0o711);
    await tools.step('folders');
    const quota = ['quota', 'enable', path];
    const ran = await tools.run('btrfs', quota, { signal: tools.signal, timeoutMs: 60_000, target: path });
    if (ran.exitCode !== 0) throw commandError('btrfs quota enable', path, ran);
    await tools.step('quota');
    await remember(memoryOf(options), path);
    await tools.step('remembered');
    log.info(`volumes are kept in ${path}`);
    return { name: options.name ?? usualPool, mountpoint: path, kind };
  } catch (error) {
    throw stepError(error, 'prepare the pool', options.mountpoint ?? dataDir);
  }
}

/**
 * Unmounts the image, if there is one, and keeps it. For tests, and before FloatLab is removed.
 * @returns whether nothing holds the file any more: a container that still runs may @throws IoError BUSY
 */
export async function releasePool(options: Pick<PoolOptions, 'dataDir' | 'run' | 'signal'>): Promise<boolean> {
  try {
    if (!(await fileExists(join(options.dataDir, 'pool')))) return true;
    const { image, mountpoint } = places(await realpath(options.dataDir));
    return await unmountImage(toolsOf(options), image, mountpoint);
  } catch (error) {
    throw stepError(error, 'release the pool', options.dataDir);
  }
}

const places = (dataDir: string) => ({
  folder: join(dataDir, 'pool', 'btrfs'),
  image: join(dataDir, 'pool', 'pool.img'),
  mountpoint: join(dataDir, 'pool', 'mnt'),
});

const memoryOf = ({ dataDir, name = usualPool }: PoolOptions): string => poolMemory(dataDir, name);

const toolsOf = (options: Pick<PoolOptions, 'run' | 'signal' | 'step'>): ImageTools => ({
  run: options.run ?? runCommand,
  signal: options.signal ?? new AbortController().signal,
  step: options.step ?? (() => undefined),
});

async function findOrMake(options: PoolOptions, tools: ImageTools): Promise<{ kind: Pool['kind']; path: string }> {
  const { log } = options;
  await mkdir(join(options.dataDir, 'pool'), { recursive: true, mode: 0o711 });
  if (options.mountpoint !== undefined) return { kind: 'given', path: await given(options.mountpoint, log) };
  const { folder, image, mountpoint } = places(await realpath(options.dataDir));
  const found = await fileExists(image);
  if (!found) await refuseStranger(memoryOf(options), mountpoint);
  if (!found && (await isOnBtrfs(join(folder, '..')))) {
    await ensureFolder(folder, 0o711);
    log.info(`${options.dataDir} is on btrfs: volumes become subvolumes there, with quotas for their sizes`);
    if (options.sizeBytes !== undefined) log.warn('--pool-size has no meaning there: the pool is no file');
    return { kind: 'folder', path: folder };
  }
  await refuseWithoutRights(image);
  if (!found) log.info(`there is no btrfs here: making a pool in the file ${image}`);
  await makeImage(tools, image, options.sizeBytes);
  if (!(await refillImage(tools, image)))
    log.warn(`the disk is too full to reserve all of ${image}: writes to volumes may fail before their quota`);
  await mountImage(tools, image, mountpoint);
  // Not before: what cannot be mounted is left as it is.
  if (options.sizeBytes !== undefined) {
    await growImage(tools, image, options.sizeBytes);
    await useWholeImage(tools, image, mountpoint);
  }
  return { kind: 'image', path: mountpoint };
}

async function given(mountpoint: string, log: PoolLog): Promise<string> {
  const refuse = (message: string, hint: string, cause?: unknown) =>
    new IoError('POOL_MISSING', { op: 'find the pool', target: mountpoint, message, hint, cause });
  let path: string;
  try {
    path = await realpath(mountpoint);
  } catch (error) {
    throw refuse(`there is no ${mountpoint}`, 'Mount the btrfs file system there, or change the settings.', error);
  }
  const mount = await mountAbove(path);
  if (mount?.type === 'btrfs') {
    // A mount of its own is for its owner to change; that of the whole system has to have setuid programs.
    if (!mount.isHarmless && mount.point !== '/')
      log.warn(
        `${mount.point} is mounted without nodev and nosuid: root in a container can leave device nodes and setuid ` +
          `programs there. Add both to its mount options.`,
      );
    return path;
  }
  throw refuse(`${mountpoint} is not on btrfs`, 'Name a folder on a mounted btrfs, or leave the setting out.');
}

const isOnBtrfs = async (path: string): Promise<boolean> => (await mountAbove(path))?.type === 'btrfs';

const mountAbove = async (path: string): Promise<Mount | undefined> =>
  mountOf(parseMountinfo(await readFile('/proc/self/mountinfo', 'utf8')), path);

/** Before gigabytes are written for nothing. */
async function refuseWithoutRights(image: string): Promise<void> {
  if (process.geteuid?.() === 0) return;
  const message = 'making and mounting a pool needs the rights of root';
  throw new IoError('PERMISSION', { op: 'make a pool', target: image, message, ...withHint('PERMISSION') });
}
