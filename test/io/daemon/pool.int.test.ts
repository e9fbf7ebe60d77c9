/** The pool of a node, made for real in a private folder. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PoolOptions } from '#io/daemon/pool.ts';
import { ensurePool, releasePool } from '#io/daemon/pool.ts';
import { IoError } from '#io/devices/error.ts';
import type { RunCommand } from '#io/devices/run.ts';
import { run } from '#io/devices/run.ts';
import { btrfsVolumes } from '#io/devices/volumes/btrfs/real.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

const GiB = 2 ** 30;
const of = { pool: 'main', name: 'db' };
const steps = ['reserved', 'formatted', 'made', 'mounted', 'there', 'folders', 'quota', 'remembered'];

describeReal('the pool of a node', missingBtrfs(), () => {
  let dataDir: string;
  let said: string[];
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'floatlab-data-'));
    said = [];
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await releasePool({ dataDir });
    await rm(dataDir, { recursive: true });
  });

  const log = { info: (text: string) => void said.push(text), warn: (text: string) => void said.push(`! ${text}`) };
  const ensure = (more: Partial<PoolOptions> = {}) => ensurePool({ dataDir, sizeBytes: GiB, log, ...more });
  const image = () => join(dataDir, 'pool', 'pool.img');
  const mountpoint = () => join(dataDir, 'pool', 'mnt');
  const tool = async (file: string, ...args: string[]) => {
    const ran = await run(file, args, patient());
    if (ran.exitCode !== 0) throw new Error(ran.stderr);
    return ran.stdout;
  };
  const loops = async () =>
    existsSync(image()) ? tool('losetup', '--noheadings', '--output', 'NAME', '--associated', image()) : '';
  /** A process that begins while the pool is mounted may hold it a little longer: any program with mounts of its own. */
  const released = () =>
    vi.waitFor(async () => expect(await releasePool({ dataDir })).toBe(true), { timeout: 60_000, interval: 500 });
  const volumes = (path: string) => btrfsVolumes({ pools: [{ name: 'main', mountpoint: path }] });
  const isReserved = async () => {
    const { size, blocks } = await stat(image());
    return blocks * 512 >= size;
  };

  test('where there is no btrfs, it is a file with a btrfs in it, ready for volumes', async () => {
    const pool = await ensure();
    expect(pool).toEqual({ name: 'main', kind: 'image', mountpoint: mountpoint() });
    const port = volumes(pool.mountpoint);
    expect(await port.create(of, { sizeBytes: 64 * 2 ** 20 }, patient())).toMatchObject({ sizeBytes: 64 * 2 ** 20 });
    expect(await port.pools(patient())).toMatchObject([{ name: 'main', state: 'online', sizeBytes: GiB }]);
    expect((await stat(image())).mode & 0o077).toBe(0);
    expect(said.join('\n')).toContain(image());
  });

  test('its space is taken from the host at once, and stays taken when files are deleted', async () => {
    const pool = await ensure();
    expect(await isReserved()).toBe(true);
    const { path } = await volumes(pool.mountpoint).create(of, { sizeBytes: 512 * 2 ** 20 }, patient());
    await writeFile(join(path, 'big'), Buffer.alloc(200 * 2 ** 20, 'x'), { flush: true });
    await rm(join(path, 'big'));
    await tool('btrfs', 'filesystem', 'sync', path);
    await volumes(pool.mountpoint).destroy(of, { scrub: false }, patient());
    await releasePool({ dataDir });
    expect(await isReserved()).toBe(true);
  });

  test('holes that something made in the file are filled again', async () => {
    await ensure();
    await releasePool({ dataDir });
    await tool('fallocate', '--punch-hole', '--offset', String(600 * 2 ** 20), '--length', '1000000', image());
    expect(await isReserved()).toBe(false);
    await ensure();
    expect(await isReserved()).toBe(true);
  });

  test('a second start finds it as it is; after a reboot it is mounted again, with everything in it', async () => {
    const pool = await ensure();
    const { path } = await volumes(pool.mountpoint).create(of, { sizeBytes: 64 * 2 ** 20 }, patient());
    await writeFile(join(path, 'file'), 'one');
    expect(await ensure()).toEqual(pool);
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('one');
    await releasePool({ dataDir });
    expect(existsSync(join(path, 'file'))).toBe(false);
    expect(await ensure({ sizeBytes: undefined })).toEqual(pool);
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('one');
  });

  /** As a container does it whose root has a volume mounted. */
  const plant = async (path: string) => {
    await tool('mknod', '-m', '666', join(path, 'null'), 'c', '1', '3');
    await copyFile('/usr/bin/id', join(path, 'id'));
    await chmod(join(path, 'id'), 0o4755);
    await mkdir(join(path, 'shared'));
    await chmod(join(path, 'shared'), 0o2775);
    await chown(join(path, 'shared'), 0, 50);
  };
  const codeOfErrno = (work: Promise<unknown>) => work.then(String, ({ code }: NodeJS.ErrnoException) => code);
  const asNobody = async (file: string, ...args: string[]) => tool('setpriv', '--reuid=65534', file, ...args);

  test('device nodes and setuid programs that an app leaves in its volume have no effect on the host', async () => {
    const pool = await ensure();
    const { path } = await volumes(pool.mountpoint).create(of, { sizeBytes: 64 * 2 ** 20 }, patient());
    await plant(path);
    // With the rights that the daemon gives to the way there, everybody may come to the volume.
    await chmod(dataDir, 0o711);
    expect(await codeOfErrno(writeFile(join(path, 'null'), 'x'))).toBe('EACCES');
    expect((await asNobody(join(path, 'id'), '-u')).trim()).toBe('65534');
    // What is shared by a group stays so, and programs run.
    await writeFile(join(path, 'shared', 'file'), '');
    expect((await stat(join(path, 'shared', 'file'))).gid).toBe(50);
  });

  test('one that was mounted without these bounds gets them at the next start, in use or not', async () => {
    const pool = await ensure();
    const { path } = await volumes(pool.mountpoint).create(of, { sizeBytes: 64 * 2 ** 20 }, patient());
    await tool('mount', '-o', 'remount,bind,dev,suid,noatime', pool.mountpoint);
    await plant(path);
    await writeFile(join(path, 'null'), 'x');
    await chmod(dataDir, 0o711);
    // It prints whom it acts for: the setuid bit works here.
    expect((await asNobody(join(path, 'id'), '-u')).trim()).toBe('0');
    const user = spawn('sleep', ['60'], { cwd: pool.mountpoint });
    try {
      await new Promise((resolve) => user.once('spawn', resolve));
      expect(await ensure()).toEqual(pool);
    } finally {
      const gone = new Promise((resolve) => user.once('exit', resolve));
      user.kill();
      await gone;
    }
    expect(await codeOfErrno(writeFile(join(path, 'null'), 'x'))).toBe('EACCES');
    expect((await asNobody(join(path, 'id'), '-u')).trim()).toBe('65534');
    expect(await tool('findmnt', '--noheadings', '--output', 'OPTIONS', pool.mountpoint)).toMatch(/noatime/);
  });

  const sizeInside = async (path: string) => (await volumes(path).pools(patient()))[0]?.sizeBytes;

  test('grows when a larger size is asked for, in use or not, and keeps what is in it', async () => {
    const pool = await ensure();
    const { path } = await volumes(pool.mountpoint).create(of, { sizeBytes: 64 * 2 ** 20 }, patient());
    await writeFile(join(path, 'file'), 'one');
    // Mounted, as after a restart of the daemon.
    expect(await ensure({ sizeBytes: 1.5 * GiB })).toEqual(pool);
    expect([await sizeInside(pool.mountpoint), (await stat(image())).size]).toEqual([1.5 * GiB, 1.5 * GiB]);
    expect(await isReserved()).toBe(true);
    await released();
    // Not mounted, as after a reboot.
    await ensure({ sizeBytes: 2 * GiB });
    expect([await sizeInside(pool.mountpoint), await isReserved()]).toEqual([2 * GiB, true]);
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('one');
    expect(await ensure({ sizeBytes: undefined })).toEqual(pool);
    expect(await sizeInside(pool.mountpoint)).toBe(2 * GiB);
  });

  test('whose growth was interrupted gets its whole file at the next start', async () => {
    const pool = await ensure();
    const dying = ensure({
      sizeBytes: 2 * GiB,
      step: (step) => {
        if (step === 'grown') throw new Error('crash');
      },
    });
    await expect(dying).rejects.toThrow('crash');
    expect([await sizeInside(pool.mountpoint), (await stat(image())).size]).toEqual([GiB, 2 * GiB]);
    await ensure({ sizeBytes: 2 * GiB });
    expect(await sizeInside(pool.mountpoint)).toBe(2 * GiB);
  });

  test('does not become smaller: that is refused, and says why', async () => {
    await ensure({ sizeBytes: 1.5 * GiB });
    await expect(ensure({ sizeBytes: GiB })).rejects.toMatchObject({
      code: 'INVALID',
      message: expect.stringContaining('has 1.5 GiB, and --pool-size says 1 GiB: it cannot become smaller'),
      hint: 'Leave --pool-size out, or say at least 1.5 GiB.',
    });
    expect(await ensure({ sizeBytes: undefined })).toMatchObject({ kind: 'image' });
  });

  test('that cannot grow because the disk is full stays as it was', async () => {
    const pool = await ensure();
    await expect(ensure({ sizeBytes: 2 ** 50 })).rejects.toMatchObject({ code: 'NO_SPACE' });
    // It was there when somebody looked, and gone when it was reserved.
    const full: RunCommand = async (file, args, options) => {
      if (file !== 'fallocate') return run(file, args, options);
      await truncate(image(), 1.25 * GiB);
      return { stdout: '', stderr: 'fallocate: fallocate failed: No space left on device', exitCode: 1 };
    };
    expect(await codeOf(ensure({ sizeBytes: 2 * GiB, run: full }))).toBe('NO_SPACE');
    expect((await stat(image())).size).toBe(GiB);
    expect(await ensure()).toEqual(pool);
    expect(await sizeInside(pool.mountpoint)).toBe(GiB);
  });

  test('the steps are the ones that are tested here', async () => {
    const taken: string[] = [];
    await ensure({ step: (step) => void taken.push(step) });
    expect(taken).toEqual(steps);
  });

  test.each(steps)('a start that dies after "%s" is finished by the next one', async (fatal) => {
    const dying = ensure({
      step: (step) => {
        if (step === fatal) throw new Error('crash');
      },
    });
    await expect(dying).rejects.toThrow('crash');
    const pool = await ensure();
    expect(await readdir(join(dataDir, 'pool'))).toEqual(['mnt', 'pool.img', 'pool.json']);
    await volumes(pool.mountpoint).create(of, { sizeBytes: 64 * 2 ** 20 }, patient());
    expect(await ensure()).toEqual(pool);
  });

  test('a loop device that was left behind is used, and given back', async () => {
    await ensure();
    await released();
    await tool('losetup', '--find', image());
    await ensure();
    expect((await loops()).split('\n')).toHaveLength(1);
    await released();
    expect(await loops()).toBe('');
  });

  test('something else that is mounted in its place is not used', async () => {
    await ensure();
    await releasePool({ dataDir });
    await tool('mount', '-t', 'tmpfs', 'tmpfs', mountpoint());
    try {
      await expect(ensure()).rejects.toMatchObject({ code: 'EXISTS', hint: expect.stringContaining('umount') });
      expect(await readdir(mountpoint())).toEqual([]);
      await releasePool({ dataDir });
      expect(await tool('findmnt', '--noheadings', '--output', 'FSTYPE', mountpoint())).toBe('tmpfs');
    } finally {
      await tool('umount', mountpoint());
    }
    await ensure();
  });

  test('files below its mount point are not hidden by it', async () => {
    await mkdir(mountpoint(), { recursive: true });
    await writeFile(join(mountpoint(), 'stray'), '');
    await expect(ensure()).rejects.toMatchObject({ code: 'INVALID', message: expect.stringContaining('stray') });
  });

  test('a file that is damaged is not formatted again', async () => {
    await mkdir(join(dataDir, 'pool'), { recursive: true });
    await writeFile(image(), 'precious');
    await truncate(image(), 2 ** 20);
    expect(await codeOf(ensure())).toBe('DAMAGED');
    expect((await readFile(image(), 'utf8')).startsWith('precious')).toBe(true);
  });

  test('a file that is gone is not replaced by an empty one', async () => {
    await ensure();
    await releasePool({ dataDir });
    await rm(image());
    expect(await codeOf(ensure())).toBe('POOL_MISSING');
    expect(existsSync(image())).toBe(false);
    await rm(join(dataDir, 'pool', 'pool.json'));
    await ensure();
  });

  test('a pool in use is not released', async () => {
    const pool = await ensure();
    const user = spawn('sleep', ['60'], { cwd: pool.mountpoint });
    try {
      await new Promise((resolve) => user.once('spawn', resolve));
      expect(await codeOf(releasePool({ dataDir }))).toBe('BUSY');
    } finally {
      const gone = new Promise((resolve) => user.once('exit', resolve));
      user.kill();
      await gone;
    }
    await releasePool({ dataDir });
    await releasePool({ dataDir });
  });

  test('where the data folder is on btrfs, it is a folder there', async () => {
    const host = await tempPool();
    try {
      const onBtrfs = join(host.mountpoint, 'var', 'lib');
      const pool = await ensure({ dataDir: onBtrfs });
      expect(pool).toEqual({ name: 'main', kind: 'folder', mountpoint: join(onBtrfs, 'pool', 'btrfs') });
      expect(existsSync(join(onBtrfs, 'pool', 'pool.img'))).toBe(false);
      expect(await volumes(pool.mountpoint).create(of, { sizeBytes: 2 ** 25 }, patient())).toMatchObject({
        sizeBytes: 2 ** 25,
      });
      expect(await ensure({ dataDir: onBtrfs })).toEqual(pool);
    } finally {
      await host.dispose();
    }
  });

  test('a folder on btrfs that the settings name is used', async () => {
    const host = await tempPool();
    try {
      const pool = await ensure({ mountpoint: host.mountpoint, name: 'tank' });
      expect(pool).toEqual({ name: 'tank', kind: 'given', mountpoint: host.mountpoint });
      // Its mount belongs to somebody else, who is told what it lacks.
      expect(said.join('\n')).toContain(`! ${host.mountpoint} is mounted without nodev and nosuid`);
      await tool('mount', '-o', 'remount,bind,nodev,nosuid', host.mountpoint);
      said = [];
      await ensure({ mountpoint: host.mountpoint, name: 'tank' });
      expect(said.join('\n')).not.toContain('nosuid');
      expect(existsSync(image())).toBe(false);
      expect(await codeOf(ensure({ mountpoint: dataDir }))).toBe('POOL_MISSING');
      expect(await codeOf(ensure({ mountpoint: join(dataDir, 'nothing') }))).toBe('POOL_MISSING');
    } finally {
      await host.dispose();
    }
  });

  test('when the disk of a named pool is not mounted, the folder below it is not taken for the pool', async () => {
    const [host, disk] = [await tempPool(), await tempPool()];
    const place = join(host.mountpoint, 'tank');
    try {
      await mkdir(place);
      await tool('mount', '--bind', disk.mountpoint, place);
      const pool = await ensure({ mountpoint: place });
      await volumes(pool.mountpoint).create(of, { sizeBytes: 2 ** 25 }, patient());
      await tool('umount', place);
      expect(await codeOf(ensure({ mountpoint: place }))).toBe('POOL_MISSING');
      expect(await readdir(place)).toEqual([]);
      await tool('mount', '--bind', disk.mountpoint, place);
      expect(await ensure({ mountpoint: place })).toEqual(pool);
      expect(await volumes(pool.mountpoint).list('main', patient())).toEqual(['db']);
      await tool('umount', place);
    } finally {
      await host.dispose();
      await disk.dispose();
    }
  });

  test('without the rights of root it says so, before it writes anything', async () => {
    vi.spyOn(process, 'geteuid').mockReturnValue(1000);
    await expect(ensure()).rejects.toMatchObject({ code: 'PERMISSION', hint: expect.stringContaining('root') });
    expect(await readdir(join(dataDir, 'pool'))).toEqual([]);
  });

  /** All commands are real, but for one. */
  const except = (file: string, instead: RunCommand): RunCommand =>
    async function (name, args, options) {
      return name === file ? instead(name, args, options) : run(name, args, options);
    };
  const says =
    (stderr: string): RunCommand =>
    async () => ({ stdout: '', stderr, exitCode: 1 });

  test('without btrfs-progs it says what to install, and leaves no half-made file', async () => {
    const missing: RunCommand = async (file, _args, options) => run(`${file}-is-not-here`, [], options);
    await expect(ensure({ run: except('mkfs.btrfs', missing) })).rejects.toMatchObject({
      code: 'FAILED',
      hint: expect.stringContaining('btrfs-progs'),
    });
    expect(await readdir(join(dataDir, 'pool'))).toEqual([]);
  });

  test.each([
    ['mount: /x: failed to setup loop device for /y.', 'FAILED', /modprobe loop/],
    ["mount: /x: unknown filesystem type 'btrfs'.", 'FAILED', /kernel has no btrfs/],
    ['mount: /x: must be superuser to use mount.', 'PERMISSION', /root/],
  ])('when the mount says %j, there is a hint', async (stderr, code, hint) => {
    const error = await ensure({ run: except('mount', says(stderr)) }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(IoError);
    expect(error).toMatchObject({ code, hint: expect.stringMatching(hint) });
    await ensure();
  });

  test('a disk that fills up meanwhile leaves no half-made file', async () => {
    const full = except('fallocate', says('fallocate: fallocate failed: No space left on device'));
    expect(await codeOf(ensure({ run: full }))).toBe('NO_SPACE');
    expect(await readdir(join(dataDir, 'pool'))).toEqual([]);
  });
});
