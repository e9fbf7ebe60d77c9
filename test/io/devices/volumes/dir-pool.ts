/**
 * Pools that are plain folders, for tests: one on a small ext4 of its own in a file, or one that is just a folder.
 * Nothing of it is left after `dispose`.
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { RunCommand } from '#io/devices/run.ts';
import { run } from '#io/devices/run.ts';
import { prepareDirPool } from '#io/devices/volumes/dir/pool.ts';
import type { DirVolumesOptions } from '#io/devices/volumes/dir/real.ts';
import { dirVolumes } from '#io/devices/volumes/dir/real.ts';
import type { Dataset, VolumePort } from '#io/devices/volumes/port.ts';

export interface TempDirPool {
  readonly name: 'test';
  /** The folder of the pool: the top of its file system, if it has one of its own. */
  readonly path: string;
  /** A private folder outside of the pool, removed with it. */
  readonly folder: string;
  readonly volumes: VolumePort;
  /** Another port on the same pool: a daemon that has started again, or one with a hook. */
  open(options?: PoolOptions): VolumePort;
  /** The folder of FloatLab for a dataset. */
  home(of: Dataset): string;
  dispose(): Promise<void>;
}

export interface TempDisk extends TempDirPool {
  readonly image: string;
  unmount(): Promise<void>;
  mount(): Promise<void>;
}

/** Where its files are kept in memory: what it is about is the order of steps, not disks. */
export async function tempFolder(options: PoolOptions = {}): Promise<TempDirPool> {
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'floatlab-dir-'));
  const path = join(folder, 'pool');
  await mkdir(path);
  await prepareDirPool(path);
  return { ...poolAt(path, options), folder, dispose: () => rm(folder, { recursive: true }) };
}

export async function tempDisk(sizeBytes = 256 * 2 ** 20): Promise<TempDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-dir-'));
  const image = join(folder, 'disk.img');
  const path = join(folder, 'mnt');
  let mounted = false;
  const mount = async () => {
    // Without barriers: nobody cuts the power of this disk, and a busy host takes long to flush it.
    await tool('mount', '-t', 'ext4', '-o', 'loop,noatime,barrier=0', image, path);
    mounted = true;
  };
  const unmount = async () => {
    await tool('umount', path);
    mounted = false;
  };
  const dispose = async () => {
    if (mounted) await unmount();
    await rm(folder, { recursive: true });
  };
  try {
    await mkdir(path);
    await writeFile(image, '');
    await truncate(image, sizeBytes);
    await tool('mkfs.ext4', '-q', '-m', '0', '-E', 'lazy_itable_init=1,nodiscard', image);
    await mount();
    await prepareDirPool(path);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { ...poolAt(path), folder, image, mount, unmount, dispose };
}

type PoolOptions = Omit<DirVolumesOptions, 'pools'>;

function poolAt(
  path: string,
  options: PoolOptions = {},
): Pick<TempDirPool, 'name' | 'path' | 'volumes' | 'open' | 'home'> {
  const open: TempDirPool['open'] = (more = {}) =>
    dirVolumes({ pools: [{ name: 'test', folder: path }], ...options, ...more });
  const home = (of: Dataset) => join(path, 'floatlab', 'volumes', of.name);
  return { name: 'test', path, volumes: open(), open, home };
}

/** The tools without a process for each, for tests that are not about what the tools do. */
export const quickTools: RunCommand = async (file, args, options) => {
  if (options.signal.aborted) throw new Error('cancelled');
  const [from = '', to = ''] = args.slice(args.indexOf('--') + 1);
  const said = (stdout: string) => ({ exitCode: 0, stdout, stderr: '' });
  switch (file) {
    case 'cp':
      if (args.includes('--reflink=always')) return { exitCode: 1, stdout: '', stderr: 'Operation not supported' };
      await cp(from, to, { recursive: true, preserveTimestamps: true, errorOnExist: true });
      return said('');
    case 'rm':
      await rm(from, { recursive: true, force: true });
      return said('');
    case 'du':
      return said(`4096\t${from}\n`);
    case 'sync':
      return said('');
    // Nobody has anything open.
    case 'find':
      return said('');
    default:
      throw new Error(`${file} is not expected`);
  }
};

/** Why there can be no ext4 of our own here, for `describeReal`; undefined when there can. */
export function missingExt4(): string | undefined {
  if (process.platform !== 'linux') return 'Linux';
  if (process.getuid?.() !== 0) return 'the right to mount (root)';
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const lacks = ['mkfs.ext4', 'mount', 'umount', 'unshare', 'perl'].find(
    (program) => !folders.some((folder) => existsSync(join(folder, program))),
  );
  if (lacks !== undefined) return `the program ${lacks}`;
  return existsSync('/dev/loop-control') ? undefined : 'loop devices';
}

/** Runs a tool and fails the test when the tool fails. @returns its standard output */
export async function tool(file: string, ...args: string[]): Promise<string> {
  const ran = await run(file, args, { signal: new AbortController().signal, timeoutMs: 60_000 });
  if (ran.exitCode !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${ran.exitCode}: ${ran.stderr}`);
  return ran.stdout;
}
