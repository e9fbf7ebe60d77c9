/** The list of the pools of a node, and whose is whose. Folders are enough for that; disks are in node-pools.int.test.ts. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openNodePools, type GivenPool } from '#io/daemon/node-pools.ts';
import { readPoolList } from '#io/daemon/pool-list.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { btrfsVolumes } from '#io/devices/volumes/btrfs/real.ts';
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
    return (await openNodePools({ dataDir, given, clock: realClock, log, signal: new AbortController().signal })).pools;
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
