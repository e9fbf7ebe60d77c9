/** Pools of a node on real zfs, of either generation: made, exported, in part lost, imported, adopted. Disks are files. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openNodePools } from '#io/daemon/node-pools.ts';
import { readPoolList } from '#io/daemon/pool-list.ts';
import { realClock } from '#io/devices/clock/real.ts';
import type { DeviceInspector } from '#io/devices/pools/devices.ts';
import { health } from '#io/devices/pools/health.ts';
import type { NodePools } from '#io/devices/pools/node-pools.ts';
import type { VolumePort } from '#io/devices/volumes/port.ts';
import { patient as inMoments } from '#test/contracts/pools.ts';
import type { ZfsMachine } from '#test/zfs-fixture.ts';

const MiB = 2 ** 20;
const of = { pool: 'tank', name: 'db' };

/** @param open a machine of its own */
export function zfsNodePools(open: () => Promise<ZfsMachine>): void {
  let machine: ZfsMachine;
  let dataDir: string;
  let disks: string;
  const said: string[] = [];
  const patient = () => inMoments({ timeoutMs: 100_000 });

  beforeAll(async () => {
    machine = await open();
    dataDir = await mkdtemp(join(tmpdir(), 'floatlab-pools-'));
    await mkdir(join(dataDir, 'pool'));
    disks = join(machine.folder, 'disks');
    // A machine of its own has the folder as well.
    await tool('mkdir', '-p', disks, join(dataDir, 'pool'));
    for (const name of ['a', 'b', 'c']) await tool('truncate', '-s', String(96 * MiB), disk(name));
  });
  afterAll(async () => {
    await machine?.dispose();
    if (dataDir !== undefined) await rm(dataDir, { recursive: true });
  });
  beforeEach(() => void said.splice(0));

  const disk = (name: string): string => join(disks, name);
  const tool = async (file: string, ...args: string[]): Promise<string> => {
    const ran = await machine.run(file, args, patient());
    expect(ran.exitCode, `${file} ${args.join(' ')}: ${ran.stderr}`).toBe(0);
    return ran.stdout;
  };
  /** Only zfs itself knows files as disks. */
  const inspector: DeviceInspector = {
    names: async (path) => [path],
    candidates: async () => [],
    inspect: async (_, path) => ({ path, sizeBytes: 96 * MiB, uses: [], holds: [] }),
  };
  /** The daemon starts. */
  const start = (): Promise<{ volumes: VolumePort; pools: NodePools }> =>
    openNodePools({
      ...{ dataDir, given: [], clock: realClock, signal: new AbortController().signal, run: machine.run, inspector },
      log: { info: () => undefined, warn: (text) => void said.push(text) },
      namesOf: async (path) => [path],
      startMs: 100_000,
    });
  const codesOf = async (pools: NodePools): Promise<readonly string[]> =>
    health(await pools.report('tank', patient()), { now: Date.now() }).problems.map(({ code }) => code);

  test('one that is made has volumes, and is imported by the next start', async () => {
    const first = await start();
    const on = { devices: [disk('a'), disk('b')] };
    const spec = { name: 'tank', driver: 'zfs', layout: 'mirror', on } as const;
    const { where, report } = await first.pools.create(spec, patient());
    expect([where, report]).toMatchObject(['tank/floatlab', { name: 'tank', state: 'online' }]);
    // An attempt that could not tell its outcome is repeated.
    expect(await first.pools.create(spec, patient())).toMatchObject({ where });
    const { path } = await first.volumes.create(of, { sizeBytes: 32 * MiB }, patient());
    await machine.write(join(path, 'file'), 'what matters');

    // The machine is off meanwhile.
    await tool('zpool', 'export', '-f', 'tank');
    const second = await start();
    expect(said).toEqual([]);
    expect(await codesOf(second.pools)).toEqual([]);
    await second.volumes.mount(of, patient());
    expect(await machine.read(join(path, 'file'))).toBe('what matters');
  });

  test('one that has lost a disk is imported without it, is told degraded, and is whole again with another disk', async () => {
    await tool('zpool', 'export', '-f', 'tank');
    await tool('rm', disk('b'));
    const { pools } = await start();
    expect(await pools.report('tank', patient())).toMatchObject({ state: 'degraded' });
    expect((await codesOf(pools)).length).toBeGreaterThan(0);
    await pools.replace('tank', { old: disk('b'), by: disk('c') }, patient());
    expect(await codesOf(pools)).toEqual([]);
    expect((await readPoolList(dataDir))[0]?.devices).toContain(disk('c'));
  });

  test('one without its disks does not keep the node from starting, and is imported once they are back', async () => {
    await tool('zpool', 'export', '-f', 'tank');
    await tool('mv', disks, `${disks}-away`);
    const { pools, volumes } = await start();
    expect(said.join()).toContain('pool tank is not opened');
    await expect(pools.report('tank', patient())).rejects.toMatchObject({ code: 'POOL_MISSING' });
    await expect(volumes.inspect(of, patient())).rejects.toMatchObject({ code: 'POOL_MISSING' });
    await tool('mv', `${disks}-away`, disks);
    expect(await pools.report('tank', patient())).toMatchObject({ state: 'online' });
    expect(await volumes.inspect(of, patient())).toMatchObject({ sizeBytes: 32 * MiB });
  });

  test('what is let go stays as it is, and can be adopted under another name, but not under two', async () => {
    const { pools, volumes } = await start();
    const pool = { driver: 'zfs', where: 'tank/floatlab' } as const;
    for (const where of ['tank/floatlab', 'tank/floatlab/inside'])
      await expect(pools.adopt({ ...pool, name: 'second', where }, patient()), where).rejects.toMatchObject({
        code: 'EXISTS',
        message: expect.stringContaining('second name for the pool tank'),
      });
    await pools.release('tank', patient());
    expect(await readPoolList(dataDir)).toEqual([]);
    expect(await pools.adopt({ ...pool, name: 'fast' }, patient())).toMatchObject({
      where: 'tank/floatlab',
      report: { name: 'fast', state: 'online' },
    });
    expect(await volumes.list('fast', patient())).toEqual(['db']);
    await tool('zfs', 'create', '-o', 'mountpoint=none', 'tank/theirs');
    const [told] = (await volumes.candidates('fast', patient())).filter(({ native }) => native === 'tank/theirs');
    expect(told?.why).toContain('no mountpoint');
    // A dataset that is not there is made, in a zpool that is.
    await pools.adopt({ ...pool, name: 'new', where: 'tank/more' }, patient());
    await volumes.create({ pool: 'new', name: 'db' }, { sizeBytes: 16 * MiB }, patient());
    expect(await volumes.list('fast', patient())).toEqual(['db']);
    const missing = pools.adopt({ ...pool, name: 'none', where: 'nothing/floatlab' }, patient());
    await expect(missing).rejects.toMatchObject({ code: 'POOL_MISSING' });
  });
}
