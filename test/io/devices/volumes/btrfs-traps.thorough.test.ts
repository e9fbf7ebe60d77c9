/** What btrfs does without a word, and FloatLab must not: each test is one such trap, on a real pool. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { btrfsVolumes } from '#io/devices/volumes/btrfs/real.ts';
import type { Dataset } from '#io/devices/volumes/port.ts';
import { codeOf, patient } from '#test/contracts/volumes.ts';
import type { TempPool } from '#test/pool-fixture.ts';
import { missingBtrfs, tempPool } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';
import { localHands } from './local-hands.ts';

const MiB = 2 ** 20;
const size = 32 * MiB;
const of: Dataset = { pool: 'test', name: 'db' };
const other: Dataset = { pool: 'test', name: 'other' };

describeReal('btrfs volumes', missingBtrfs(), () => {
  let pool: TempPool;
  let cleanUp: (() => Promise<unknown>)[];
  beforeEach(async () => {
    cleanUp = [];
    pool = await tempPool();
    for (const dataset of [of, other]) {
      await pool.volumes.create(dataset, { sizeBytes: size }, patient());
      await writeFile(join(home(dataset), 'live', 'file'), dataset.name);
      await pool.volumes.snapshot(dataset, 's', patient());
    }
  });
  afterEach(async () => {
    for (const undo of cleanUp.toReversed()) await undo();
    await pool?.dispose();
  });
  const home = (dataset: Dataset = of) => join(pool.mountpoint, 'floatlab', 'volumes', dataset.name);
  const btrfs = (...args: string[]) => pool.tool('btrfs', ...args);

  /** Has the folder mounted as a container has, until the answer is called. */
  const mountElsewhere = async (folder: string) => {
    const stop = await localHands.use(folder);
    cleanUp.push(stop);
    return stop;
  };

  test('a folder in place of a snapshot is not filled with one', async () => {
    await mkdir(join(home(), 'snapshots', 't'));
    expect(await codeOf(pool.volumes.snapshot(of, 't', patient()))).toBe('INVALID');
    expect(await codeOf(pool.volumes.removeSnapshots(of, ['t'], patient()))).toBe('INVALID');
    expect(await codeOf(pool.volumes.rollback(of, 's', 't', patient()))).toBe('INVALID');
    expect(await readdir(join(home(), 'snapshots', 't'))).toEqual([]);
    expect(await pool.volumes.snapshots(of, patient())).toHaveLength(1);
  });

  test('a symbolic link in place of a folder of ours leads nowhere', async () => {
    const outside = join(pool.folder, 'outside');
    const aside = join(pool.folder, 'aside');
    await mkdir(outside);
    await mkdir(aside);
    const attempts = [
      () => pool.volumes.create(of, { sizeBytes: size }, patient()),
      () => pool.volumes.snapshot(of, 't', patient()),
      () => pool.volumes.rollback(of, 's', 't', patient()),
      () => pool.volumes.adopt(join(pool.mountpoint, 'their-data'), of, patient()),
      () => pool.volumes.clone(other, 's', of, { sizeBytes: size }, patient()),
      () => pool.volumes.destroy(of, { scrub: false }, patient()),
    ];
    await btrfs('subvolume', 'create', join(pool.mountpoint, 'their-data'));
    for (const place of [home(), join(home(), 'live'), join(home(), 'snapshots')]) {
      const kept = join(pool.mountpoint, 'kept');
      await rename(place, kept);
      await symlink(outside, place);
      const refused = place.endsWith('live') ? attempts.slice(0, -1) : attempts;
      for (const attempt of refused) expect(await codeOf(attempt()), place).toBe('INVALID');
      await rm(place);
      await rename(kept, place);
    }
    expect(await readdir(outside)).toEqual([]);
    await symlink(other.name, join(pool.mountpoint, 'floatlab', 'volumes', 'linked'));
    expect(await pool.volumes.list('test', patient())).toEqual(['db', 'other']);
  });

  test('a snapshot is read-only', async () => {
    await expect(writeFile(join(home(), 'snapshots', 's', 'file'), 'changed')).rejects.toThrow('EROFS');
  });

  test('a snapshot that somebody made writable is none any more', async () => {
    await btrfs('property', 'set', '-ts', join(home(), 'snapshots', 's'), 'ro', 'false');
    expect(await pool.volumes.snapshots(of, patient())).toEqual([]);
    expect(await codeOf(pool.volumes.snapshot(of, 's', patient()))).toBe('EXISTS');
  });

  test('a dataset with subvolumes inside cannot be snapshotted or rolled back, but destroyed', async () => {
    await btrfs('subvolume', 'create', join(home(), 'live', 'inner'));
    await btrfs('subvolume', 'create', join(home(), 'live', 'inner', 'deeper'));
    await writeFile(join(home(), 'live', 'inner', 'deeper', 'file'), 'only here');
    expect(await codeOf(pool.volumes.snapshot(of, 't', patient()))).toBe('INVALID');
    expect(await codeOf(pool.volumes.rollback(of, 's', 't', patient()))).toBe('INVALID');
    expect(await readFile(join(home(), 'live', 'inner', 'deeper', 'file'), 'utf8')).toBe('only here');
    await pool.volumes.destroy(of, { scrub: false }, patient());
    expect(existsSync(home())).toBe(false);
  });

  test('names of subvolumes that an app made up do not lead the deletion to another volume', async () => {
    const trash = 'floatlab/trash/db/live';
    const line = (path: string) =>
      `x\nID 256 gen 9 cgen 9 top level 5 parent_uuid - received_uuid - uuid ${'0'.repeat(36)} path ${path}`;
    await symlink(home(other), join(home(), 'live', 'link'));
    // A slash cannot be in a name, but folders of the app can carry the rest of the path.
    const parts = line(`${trash}/link/live`).split('/');
    const folders = join(home(), 'live', ...parts.slice(0, -1));
    await mkdir(folders, { recursive: true });
    await btrfs('subvolume', 'create', join(folders, parts.at(-1) ?? ''));
    await pool.volumes.destroy(of, { scrub: false }, patient());
    expect(await readFile(join(home(other), 'live', 'file'), 'utf8')).toBe('other');
    expect(await pool.volumes.list('test', patient())).toEqual(['other']);
  });

  test('names that an app made up do not become snapshots', async () => {
    const [first = '', ...rest] =
      `x\nID 999 gen 9 cgen 1 top level 5 otime 2020-01-01 00:00:00 parent_uuid - received_uuid - uuid ${'0'.repeat(36)} path floatlab/volumes/db/snapshots/s`.split(
        '/',
      );
    const folders = join(home(other), 'live', first, ...rest.slice(0, -1));
    await mkdir(folders, { recursive: true });
    // Older than the one that it imitates, and so before it in the list.
    await pool.volumes.removeSnapshots(of, ['s'], patient());
    await btrfs('subvolume', 'snapshot', '-r', join(home(other), 'snapshots', 's'), join(folders, rest.at(-1) ?? ''));
    const real = await pool.volumes.snapshot(of, 's', patient());
    expect(await btrfs('subvolume', 'list', '-a', '-c', '-u', '-q', '-R', '-s', '-r', pool.mountpoint)).toContain(
      '\nID 999',
    );
    expect(await pool.volumes.snapshots(of, patient())).toMatchObject([real]);
    await writeFile(join(home(), 'live', 'file'), 'changed');
    await btrfs('filesystem', 'sync', pool.mountpoint);
    // Nor do they say that nothing has changed since.
    expect((await pool.volumes.changes('test', patient())).get('db')).toMatchObject({
      since: real.guid,
      changed: true,
    });
  });

  test('what a container has mounted is neither rolled back nor destroyed', async () => {
    const stop = await mountElsewhere(join(home(), 'live'));
    expect(await codeOf(pool.volumes.rollback(of, 's', 't', patient()))).toBe('BUSY');
    expect(await codeOf(pool.volumes.destroy(of, { scrub: false }, patient()))).toBe('BUSY');
    await pool.volumes.snapshot(of, 'while-it-runs', patient());
    await pool.volumes.rollback(other, 's', 't', patient());
    await stop();
    await pool.volumes.rollback(of, 's', 't', patient());
    await pool.volumes.destroy(of, { scrub: false }, patient());
  });

  test('what another container has for a moment while it starts is waited for', async () => {
    const stop = await mountElsewhere(join(home(), 'live'));
    const done = pool.volumes.rollback(of, 's', 't', patient());
    await delay(300);
    await stop();
    await done;
  });

  test('a snapshot that is mounted, or being sent, is not removed', async () => {
    const stop = await mountElsewhere(join(home(), 'snapshots', 's'));
    expect(await codeOf(pool.volumes.removeSnapshots(of, ['s'], patient()))).toBe('BUSY');
    await pool.volumes.snapshot(of, 'free', patient());
    expect(await codeOf(pool.volumes.removeSnapshots(of, ['s', 'free'], patient()))).toBe('BUSY');
    expect((await pool.volumes.snapshots(of, patient())).map(({ name }) => name)).toEqual(['s']);
    await stop();
    await writeFile(join(home(), 'live', 'big'), Buffer.alloc(8 * MiB, 'x'));
    for (const name of ['big', 'idle']) await pool.volumes.snapshot(of, name, patient());
    const send = spawn('btrfs', ['send', '-q', join(home(), 'snapshots', 'big')], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await once(send.stdout, 'readable');
    expect(await codeOf(pool.volumes.removeSnapshots(of, ['big', 'idle'], patient()))).toBe('BUSY');
    expect((await pool.volumes.snapshots(of, patient())).map(({ name }) => name)).toEqual(['s', 'big']);
    send.kill('SIGKILL');
    send.stdout.destroy();
    await once(send, 'close');
    await pool.volumes.removeSnapshots(of, ['big'], patient());
  });

  test('a read-only pool answers READ_ONLY, is degraded, and can still be read', async () => {
    await pool.tool('mount', '-o', 'remount,ro', pool.mountpoint);
    expect(await pool.volumes.pools(patient())).toMatchObject([{ state: 'degraded' }]);
    expect(await codeOf(pool.volumes.snapshot(of, 't', patient()))).toBe('READ_ONLY');
    expect(await codeOf(pool.volumes.create({ ...of, name: 'new' }, { sizeBytes: size }, patient()))).toBe('READ_ONLY');
    expect(await codeOf(pool.volumes.rollback(of, 's', 't', patient()))).toBe('READ_ONLY');
    expect(await codeOf(pool.volumes.destroy(of, { scrub: false }, patient()))).toBe('READ_ONLY');
    expect(await pool.volumes.snapshots(of, patient())).toMatchObject([{ name: 's' }]);
    expect(await pool.volumes.inspect(of, patient())).toMatchObject({ sizeBytes: size });
  });

  test('without quotas a dataset has no size, and creating one turns them on', async () => {
    await writeFile(join(home(), 'live', 'big'), Buffer.alloc(MiB, 'x'), { flush: true });
    await btrfs('quota', 'disable', pool.mountpoint);
    const info = await pool.volumes.inspect(of, patient());
    expect(info?.sizeBytes).toBeUndefined();
    expect(info?.usedBytes).toBeGreaterThanOrEqual(MiB);
    await pool.volumes.rollback(of, 's', 't', patient());
    await expect(btrfs('qgroup', 'show', pool.mountpoint)).rejects.toThrow('not enabled');
    expect(await pool.volumes.create(of, { sizeBytes: size }, patient())).toMatchObject({ sizeBytes: size });
  });

  test('numbers of quotas that went wrong are counted again', async () => {
    const shown = () => btrfsSays(pool, 'qgroup', 'show', '--raw', '-re', '-f', join(home(), 'live'));
    await writeFile(join(home(), 'live', 'big'), Buffer.alloc(4 * MiB, 'x'), { flush: true });
    await pool.volumes.snapshot(of, 'shared', patient());
    await btrfs('filesystem', 'sync', pool.mountpoint);
    await btrfs('qgroup', 'create', '1/0', pool.mountpoint);
    const id = /Subvolume ID:\s+(\d+)/.exec(await btrfs('subvolume', 'show', join(home(), 'live')))?.[1];
    await btrfs('qgroup', 'assign', '--no-rescan', `0/${id}`, '1/0', pool.mountpoint);
    expect(await shown()).toContain('inconsistent');
    for (const { exclusiveBytes } of await pool.volumes.snapshots(of, patient()))
      expect(exclusiveBytes).toBeUndefined();
    expect(await pool.volumes.inspect(of, patient())).toMatchObject({ sizeBytes: size });
    await btrfs('quota', 'rescan', '--wait-norescan', pool.mountpoint);
    expect(await shown()).not.toContain('inconsistent');
    for (const { exclusiveBytes } of await pool.volumes.snapshots(of, patient())) expect(exclusiveBytes).toBeDefined();
  });

  test('a dataset whose files are gone, but not its snapshots, is not made anew and empty', async () => {
    await btrfs('subvolume', 'delete', join(home(), 'live'));
    expect(await codeOf(pool.volumes.create(of, { sizeBytes: size }, patient()))).toBe('DAMAGED');
    expect(await pool.volumes.inspect(of, patient())).toBeUndefined();
    await btrfs('subvolume', 'snapshot', join(home(), 'snapshots', 's'), join(home(), 'live'));
    expect(await pool.volumes.create(of, { sizeBytes: size }, patient())).toMatchObject({ sizeBytes: size });
  });

  test('what somebody else keeps in the pool is not listed and not touched', async () => {
    const foreign = join(pool.mountpoint, 'floatlab', 'volumes', 'foreign');
    await mkdir(foreign);
    await writeFile(join(foreign, 'file'), 'mine');
    await btrfs('subvolume', 'create', join(pool.mountpoint, 'their-data'));
    await writeFile(join(home(), 'note'), 'mine');
    expect(await pool.volumes.list('test', patient())).toEqual(['db', 'other']);
    expect(await codeOf(pool.volumes.destroy(of, { scrub: false }, patient()))).toBe('INVALID');
    expect(await readFile(join(pool.mountpoint, 'floatlab', 'trash', 'db', 'note'), 'utf8')).toBe('mine');
    expect(existsSync(join(pool.mountpoint, 'their-data'))).toBe(true);
    expect(existsSync(join(foreign, 'file'))).toBe(true);
  });

  test('a received snapshot has the identity of the one it came from', async () => {
    const stream = join(pool.folder, 'stream');
    const [sent] = await pool.volumes.snapshots(other, patient());
    await btrfs('send', '-q', '-f', stream, join(home(other), 'snapshots', 's'));
    await pool.volumes.removeSnapshots(of, ['s'], patient());
    await btrfs('receive', '-q', '-f', stream, join(home(), 'snapshots'));
    const [received] = await pool.volumes.snapshots(of, patient());
    expect(received?.guid).toBe(sent?.guid);
  });

  test('a pool may be a folder deep in another subvolume, or mounted from there', async () => {
    const deep = join(pool.mountpoint, 'sub', 'a folder');
    const mounted = join(pool.folder, 'mounted here');
    await btrfs('subvolume', 'create', join(pool.mountpoint, 'sub'));
    await mkdir(join(deep, 'floatlab', 'volumes'), { recursive: true });
    await mkdir(mounted);
    await pool.tool('mount', '--bind', deep, mounted);
    cleanUp.push(() => pool.tool('umount', mounted));
    for (const mountpoint of [deep, mounted]) {
      const volumes = btrfsVolumes({ pools: [{ name: 'test', mountpoint }] });
      const { path } = await volumes.create(of, { sizeBytes: size }, patient());
      await writeFile(join(path, 'file'), 'one');
      await volumes.snapshot(of, 'a', patient());
      await writeFile(join(path, 'file'), 'two');
      await volumes.snapshot(of, 'b', patient());
      await volumes.rollback(of, 'a', 'c', patient());
      expect((await volumes.snapshots(of, patient())).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
      expect(await readFile(join(path, 'file'), 'utf8')).toBe('one');
      await volumes.destroy(of, { scrub: false }, patient());
      expect(await volumes.list('test', patient())).toEqual([]);
    }
    expect(await pool.volumes.list('test', patient())).toEqual(['db', 'other']);
  });

  test('a folder that is not on btrfs is no pool, even with the folders of one', async () => {
    const plain = join(pool.folder, 'plain');
    await mkdir(join(plain, 'floatlab', 'volumes'), { recursive: true });
    const volumes = btrfsVolumes({ pools: [{ name: 'test', mountpoint: plain }] });
    expect(await codeOf(volumes.create(of, { sizeBytes: size }, patient()))).toBe('POOL_MISSING');
    expect(await readdir(join(plain, 'floatlab', 'volumes'))).toEqual([]);
  });
});

/** What it says on both outputs. */
async function btrfsSays(pool: TempPool, ...args: string[]): Promise<string> {
  const child = spawn('btrfs', args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: pool.folder });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (bytes: Buffer) => (said += bytes.toString()));
  await once(child, 'close');
  return said;
}
