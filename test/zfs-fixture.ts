/**
 * Real zfs for tests, in two kinds, behind one interface:
 *
 * - zfs-fuse, a daemon of its own for each pool. Its tools find it at fixed paths, so it lives in a mount namespace where
 *   these are private: nothing of it is seen outside, and all of it goes with its processes.
 * - OpenZFS: the kernel of this host, or that of a small virtual machine, which takes some seconds to boot.
 *
 * Commands run where the zfs is; so the driver is given the `run` of the machine.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Pipes } from '#io/devices/replication/pipe.ts';
import { pipes } from '#io/devices/replication/pipe.ts';
import type { RunCommand } from '#io/devices/run.ts';
import { run } from '#io/devices/run.ts';
import type { VolumePort } from '#io/devices/volumes/port.ts';
import type { ZfsVolumesOptions } from '#io/devices/volumes/zfs/real.ts';
import { zfsVolumes } from '#io/devices/volumes/zfs/real.ts';
import { ensureZfsRoot } from '#io/devices/volumes/zfs/root.ts';
import { ownMounts } from './own-mounts.ts';
import { fits, hasHostZfs, hostZfs } from './zfs-host.ts';

/** A kernel, or a daemon, with zfs. */
export interface ZfsMachine {
  readonly kind: 'zfs-fuse' | 'OpenZFS';
  /** Runs a command there. */
  readonly run: RunCommand;
  /** The same, at one end of a stream. */
  readonly pipes: Pipes;
  /** An absolute path there, where everything of the test can be. */
  readonly folder: string;
  write(path: string, text: string): Promise<void>;
  /** @returns undefined when the file is not there */
  read(path: string): Promise<string | undefined>;
  /** Writes so many random bytes, to the disk. @returns whether they fitted */
  fits(path: string, bytes: number): Promise<boolean>;
  /** Has the folder mounted in a mount namespace of its own, as a container has, until the answer is called. */
  use(folder: string): Promise<() => Promise<void>>;
  dispose(): Promise<void>;
}

/** A zpool on one file, with the dataset of FloatLab. */
export interface ZfsTestPool {
  readonly name: 'test';
  readonly zpool: string;
  readonly root: string;
  readonly mountBase: string;
  readonly machine: ZfsMachine;
  readonly volumes: VolumePort;
  /** Another port on the same pool: a daemon that has started again, or one with a hook. */
  open(options?: Omit<ZfsVolumesOptions, 'pools'>): VolumePort;
  /** Runs a tool there and fails the test when the tool fails. @returns its standard output */
  tool(file: string, ...args: string[]): Promise<string>;
  /** Waits until what was written can be seen in what zfs tells. */
  settle(): Promise<void>;
  /** Takes the zpool away, and gives it back. */
  exportPool(): Promise<void>;
  importPool(...options: string[]): Promise<void>;
}

const MiB = 2 ** 20;
let pools = 0;

/** On a machine that has no zpool of this name; it goes with the machine. */
export async function zfsPool(machine: ZfsMachine, sizeBytes = 256 * MiB): Promise<ZfsTestPool> {
  const { folder } = machine;
  // Tables of mounts show those of all daemons: each has a name of its own.
  const zpool = `tank-${process.pid}-${++pools}`;
  const root = `${zpool}/floatlab`;
  const mountBase = join(folder, 'volumes');
  const disks = join(folder, 'disks');
  const tool: ZfsTestPool['tool'] = async (file, ...args) => {
    const ran = await machine.run(file, args, { signal: new AbortController().signal, timeoutMs: 60_000 });
    if (ran.exitCode !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${ran.exitCode}: ${ran.stderr}`);
    return ran.stdout;
  };
  await tool('mkdir', '-p', mountBase, disks);
  await tool('truncate', '-s', String(sizeBytes), join(disks, 'one'));
  await tool('zpool', 'create', '-O', 'canmount=off', '-O', 'mountpoint=none', zpool, join(disks, 'one'));
  const { id } = await ensureZfsRoot({ root, id: 'the-pool-of-this-test', run: machine.run }, patiently());
  const open: ZfsTestPool['open'] = (more = {}) =>
    zfsVolumes({ pools: [{ name: 'test', root, mountBase, id }], run: machine.run, ...more });
  let count = 0;
  return {
    name: 'test',
    zpool,
    root,
    mountBase,
    machine,
    volumes: open(),
    open,
    tool,
    // To set a property is to wait for a transaction group, and with it for all that was written before.
    settle: async () => void (await tool('zfs', 'set', `floatlab-test:count=${++count}`, zpool)),
    exportPool: async () => void (await tool('zpool', 'export', '-f', zpool)),
    importPool: async (...options) => void (await tool('zpool', 'import', '-d', disks, ...options, zpool)),
  };
}

/** @param keep a folder among the temporary ones whose mounts are seen there as well */
export async function zfsFuse(keep?: string): Promise<ZfsMachine & { readonly pid: number }> {
  const holder = await ownMounts(keep);
  const enter = ['--target', String(holder.pid), '--mount', '--'];
  const within: RunCommand = (file, args, options) => run('nsenter', [...enter, file, ...args], options);
  const must = async (file: string, ...args: string[]): Promise<void> => {
    const ran = await within(file, args, patiently());
    if (ran.exitCode !== 0) throw new Error(`${file} ${args.join(' ')}: ${ran.stderr}`);
  };
  /** As a process here sees a path there. */
  const seen = (path: string): string => join('/proc', String(holder.pid), 'root', path);
  let daemon: ChildProcess | undefined;
  const dispose = async () => {
    await ended(daemon, 'SIGTERM');
    await holder.end();
  };
  try {
    // Its socket, its locks and what it remembers of pools.
    for (const folder of ['/run', '/var/lib/zfs']) await must('mount', '-t', 'tmpfs', 'tmpfs', folder);
    await must('mkdir', '-p', '/run/zfs', '/run/lock/zfs', '/run/test');
    daemon = spawn('nsenter', [...enter, 'zfs-fuse', '--no-daemon', '--no-kstat-mount'], { stdio: 'ignore', cwd: '/' });
    for (;;) {
      if ((await within('zpool', ['list'], patiently())).exitCode === 0) break;
      if (daemon.exitCode !== null) throw new Error(`zfs-fuse ended with ${daemon.exitCode}`);
      await delay(20);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  let users = 0;
  return {
    kind: 'zfs-fuse',
    pid: holder.pid,
    run: within,
    pipes: pipesBy((file, args) => ['nsenter', [...enter, file, ...args]]),
    folder: '/run/test',
    write: (path, text) => writeFile(seen(path), text),
    read: (path) => readFile(seen(path), 'utf8').catch(() => undefined),
    fits: (path, bytes) => fits(seen(path), bytes),
    async use(folder) {
      const place = join('/run/test', `user-${++users}`);
      await must('mkdir', place);
      await must('mount', '--bind', folder, place);
      const container = await ownMounts(place, holder.pid);
      await must('umount', place);
      return () => container.end();
    },
    dispose,
  };
}

/** That of this host where its kernel has one; else a machine is booted, which `dispose` ends. */
export const openZfs = (): Promise<ZfsMachine> => (hasHostZfs() ? hostZfs() : bootedZfs());

async function bootedZfs(): Promise<ZfsMachine> {
  const machine = machineFolder();
  if (machine === undefined) throw new Error('there is no OpenZFS machine');
  const outside = await mkdtemp(join(tmpdir(), 'floatlab-openzfs-'));
  const port = String(await freePort());
  const stop = async () => {
    const pid = Number(await readFile(join(outside, 'pid'), 'utf8').catch(() => ''));
    if (pid > 1 && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL');
    for (let look = 0; existsSync(join(outside, 'ssh')) && look < 50; look++) await delay(20);
    await rm(outside, { recursive: true, force: true });
  };
  try {
    // It waits for the machine itself, up to a minute and a half.
    const started = await run(join(machine, 'start'), [outside, port], { ...patiently(), timeoutMs: 100_000 });
    if (started.exitCode !== 0) throw new Error(`the OpenZFS machine did not start: ${started.stderr}`);
  } catch (error) {
    await stop();
    throw error;
  }
  const inTurn = fewAtOnce(maxSessions);
  const within: RunCommand = (file, args, options) =>
    // A shell reads the line at the other end.
    inTurn(() => run(join(machine, 'in'), [outside, port, [file, ...args].map(quoted).join(' ')], options));
  const shell = (script: string, ...args: string[]) => within('sh', ['-c', script, 'sh', ...args], patiently());
  let users = 0;
  let random: Promise<unknown> | undefined;
  return {
    kind: 'OpenZFS',
    run: within,
    pipes: pipesBy((file, args) => [join(machine, 'in'), [outside, port, [file, ...args].map(quoted).join(' ')]]),
    folder: '/run/test',
    async write(path, text) {
      // In pieces: one argument has at most 128 KiB.
      for (let at = 0; at === 0 || at < text.length; at += mostWritten) {
        const piece = text.slice(at, at + mostWritten);
        const ran = await shell(`printf %s "$2" ${at === 0 ? '>' : '>>'} "$1"`, path, piece);
        if (ran.exitCode !== 0) throw new Error(ran.stderr);
      }
    },
    async read(path) {
      const ran = await shell('cat "$1"', path);
      return ran.exitCode === 0 ? ran.stdout : undefined;
    },
    async fits(path, bytes) {
      // Chance costs an emulated machine more than writing does, and so do small blocks: it is made once.
      random ??= within('dd', ['if=/dev/urandom', `of=${randomFile}`, 'bs=1048576', 'count=64'], atLeisure());
      await random;
      const size = bytes % largeBlock === 0 ? largeBlock : 4096;
      const blocks = [`bs=${bytes < size ? bytes : size}`, `count=${Math.max(1, Math.ceil(bytes / size))}`];
      const ran = await within('dd', [`if=${randomFile}`, `of=${path}`, ...blocks, 'conv=fsync'], atLeisure());
      if (ran.exitCode === 0) return true;
      if (/quota exceeded|No space left/.test(ran.stderr)) return false;
      throw new Error(ran.stderr);
    },
    async use(folder) {
      const place = `/run/test/user-${++users}`;
      const ran = await shell(
        'mkdir "$2" && mount --bind "$1" "$2" && { unshare -m sleep 1000 >/dev/null 2>&1 </dev/null & pid=$!; ' +
          'until [ "$(readlink /proc/$pid/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]; do :; done; umount "$2"; echo $pid; }',
        folder,
        place,
      );
      if (ran.exitCode !== 0) throw new Error(ran.stderr);
      return async () => {
        await shell('kill "$1"; while [ -d "/proc/$1" ]; do sleep 0.05; done', ran.stdout.trim());
      };
    },
    dispose: stop,
  };
}

/** Streams of a machine, by what runs a command there. */
function pipesBy(
  there: (file: string, args: readonly string[]) => readonly [file: string, args: readonly string[]],
): Pipes {
  return {
    read: (file, args, options) => pipes.read(...there(file, args), options),
    write: (file, args, options) => pipes.write(...there(file, args), options),
  };
}

/** Why there can be no zfs-fuse here, for `describeReal`; undefined when there can. */
export function missingZfsFuse(): string | undefined {
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  const sysAdmin = 21n;
  if (((BigInt(`0x${capabilities}`) >> sysAdmin) & 1n) === 0n) return 'the right to mount (root)';
  const program = missingProgram('zfs-fuse', 'zfs', 'zpool', 'unshare', 'nsenter');
  if (program !== undefined) return program;
  if (existsSync('/dev/zfs')) return 'a machine without zfs in its kernel, for zfs-fuse,';
  return existsSync('/dev/fuse') ? undefined : 'fuse in the kernel';
}

/** Why there can be no OpenZFS here. */
export function missingOpenZfs(): string | undefined {
  if (hasHostZfs()) return missingProgram('zfs', 'zpool');
  if (machineFolder() === undefined) return 'an OpenZFS machine (FLOATLAB_OPENZFS_VM)';
  return missingProgram('qemu-system-x86_64', 'ssh');
}

/** A folder with the programs `start` and `in`. */
function machineFolder(): string | undefined {
  const checkout = fileURLToPath(new URL('..', import.meta.url));
  const places = [process.env['FLOATLAB_OPENZFS_VM'], resolve(checkout, '..', 'shared', 'openzfs-vm')];
  return places.find((place) => place !== undefined && existsSync(join(place, 'start')));
}

function missingProgram(...programs: string[]): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const missing = programs.find((program) => !folders.some((folder) => existsSync(join(folder, program))));
  return missing === undefined ? undefined : `the program ${missing}`;
}

/** The machine has ten sessions, of which streams need some. */
const maxSessions = 5;

/** @returns what runs works, so many at once, the others in the order in which they came */
function fewAtOnce(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((go) => waiting.push(go));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}

/** Characters, each of up to three bytes. */
const mostWritten = 30_000;
const randomFile = '/run/test-random';
const largeBlock = 128 * 1024;

const atLeisure = () => ({ ...patiently(), timeoutMs: 300_000 });

const patiently = () => ({
  signal: new AbortController().signal,
  timeoutMs: 60_000,
  progress: () => undefined,
});

/** For a POSIX shell: one word, whatever is in it. */
const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

async function ended(child: ChildProcess | undefined, signal?: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  if (signal) child.kill(signal);
  const late = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(late);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
