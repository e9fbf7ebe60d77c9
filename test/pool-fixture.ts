/**
 * A small real btrfs pool for one test: a file in a private folder, mounted through a loop device, with quotas and the
 * folder of FloatLab. Nothing of it is left after `dispose`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open as openFile, rm, truncate, writeFile } from 'node:fs/promises';
import { release, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from '#io/devices/run.ts';
import type { BtrfsVolumesOptions } from '#io/devices/volumes/btrfs/real.ts';
import { btrfsVolumes } from '#io/devices/volumes/btrfs/real.ts';
import type { VolumePort } from '#io/devices/volumes/port.ts';

export interface TempPool {
  readonly name: 'test';
  readonly mountpoint: string;
  /** The file in which its disk is, now. */
  image(): string;
  /** A private folder outside of the pool, removed with it. */
  readonly folder: string;
  readonly volumes: VolumePort;
  /** Another port on the same pool: a daemon that has started again, or one with a hook. */
  open(options?: Omit<BtrfsVolumesOptions, 'pools'>): VolumePort;
  /** Runs a tool and fails the test when the tool fails. @returns its standard output */
  tool(file: string, ...args: string[]): Promise<string>;
  /** What the disk holds at this moment, as after a power cut; `restore` goes on from there, once. */
  photograph(): Promise<string>;
  restore(photograph: string): Promise<void>;
  unmount(): Promise<void>;
  mount(): Promise<void>;
  dispose(): Promise<void>;
}

export async function tempPool(options: { readonly sizeBytes?: number } = {}): Promise<TempPool> {
  const folder = await mkdtemp(join(tmpdir(), 'floatlab-pool-'));
  let image = join(folder, 'pool.img');
  const mountpoint = join(folder, 'mnt');
  let photographs = 0;
  let mounted = false;

  const mount = async () => {
    for (let tries = 0; !mounted; tries++) {
      try {
        await tool('mount', '-t', 'btrfs', '-o', 'loop,noatime,nodiscard', image, mountpoint);
        mounted = true;
      } catch (error) {
        // A process with mounts of its own that began meanwhile holds the file system of before, until it ends; and a
        // loop device that somebody else lets go of at this moment is taken for a free one, and has nothing to read.
        const isTaken = /File exists|already mounted or mount point busy/.test(String(error));
        const isEmpty = tries < 50 && /can't read superblock/.test(String(error));
        if (tries === 600 || !(isTaken || isEmpty)) throw error;
        await delay(100);
      }
    }
  };
  const unmount = async () => {
    await tool('umount', mountpoint);
    mounted = false;
  };
  const open: TempPool['open'] = (more = {}) => btrfsVolumes({ pools: [{ name: 'test', mountpoint }], ...more });
  const dispose = async () => {
    if (mounted) await unmount();
    await rm(folder, { recursive: true });
  };

  try {
    await mkdir(mountpoint);
    await writeFile(image, '');
    await truncate(image, options.sizeBytes ?? 256 * 2 ** 20);
    await tool('mkfs.btrfs', '-q', '-K', image);
    await mount();
    await tool('btrfs', 'quota', 'enable', mountpoint);
    await mkdir(join(mountpoint, 'floatlab', 'volumes'), { recursive: true });
  } catch (error) {
    await dispose();
    throw error;
  }

  return {
    name: 'test',
    mountpoint,
    image: () => image,
    folder,
    volumes: open(),
    open,
    tool,
    async photograph() {
      const copy = join(folder, `photograph-${++photographs}.img`);
      // A disk stops at one moment. A copy during which the kernel has committed twice may hold a superblock whose trees
      // are overwritten already.
      let [before, after] = [await generationOf(image), undefined as bigint | undefined];
      while (after !== before) {
        before = after ?? before;
        await tool('cp', '--sparse=always', image, copy);
        after = await generationOf(image);
      }
      return copy;
    },
    async restore(photograph) {
      if (mounted) await unmount();
      // A file of its own: the kernel may still hold the other one for a while, with all that is in its caches.
      image = photograph;
      await mount();
    },
    unmount,
    mount,
    dispose,
  };
}

/** Of the first superblock: it grows with each commit. */
async function generationOf(image: string): Promise<bigint> {
  const superblockAt = 0x10000;
  const generationAt = 0x48;
  const file = await openFile(image, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, superblockAt + generationAt);
    return buffer.readBigUInt64LE();
  } finally {
    await file.close();
  }
}

/** Why there can be no btrfs pool here, for `describeReal`; undefined when there can. */
export function missingBtrfs(): string | undefined {
  if (process.platform !== 'linux') return 'Linux';
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const sysAdmin = 21n;
  if (((BigInt(`0x${capabilities}`) >> sysAdmin) & 1n) === 0n) return 'the right to mount (root)';
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  for (const program of ['btrfs', 'mkfs.btrfs', 'mount', 'umount', 'losetup', 'fallocate']) {
    if (!folders.some((path) => existsSync(join(path, program)))) return `the program ${program}`;
  }
  // A module that the first mount loads is as good.
  const module = `/lib/modules/${release()}/kernel/fs/btrfs`;
  if (!/^\tbtrfs$/m.test(readFileSync('/proc/filesystems', 'utf8')) && !existsSync(module))
    return 'btrfs in the kernel';
  if (!existsSync('/dev/loop-control')) return 'loop devices';
  return undefined;
}

async function tool(file: string, ...args: string[]): Promise<string> {
  const ran = await run(file, args, { signal: new AbortController().signal, timeoutMs: 60_000 });
  if (ran.exitCode !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${ran.exitCode}: ${ran.stderr}`);
  return ran.stdout;
}
