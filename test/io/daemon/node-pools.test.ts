/** The list of the pools of a node, and whose is whose. Folders are enough for that; disks are in node-pools.int.test.ts. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openNodePools, type GivenPool } from '#io/daemon/node-pools.ts';
import { readPoolList } from '#io/daemon/pool-list.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { btrfsVolumes } from '#io/devices/volumes/btrfs/real.ts';
import { run } from '#io/devices/run.ts';
import { dirVolumes } from '#io/devices/volumes/dir/real.ts';
import { patient } from '#test/contracts/pools.ts';

describe('the pools of a node', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'floatlab-pools-'));
    await mkdir(join(dataDir, 'pool'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  const start = async (...given: GivenPool[]) => {
    const log = { info: () => undefined, warn: () => undefined };
    const { signal } = new AbortController();
    return (await openNodePools({ dataDir, given, clock: realClock, log, signal, startMs: 500 })).pools;
  };
  const folder = async (name: string): Promise<string> => {
    const path = join(dataDir, name);
    await mkdir(path);
    return path;
  };

  test('are all remembered, however many are adopted at once', async () => {
    const pools = await start();
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const places = await Promise.all(names.map(folder));
    await Promise.all(names.map((name, n) => pools.adopt({ name, driver: 'dir', where: places[n] ?? '' }, patient())));
    expect((await readPoolList(dataDir)).map(({ name }) => name).toSorted()).toEqual(names);
  });

  test('leave nothing behind that keeps another one of their name from their place', async () => {
    const pools = await start();
    const where = await folder('disk');
    await pools.adopt({ name: 'slow', driver: 'dir', where }, patient());
    await pools.release('slow', patient());
    // Another disk is mounted there.
    await rm(where, { recursive: true });
    await mkdir(where);
    expect(await pools.adopt({ name: 'slow', driver: 'dir', where }, patient())).toMatchObject({ where });
  });

  test('are not called as what the data directory has for the pool of every node', async () => {
    const pools = await start();
    const on = { sizeBytes: 2 ** 30 };
    for (const name of ['pool', 'mnt', 'btrfs', 'dir']) {
      const asked = pools.create({ name, driver: 'btrfs', layout: 'single', on }, patient());
      await expect(asked, name).rejects.toMatchObject({ code: 'INVALID' });
      const adopted = pools.adopt({ name, driver: 'dir', where: join(dataDir, 'pool') }, patient());
      await expect(adopted, name).rejects.toMatchObject({ code: 'INVALID' });
    }
    expect(await readPoolList(dataDir)).toEqual([]);
  });

  test('have one name each: a second one for the same place is refused, and says which it is', async () => {
    const pools = await start();
    const where = await folder('disk');
    await symlink(where, join(dataDir, 'link'));
    await pools.adopt({ name: 'slow', driver: 'dir', where }, patient());
    const inside = join(where, 'floatlab', 'volumes', 'inside');
    await mkdir(inside);
    for (const place of [where, join(dataDir, 'link'), inside]) {
      const refused = await pools.adopt({ name: 'other', driver: 'dir', where: place }, patient()).catch(String);
      expect(refused, place).toContain('second name for the pool slow');
    }
    expect(await readdir(join(dataDir, 'pool'))).toEqual(['slow.json']);
    expect(pools.list().map(({ name }) => name)).toEqual(['slow']);
    // Beside its own folder there is room for others.
    await mkdir(join(where, 'beside'));
    await pools.adopt({ name: 'other', driver: 'dir', where: join(where, 'beside') }, patient());
    const twice = ['a', 'b'].map((name) => pools.adopt({ name, driver: 'dir', where: join(where, 'c') }, patient()));
    await mkdir(join(where, 'c'));
    const outcomes = (await Promise.allSettled(twice)).map(({ status }) => status);
    expect(outcomes.filter((one) => one === 'fulfilled').length).toBeLessThan(2);
  });

  test('a second name from an earlier start is not opened, and the others are', async () => {
    const where = await folder('disk');
    const before = await start();
    await before.adopt({ name: 'slow', driver: 'dir', where }, patient());
    await before.adopt({ name: 'own', driver: 'dir', where: await folder('own') }, patient());
    const given: GivenPool = {
      name: 'main',
      driver: 'dir',
      origin: 'given',
      where,
      volumes: dirVolumes({ pools: [{ name: 'main', folder: where }] }),
    };
    const pools = await start(given);
    await expect(pools.report('slow', patient())).rejects.toMatchObject({ code: 'EXISTS' });
    expect(await pools.report('own', patient())).toMatchObject({ state: 'online' });
    expect(await pools.report('main', patient())).toMatchObject({ state: 'online' });
  });

  test('that hang hold up no other, neither at the start nor afterwards', async () => {
    // Nobody writes into it: whoever reads from it waits.
    const pipe = join(await folder('hanging'), 'floatlab');
    const before = await start();
    const [stuck, well] = [join(dataDir, 'hanging'), await folder('well')];
    await mkdir(pipe);
    await before.adopt({ name: 'stuck', driver: 'dir', where: stuck }, patient());
    await before.adopt({ name: 'well', driver: 'dir', where: well }, patient());
    await rm(join(pipe, 'pool.json'));
    await run('mkfifo', [join(pipe, 'pool.json')], patient());
    const pools = await start();
    expect(await pools.report('well', patient())).toMatchObject({ state: 'online' });
    const short = { ...patient(), timeoutMs: 200 };
    await expect(pools.report('stuck', short)).rejects.toMatchObject({ code: 'TIMED_OUT' });
    await pools.adopt({ name: 'more', driver: 'dir', where: await folder('more') }, patient());
    await pools.release('well', patient());
    await expect(pools.release('stuck', short)).rejects.toMatchObject({ code: 'TIMED_OUT' });
    // Its disk answers again.
    await writeFile(join(pipe, 'pool.json'), '');
  });

  test('are told apart by their file system, where a zpool is called as another pool is', async () => {
    const where = await folder('mnt');
    const volumes = btrfsVolumes({ pools: [] });
    const pools = await start(
      { name: 'main', driver: 'btrfs', origin: 'usual', where, volumes },
      { name: 'fast', driver: 'zfs', origin: 'given', where: 'main/floatlab', volumes },
    );
    const ofBtrfs = await pools.report('main', patient()).catch((error: unknown) => String(error));
    expect(ofBtrfs).toContain(where);
    const ofZfs = await pools.report('fast', patient()).catch((error: unknown) => String(error));
    expect(ofZfs).not.toContain(where);
  });
});
