/** Pools of a real node on real disks: made, lost in part, mended, opened again by the next start. */
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openNodePools } from '#io/daemon/node-pools.ts';
import { readPoolList } from '#io/daemon/pool-list.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { IoError } from '#io/devices/error.ts';
import { health } from '#io/devices/pools/health.ts';
import type { NodePools } from '#io/devices/pools/node-pools.ts';
import { disksOf } from '#io/devices/pools/report.ts';
import { poolIdOf } from '#io/devices/volumes/identity.ts';
import type { VolumePort } from '#io/devices/volumes/port.ts';
import { run } from '#io/devices/run.ts';
import { patient } from '#test/contracts/pools.ts';
import { loopDisks, type LoopDisks } from '#test/io/devices/pools/loop-disks.ts';
import { missingBtrfs } from '#test/pool-fixture.ts';
import { describeReal } from '#test/real.ts';

const MiB = 2 ** 20;

describeReal('the pools of a real node', missingBtrfs(), () => {
  let dataDir: string;
  let disks: LoopDisks;
  let devices: string[];
  /** Put back by hand. */
  let again: string[];
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'floatlab-pools-'));
    await run('mkdir', ['-p', join(dataDir, 'pool')], patient());
    disks = await loopDisks();
    again = [];
    devices = [await disks.add(256 * MiB), await disks.add(256 * MiB), await disks.add(256 * MiB)];
  });
  afterEach(async () => {
    await run('umount', [join(dataDir, 'pool', 'tank')], patient());
    for (const one of again) await run('losetup', ['--detach', one], patient());
    await disks.dispose();
    await rm(dataDir, { recursive: true });
  });

  const said: string[] = [];
  const log = { info: () => undefined, warn: (text: string) => void said.push(text) };
  const start = (patienceMs = 0): Promise<{ volumes: VolumePort; pools: NodePools }> => {
    const { signal } = new AbortController();
    return openNodePools({ dataDir, given: [], clock: realClock, log, signal, namesOf, patienceMs });
  };
  /** As a system with udev names them: the first disk also by its number. */
  const byId = (): string => join(dataDir, 'by-id');
  const namesOf = async (path: string): Promise<readonly string[]> => (path === device(0) ? [path, byId()] : [path]);
  const device = (n: number): string => devices[n] ?? 'missing';
  const codesOf = async (pools: NodePools): Promise<readonly string[]> =>
    health(await pools.report('tank', patient()), { now: Date.now() }).problems.map(({ code }) => code);

  test('a mirror loses a disk, works on, is told degraded, and is whole again with another disk', async () => {
    const first = await start();
    const on = { devices: [device(0), device(1)] };
    const spec = { name: 'tank', driver: 'btrfs', layout: 'mirror', on } as const;
    const { where, report } = await first.pools.create(spec, patient());
    expect(report).toMatchObject({ state: 'online', layout: 'mirror' });
    const { path } = await first.volumes.create({ pool: 'tank', name: 'db' }, { sizeBytes: 64 * MiB }, patient());
    await writeFile(join(path, 'file'), 'what matters', { flush: true });

    // The machine is off meanwhile, and comes back without the disk.
    await run('umount', [where], patient());
    await disks.detach(device(1));
    const second = await start();
    await expect.poll(() => codesOf(second.pools).catch(() => [])).toContain('device-failed');
    expect(said.join()).toContain('pool tank is degraded: 1 of its 2 disks is there');
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('what matters');

    const gone = disksOf(await second.pools.report('tank', patient())).find(({ state }) => state !== 'online');
    await second.pools.replace('tank', { old: gone?.name ?? '', by: device(2) }, patient());
    expect(await codesOf(second.pools)).toEqual([]);
    expect((await readPoolList(dataDir))[0]?.devices?.toSorted()).toEqual([byId(), device(0), device(2)].toSorted());

    await second.pools.scrub('tank', 'start', patient());
    await expect
      .poll(async () => (await second.pools.report('tank', patient())).scans[0]?.state, { timeout: 30_000 })
      .toBe('finished');

    await run('umount', [where], patient());
    const third = await start();
    expect(await codesOf(third.pools)).toEqual([]);
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('what matters');
    await third.volumes.destroy({ pool: 'tank', name: 'db' }, { scrub: false }, patient());
    await third.pools.release('tank', patient());
    expect(third.pools.list()).toEqual([]);
    expect(await readPoolList(dataDir)).toEqual([]);

    // What is in a pool that was let go is not taken for a new one.
    const anew = { ...spec, on: { devices: [device(0), device(2)] } };
    await expect(third.pools.create(anew, patient())).rejects.toMatchObject({ code: 'HELD' });
    await third.pools.create({ ...anew, erase: true }, patient());
    const id = await poolIdOf(where);
    // An attempt that could not tell its outcome is repeated, and erases nothing any more.
    await third.pools.create({ ...anew, erase: true }, patient());
    expect(await poolIdOf(where)).toBe(id);
  });

  test('a disk that comes up late is waited for: until then the pool says so, and nothing is written without it', async () => {
    const first = await start();
    const on = { devices: [device(0), device(1)] };
    const { where } = await first.pools.create({ name: 'tank', driver: 'btrfs', layout: 'mirror', on }, patient());
    await run('umount', [where], patient());
    const file = disks.fileOf(device(1));
    await disks.detach(device(1));

    said.splice(0);
    const second = await start(60_000);
    const waiting = await second.pools.report('tank', patient()).catch((error: unknown) => error);
    expect(waiting).toMatchObject({ code: 'POOL_MISSING', message: expect.stringContaining('waits for its disks') });
    expect(said.join()).toContain('1 of its 2 disks is there');
    expect(await second.volumes.pools(patient())).toEqual([]);

    // As another one: its number may be taken by now.
    again.push((await disks.tool('losetup', '--find', '--show', file)).trim());
    await expect.poll(() => codesOf(second.pools).catch(String), { timeout: 20_000 }).toEqual([]);
    expect(await second.pools.report('tank', patient())).toMatchObject({ state: 'online' });
    expect(said.join()).not.toContain('degraded');
  });

  test('a node whose pool has no disk left starts all the same, says so, and opens it when they are back under other names', async () => {
    const first = await start();
    const spec = { name: 'tank', driver: 'btrfs', layout: 'single', on: { devices: [device(0)] } } as const;
    const { where } = await first.pools.create(spec, patient());
    await run('umount', [where], patient());
    const file = disks.fileOf(device(0));
    await disks.detach(device(0));

    const second = await start();
    expect(said.join()).toContain('pool tank is not opened');
    const refused = await second.pools.report('tank', patient()).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(IoError);
    expect(refused).toMatchObject({ code: 'POOL_MISSING' });

    // Its path is that of another disk by now.
    await disks.tool('losetup', device(0), disks.fileOf(device(1)));
    again.push(device(0));
    const now = (await disks.tool('losetup', '--find', '--show', file)).trim();
    again.push(now);
    await symlink(now, byId());
    expect(await second.pools.report('tank', patient())).toMatchObject({ state: 'online' });
    await expect(second.volumes.pools(patient())).resolves.toMatchObject([{ name: 'tank', state: 'online' }]);

    // What is going to be put on a disk is looked for there, whatever becomes of it.
    const mistaken = second.pools.replace('tank', { old: 'none', by: device(2) }, patient());
    await expect(mistaken).rejects.toMatchObject({ code: 'MISSING' });
    expect((await readPoolList(dataDir))[0]?.devices).toContain(device(2));
  });
});
