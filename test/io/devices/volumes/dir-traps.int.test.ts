/** What plain folders and copies do without a word, and FloatLab must not: each test is one such trap, on a real ext4. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RunCommand } from '#io/devices/run.ts';
import { run } from '#io/devices/run.ts';
import { prepareDirPool } from '#io/devices/volumes/dir/pool.ts';
import { dirVolumes } from '#io/devices/volumes/dir/real.ts';
import type { Dataset } from '#io/devices/volumes/port.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import type { TempDisk } from './dir-pool.ts';
import { missingExt4, tempDisk, tool } from './dir-pool.ts';
import { getAttribute, posixAcl, setAttribute } from './attributes.ts';

const MiB = 2 ** 20;
const spec = { sizeBytes: 32 * MiB };
const gone = { scrub: false };

describeReal('volumes in a plain folder', missingExt4(), () => {
  let pool: TempDisk;
  let of: Dataset;
  let live: string;
  let count = 0;
  let cleanUp: (() => Promise<unknown>)[];
  beforeAll(async () => {
    pool = await tempDisk(64 * MiB);
  });
  afterAll(() => pool?.dispose());
  beforeEach(async () => {
    cleanUp = [];
    of = { pool: 'test', name: `set-${++count}` };
    live = (await pool.volumes.create(of, spec, patient())).path;
    await fs.writeFile(join(live, 'file'), 'one');
  });
  afterEach(async () => {
    for (const undo of cleanUp.toReversed()) await undo();
  });
  const snapshot = async (name: string) => {
    await pool.volumes.snapshot(of, name, patient());
    return pool.volumes.snapshotPath(of, name, patient());
  };
  const mountAt = async (place: string, from: string) => {
    await tool('mount', '--bind', from, place);
    cleanUp.push(() => tool('umount', place));
  };
  const outside = async (name: string) => {
    const path = join(pool.folder, name);
    await fs.mkdir(path);
    return path;
  };

  describe('a copy keeps', () => {
    /** In the snapshot, in what was rolled back to it, and in a clone of it. */
    const everywhere = async (look: (folder: string) => Promise<void>) => {
      await look(live);
      await look(await snapshot('s'));
      await pool.volumes.rollback(of, 's', 'stash', patient());
      await look(live);
      const into = { ...of, name: `${of.name}-clone` };
      await look((await pool.volumes.clone(of, 's', into, spec, patient())).path);
    };

    test('owners, modes with setuid, setgid and sticky bits, and times to the nanosecond', async () => {
      const file = join(live, 'file');
      await fs.chown(file, 1234, 2345);
      await fs.chmod(file, 0o6751);
      await fs.utimes(file, 1_000_000_000.25, 1_000_000_000.25);
      await fs.mkdir(join(live, 'shared'));
      await fs.chmod(join(live, 'shared'), 0o1777);
      await fs.utimes(join(live, 'shared'), 1_000_000_001, 1_000_000_001);
      const kept = ({ uid, gid, mode, mtimeNs }: { uid: bigint; gid: bigint; mode: bigint; mtimeNs: bigint }) => ({
        ...{ uid, gid, mode, mtimeNs },
      });
      const [a, b] = [
        kept(await fs.lstat(file, { bigint: true })),
        kept(await fs.lstat(join(live, 'shared'), { bigint: true })),
      ];
      await everywhere(async (folder) => {
        expect(kept(await fs.lstat(join(folder, 'file'), { bigint: true }))).toEqual(a);
        expect(kept(await fs.lstat(join(folder, 'shared'), { bigint: true }))).toEqual(b);
      });
      expect(a).toMatchObject({ uid: 1234n, gid: 2345n, mode: 0o106751n });
    });

    test('hard links, as links among themselves and not to the original', async () => {
      await fs.mkdir(join(live, 'deep'));
      await fs.link(join(live, 'file'), join(live, 'deep', 'same'));
      const seen = new Set<number>();
      await everywhere(async (folder) => {
        const [a, b] = [await fs.stat(join(folder, 'file')), await fs.stat(join(folder, 'deep', 'same'))];
        expect([a.ino, a.nlink]).toEqual([b.ino, 2]);
        seen.add(a.ino);
      });
      // The snapshot's, the clone's, that of the rollback; the first one is in the stash.
      expect(seen.size).toBe(4);
    });

    test('holes: a sparse file of 8 GiB takes no room', async () => {
      await fs.truncate(join(live, 'file'), 8 * 1024 * MiB);
      await everywhere(async (folder) => {
        const { size, blocks } = await fs.stat(join(folder, 'file'));
        expect(size).toBe(8 * 1024 * MiB);
        expect(blocks * 512).toBeLessThan(MiB);
      });
    });

    test('extended attributes and access control lists', async () => {
      const acl = posixAcl(1234);
      setAttribute(join(live, 'file'), 'user.note', Buffer.from('kept'));
      setAttribute(join(live, 'file'), 'system.posix_acl_access', acl);
      setAttribute(live, 'system.posix_acl_default', acl);
      setAttribute(join(live, 'file'), 'trusted.note', Buffer.from('root'));
      await everywhere(async (folder) => {
        expect(getAttribute(join(folder, 'file'), 'user.note')).toEqual(Buffer.from('kept'));
        expect(getAttribute(join(folder, 'file'), 'trusted.note')).toEqual(Buffer.from('root'));
        expect(getAttribute(join(folder, 'file'), 'system.posix_acl_access')).toEqual(acl);
        expect(getAttribute(folder, 'system.posix_acl_default')).toEqual(acl);
      });
    });

    test('symbolic links as they are, fifos, sockets and device nodes', async () => {
      await fs.symlink('/nowhere/at all', join(live, 'link'));
      await tool('mkfifo', join(live, 'fifo'));
      await tool('mknod', join(live, 'null'), 'c', '1', '3');
      const server = createServer().listen(join(live, 'socket'));
      await once(server, 'listening');
      try {
        await everywhere(async (folder) => {
          expect(await fs.readlink(join(folder, 'link'))).toBe('/nowhere/at all');
          expect((await fs.lstat(join(folder, 'fifo'))).isFIFO()).toBe(true);
          expect((await fs.lstat(join(folder, 'socket'))).isSocket()).toBe(true);
          const device = await fs.lstat(join(folder, 'null'));
          expect([device.isCharacterDevice(), device.rdev]).toEqual([true, 0x103]);
        });
      } finally {
        server.close();
        await once(server, 'close');
      }
    });

    test('names in any encoding, with line breaks, and those that look like options', async () => {
      const names = [Buffer.from([0xff, 0xfe, 0x20]), Buffer.from('a\nb'), Buffer.from('-rf'), Buffer.from('é')];
      for (const name of names) await fs.writeFile(Buffer.concat([Buffer.from(`${live}/`), name]), name);
      await everywhere(async (folder) => {
        for (const name of names)
          expect(await fs.readFile(Buffer.concat([Buffer.from(`${folder}/`), name]))).toEqual(name);
        expect(await fs.readdir(folder)).toHaveLength(names.length + 1);
      });
    });
  });

  test('only root reaches the files, but by a container: a setuid program of an app is of no use on the host', async () => {
    await snapshot('s');
    for (const folder of [pool.home(of), join(pool.home(of), 'snapshots'), join(pool.home(of), 'snapshots', 's')])
      expect((await fs.stat(folder)).mode & 0o777).toBe(0o700);
  });

  test('what is mounted inside is neither copied, moved nor deleted', async () => {
    await snapshot('s');
    const place = join(live, 'inside');
    const theirs = await outside(of.name);
    await fs.writeFile(join(theirs, 'file'), 'theirs');
    await fs.mkdir(place);
    await mountAt(place, theirs);
    expect(await codeOf(pool.volumes.snapshot(of, 't', patient()))).toBe('INVALID');
    expect(await codeOf(pool.volumes.rollback(of, 's', 't', patient()))).toBe('INVALID');
    expect(await codeOf(pool.volumes.destroy(of, gone, patient()))).toBe('INVALID');
    expect(await fs.readFile(join(theirs, 'file'), 'utf8')).toBe('theirs');
    expect(await pool.volumes.snapshots(of, patient())).toHaveLength(1);
  });

  test('a symbolic link in place of a folder of ours leads nowhere', async () => {
    await snapshot('s');
    const theirs = await outside(of.name);
    for (const place of [pool.home(of), live, join(pool.home(of), 'snapshots')]) {
      const kept = join(pool.path, 'kept');
      await fs.rename(place, kept);
      await fs.symlink(theirs, place);
      expect(await codeOf(pool.volumes.create(of, spec, patient())), place).toBe('INVALID');
      expect(await codeOf(pool.volumes.snapshot(of, 't', patient())), place).toBe('INVALID');
      expect(await codeOf(pool.volumes.rollback(of, 's', 't', patient())), place).toBe('INVALID');
      await fs.rm(place);
      await fs.rename(kept, place);
    }
    expect(await fs.readdir(theirs)).toEqual([]);
  });

  test('what somebody else keeps among our folders is neither listed nor removed', async () => {
    const foreign = join(pool.path, 'floatlab', 'volumes', 'foreign');
    await fs.mkdir(foreign);
    await fs.mkdir(join(pool.home(of), 'snapshots', 'theirs'));
    expect(await pool.volumes.list('test', patient())).not.toContain('foreign');
    expect(await pool.volumes.snapshots(of, patient())).toEqual([]);
    expect(await codeOf(pool.volumes.snapshot(of, 'theirs', patient()))).toBe('INVALID');
    expect(await codeOf(pool.volumes.removeSnapshots(of, ['theirs'], patient()))).toBe('INVALID');
    expect(await codeOf(pool.volumes.destroy(of, gone, patient()))).toBe('INVALID');
    await fs.rmdir(join(pool.home(of), 'snapshots', 'theirs'));
    await fs.writeFile(join(pool.home(of), 'note'), 'mine');
    expect(await codeOf(pool.volumes.destroy(of, gone, patient()))).toBe('INVALID');
    expect([existsSync(live), existsSync(foreign)]).toEqual([true, true]);
    await fs.rmdir(foreign);
  });

  test('a dataset whose files are gone, but not its snapshots, is not made anew and empty', async () => {
    const files = await snapshot('s');
    await fs.rm(live, { recursive: true });
    expect(await codeOf(pool.volumes.create(of, spec, patient()))).toBe('DAMAGED');
    expect(await pool.volumes.inspect(of, patient())).toBeUndefined();
    await tool('cp', '-a', files, live);
    await pool.volumes.create(of, spec, patient());
    expect(await pool.volumes.snapshots(of, patient())).toHaveLength(1);
  });

  test('a full disk answers NO_SPACE, and is as full as before', async () => {
    const free = async () => (await fs.statfs(pool.path)).bfree;
    await snapshot('s');
    // Known to be small, so that the copy begins.
    await pool.volumes.inspect(of, patient());
    await fs.writeFile(join(live, 'big'), randomBytes(30 * MiB), { flush: true });
    const before = await free();
    expect(await codeOf(pool.volumes.snapshot(of, 'begun', patient()))).toBe('NO_SPACE');
    const refused = await pool.volumes.snapshot(of, 'refused', patient()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'NO_SPACE', message: expect.stringMatching(/takes 30.*MiB, and test has/) });
    await tool('sync', '-f', pool.path);
    expect(await free()).toBe(before);
    await fs.rename(join(live, 'big'), join(live, 'moved'));
    expect((await pool.volumes.snapshots(of, patient())).map(({ name }) => name)).toEqual(['s']);
    await pool.volumes.rollback(of, 's', 'stash', patient());
    expect(await codeOf(pool.volumes.rollback(of, 'stash', 'again', patient()))).toBe('NO_SPACE');
    expect(await fs.readFile(join(live, 'file'), 'utf8')).toBe('one');
    await pool.volumes.destroy(of, gone, patient());
  });

  test('a read-only disk answers READ_ONLY, is degraded, and can still be read', async () => {
    await snapshot('s');
    await tool('mount', '-o', 'remount,ro', pool.path);
    cleanUp.push(() => tool('mount', '-o', 'remount,rw', pool.path));
    expect(await pool.volumes.pools(patient())).toMatchObject([{ state: 'degraded', can: { copyOnWrite: false } }]);
    expect(await codeOf(pool.volumes.snapshot(of, 't', patient()))).toBe('READ_ONLY');
    expect(await codeOf(pool.volumes.create({ ...of, name: 'new' }, spec, patient()))).toBe('READ_ONLY');
    expect(await codeOf(pool.volumes.rollback(of, 's', 't', patient()))).toBe('READ_ONLY');
    expect(await codeOf(pool.volumes.destroy(of, gone, patient()))).toBe('READ_ONLY');
    expect(await pool.volumes.snapshots(of, patient())).toMatchObject([{ name: 's' }]);
    expect(await pool.volumes.inspect(of, patient())).toMatchObject({ path: live });
  });

  test('the folder below the mount point is no pool, not even when it looks like one', async () => {
    await pool.unmount();
    try {
      expect(await codeOf(pool.volumes.create(of, spec, patient()))).toBe('POOL_MISSING');
      await prepareDirPool(pool.path);
      expect(await codeOf(pool.volumes.inspect(of, patient()))).toBe('POOL_MISSING');
      expect(await codeOf(pool.volumes.create(of, spec, patient()))).toBe('POOL_MISSING');
      expect(await fs.readdir(join(pool.path, 'floatlab', 'volumes'))).toEqual([]);
    } finally {
      await fs.rm(join(pool.path, 'floatlab'), { recursive: true, force: true });
      await pool.mount();
    }
    expect(await fs.readFile(join(live, 'file'), 'utf8')).toBe('one');
  });

  test('snapshots and numbers can be read while a copy is made', async () => {
    const begun = deferred();
    const finish = deferred();
    const slowly: RunCommand = async (file, args, options) => {
      if (file === 'cp' && args.includes('--archive')) {
        begun.resolve();
        await finish.promise;
      }
      return run(file, args, options);
    };
    await snapshot('s');
    const volumes = pool.open({ run: slowly });
    await volumes.pools(patient());
    const taking = volumes.snapshot(of, 't', patient());
    await begun.promise;
    expect(await volumes.inspect(of, patient())).toMatchObject({ path: live });
    expect((await volumes.snapshots(of, patient())).map(({ name }) => name)).toEqual(['s']);
    expect(await volumes.snapshotPath(of, 's', patient())).toContain(of.name);
    finish.resolve();
    await taking;
    expect((await volumes.snapshots(of, patient())).map(({ name }) => name)).toEqual(['s', 't']);
  });

  test('a file that vanishes while its folder is copied is left out, and the snapshot is taken', async () => {
    // A name that is listed and cannot be looked up: what a file that vanishes in between looks like.
    const vanishing: RunCommand = async (file, args, options) => {
      if (file !== 'cp' || !args.includes('--archive')) return run(file, args, options);
      const [from = '', to = ''] = args.slice(args.indexOf('--') + 1);
      const options_ = args.filter((arg) => arg !== '--no-target-directory').slice(0, args.indexOf('--') - 1);
      await fs.mkdir(to);
      return run('cp', [...options_, '--', join(from, 'file'), join(from, 'vanished\nfile'), to], options);
    };
    await pool.open({ run: vanishing }).snapshot(of, 't', patient());
    const files = await pool.volumes.snapshotPath(of, 't', patient());
    expect(await fs.readdir(files)).toEqual(['file']);
  });

  describe('a folder that was adopted', () => {
    let native: string;
    let adopted: Dataset;
    beforeEach(async () => {
      native = join(pool.path, `native ${count}`);
      adopted = { ...of, name: `${of.name}-adopted` };
      await fs.mkdir(native);
      await fs.writeFile(join(native, 'file'), 'native');
    });

    test('is known again by its inode: another one in its place is not taken for it', async () => {
      await pool.volumes.adopt(native, adopted, patient());
      await fs.rename(native, `${native} aside`);
      for (const make of [async () => undefined, () => fs.mkdir(native), () => fs.symlink(`${native} aside`, native)]) {
        await make();
        expect(await codeOf(pool.volumes.inspect(adopted, patient()))).toBe('DAMAGED');
        expect(await codeOf(pool.volumes.snapshot(adopted, 's', patient()))).toBe('DAMAGED');
        await fs.rm(native, { recursive: true, force: true });
      }
      expect(await pool.volumes.list('test', patient())).toContain(adopted.name);
      await fs.rename(`${native} aside`, native);
      expect(await pool.volumes.inspect(adopted, patient())).toMatchObject({ path: native });
      await fs.rename(native, `${native} aside`);
      await pool.volumes.release(adopted, patient());
      expect(await pool.volumes.inspect(adopted, patient())).toBeUndefined();
    });

    test('has no files in common with another volume, and does not hold the pool', async () => {
      await fs.mkdir(join(native, 'inner'));
      await pool.volumes.adopt(join(native, 'inner'), adopted, patient());
      const next = { ...of, name: `${of.name}-next` };
      const refused = [
        native,
        join(native, 'inner'),
        live,
        join(live, 'deeper'),
        pool.path,
        join(pool.path, 'floatlab'),
      ];
      await fs.mkdir(join(live, 'deeper'));
      const codes = [];
      for (const path of refused) codes.push(await codeOf(pool.volumes.adopt(path, next, patient())));
      expect(codes).toEqual(['EXISTS', 'EXISTS', 'EXISTS', 'EXISTS', 'INVALID', 'INVALID']);
      await pool.volumes.release(adopted, patient());
    });

    test('is on the file system of the pool, and reached neither through a link nor through another mount', async () => {
      const theirs = await outside(adopted.name);
      await fs.symlink(native, join(pool.path, `link ${count}`));
      await mountAt(theirs, native);
      for (const path of [pool.folder, join(pool.path, `link ${count}`), theirs])
        expect(await codeOf(pool.volumes.adopt(path, adopted, patient())), path).toBe('INVALID');
      await fs.mkdir(join(native, 'inside'));
      await mountAt(join(native, 'inside'), live);
      expect(await codeOf(pool.volumes.adopt(native, adopted, patient()))).toBe('INVALID');
      expect(await pool.volumes.inspect(adopted, patient())).toBeUndefined();
    });
  });

  describe('destroying with overwriting', () => {
    const secret = () => `the secret of ${of.name} `;
    const isOnDisk = async () => {
      await tool('sync', '-f', pool.path);
      return (await fs.readFile(pool.image)).includes(secret());
    };
    const keepSecret = async () => {
      const names = [Buffer.from('a'), Buffer.from('b'), Buffer.from([0xff, 0x0a])];
      for (const name of names)
        await fs.writeFile(Buffer.concat([Buffer.from(`${live}/`), name]), secret().repeat(1000), { flush: true });
      await fs.link(join(live, 'a'), join(live, 'linked'));
      await fs.chmod(join(live, 'b'), 0o000);
      await snapshot('s');
    };

    test('leaves nothing of its files on the disk; without, they stay there', async () => {
      await keepSecret();
      expect(await isOnDisk()).toBe(true);
      await pool.volumes.destroy(of, { scrub: true }, patient());
      expect(await isOnDisk()).toBe(false);
      of = { ...of, name: `${of.name}-b` };
      live = (await pool.volumes.create(of, spec, patient())).path;
      await keepSecret();
      await pool.volumes.destroy(of, gone, patient());
      expect(await isOnDisk()).toBe(true);
    });

    test.each(['marked', 'trashed', 'scrubbed'])('is gone on with when it dies after "%s"', async (fatal) => {
      await keepSecret();
      const step = (name: string) => {
        if (name === fatal) throw new Error('crash');
      };
      await pool
        .open({ step })
        .destroy(of, { scrub: true }, patient())
        .catch(() => undefined);
      await pool.open().destroy(of, gone, patient());
      expect([await isOnDisk(), existsSync(pool.home(of))]).toEqual([false, false]);
      expect(await fs.readdir(join(pool.path, 'floatlab', 'trash'))).toEqual([]);
    });

    test('leaves a file alone that has another name elsewhere, and fills no holes', async () => {
      const theirs = join(pool.path, `kept ${count}`);
      await fs.writeFile(join(live, 'shared'), 'theirs as well');
      await fs.link(join(live, 'shared'), theirs);
      await fs.truncate(join(live, 'file'), 1024 * 1024 * MiB);
      await fs.truncate(join(live, 'shared'), 20);
      const { bfree } = await fs.statfs(pool.path);
      await pool.volumes.destroy(of, { scrub: true }, patient());
      expect(await fs.readFile(theirs, 'utf8')).toBe('theirs as well\0\0\0\0\0\0');
      expect((await fs.statfs(pool.path)).bfree).toBeGreaterThanOrEqual(bfree);
    });
  });

  test('what was answered, and every step of a rollback, is whole after a power cut', async () => {
    const photographed = ['flushed', 'moved-aside', 'moved-in', 'kept', 'recorded', 'cleared'];
    const photographs: string[] = [];
    const photograph = async () => {
      const copy = join(pool.folder, `photograph-${photographs.length}.img`);
      await tool('cp', '--sparse=always', pool.image, copy);
      photographs.push(copy);
    };
    await fs.writeFile(join(live, 'file'), 'one'.repeat(10_000));
    await snapshot('s');
    await photograph();
    await fs.writeFile(join(live, 'file'), 'two');
    await tool('sync', '-f', pool.path);
    const step = (name: string) => (photographed.includes(name) ? photograph() : undefined);
    await pool.open({ step }).rollback(of, 's', 'stash', patient());
    await photograph();
    const place = await outside('after the power cut');
    const outcomes: string[] = [];
    for (const image of photographs) {
      await tool('mount', '-t', 'ext4', '-o', 'loop,noatime,barrier=0', image, place);
      try {
        const volumes = dirVolumes({ pools: [{ name: 'test', folder: place }] });
        const names = (await volumes.snapshots(of, patient())).map(({ name }) => name).join();
        const path = (await volumes.inspect(of, patient()))?.path ?? '';
        const files = await volumes.snapshotPath(of, 's', patient());
        expect(await fs.readFile(join(files, 'file'), 'utf8')).toBe('one'.repeat(10_000));
        outcomes.push(`${names}: ${(await fs.readFile(join(path, 'file'), 'utf8')).slice(0, 3)}`);
        if (names.includes('stash'))
          expect(await fs.readFile(join(await volumes.snapshotPath(of, 'stash', patient()), 'file'), 'utf8')).toBe(
            'two',
          );
      } finally {
        await tool('umount', place);
        await fs.rm(image);
      }
    }
    const [first, ...steps] = outcomes;
    // What was not synced when the photograph was taken does not count.
    expect(first).toMatch(/^s: /);
    const done = steps.indexOf('s,stash: one');
    expect(steps).toEqual(steps.map((_, n) => (n < done ? 's: two' : 's,stash: one')));
    expect([done > 0, steps.at(-1)]).toEqual([true, 's,stash: one']);
  });
});

describeReal('volumes in a plain folder on a file system that shares blocks', missingBtrfs(), () => {
  test('are copied without taking room, and cannot be overwritten', async () => {
    const pool = await tempPool();
    try {
      const folder = join(pool.mountpoint, 'folder');
      await fs.mkdir(folder);
      await prepareDirPool(folder);
      const volumes = dirVolumes({ pools: [{ name: 'test', folder }] });
      const of = { pool: 'test', name: 'db' };
      const [told] = await volumes.pools(patient());
      expect(told?.can).toMatchObject({ copyOnWrite: true, scrubbedDestroy: false });
      const { path } = await volumes.create(of, spec, patient());
      await fs.writeFile(join(path, 'file'), randomBytes(24 * MiB), { flush: true });
      const used = async () => {
        await pool.tool('sync', '-f', folder);
        return (await volumes.pools(patient()))[0]?.usedBytes ?? 0;
      };
      const before = await used();
      for (const name of ['a', 'b', 'c']) await volumes.snapshot(of, name, patient());
      await volumes.clone(of, 'a', { ...of, name: 'clone' }, spec, patient());
      expect((await used()) - before).toBeLessThan(8 * MiB);
      expect(await codeOf(volumes.destroy(of, { scrub: true }, patient()))).toBe('UNSUPPORTED');
      await volumes.destroy(of, gone, patient());
    } finally {
      await pool.dispose();
    }
  });
});

function deferred() {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}
