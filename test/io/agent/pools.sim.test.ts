/** Pools in a simulated lab: made, watched and mended, with disks that fail. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { ActorState } from '#actors/actor.ts';
import type { AlertRow } from '#projections/alerts.ts';
import type { PoolFiguresRow } from '#io/contract/live.ts';
import type { SimNodePools } from '#io/world/pools.ts';
import { OneMachine } from './one-machine.ts';

const GiB = 2 ** 30;
const dayMs = 86_400_000;

describe('pools of a simulated machine', () => {
  let one: OneMachine;
  beforeEach(async () => {
    one = await OneMachine.started();
    await until(() => pool('main') !== undefined);
  });

  const disks = (): SimNodePools => {
    const [machine] = one.world.machines;
    if (!machine) throw new Error('the world has no machine');
    return machine.pools;
  };
  const until = (condition: () => boolean, withinMs?: number): Promise<void> =>
    one.until(String(condition), condition, withinMs);
  const node = 'atlas';
  const pool = (name: string): ActorState<'pool'> | undefined => one.lab.get(`pool:sim0001/${name}`);
  const isIn = (name: string, state: string) => (): boolean => pool(name)?.state === state;
  const alerts = (): readonly AlertRow[] => one.world.wired.lab.rows('alerts').map(([, row]) => row);
  const figures = (name: string): PoolFiguresRow | undefined =>
    one.world.wired.lab.observed('pool-figures').find(([key]) => key === `pool:sim0001/${name}`)?.[1] as PoolFiguresRow;
  const operation = () => one.lab.list('operation').at(-1);

  test('the node tells which pools it has, what they are made of and what they can', () => {
    expect(pool('main')).toMatchObject({ state: 'online', context: { origin: 'usual', driver: 'btrfs' } });
    expect(pool('main')?.context.status).toMatchObject({ layout: 'mirror', problems: [] });
    expect(pool('main')?.context.status?.devices.map(({ name }) => name)).toEqual(['/dev/sda', '/dev/sdb']);
    expect(one.lab.get('node:sim0001')?.context.facts.pools[0]?.can?.copyOnWrite).toBe(true);
  });

  test('a pool whose disk is gone is degraded, says which command mends it, and is well again after that', async () => {
    disks().pullOut('/dev/sdb');
    await until(isIn('main', 'degraded'));
    const [alert] = alerts();
    expect(alert).toMatchObject({ rule: 'pool-degraded', severity: 'critical', stream: 'pool:sim0001/main' });
    const gone = pool('main')?.context.status?.devices.find(({ state }) => state !== 'online');
    expect(gone).toMatchObject({ state: 'unavailable', was: '/dev/sdb' });
    expect(alert?.hint).toContain(`floatlab pool replace atlas/main ${gone?.name} --by`);

    await one.must('replace-pool-device', { node, name: 'main', device: '/dev/sdb', by: '/dev/sdc' });
    await until(isIn('main', 'replacing'));
    await until(isIn('main', 'online'));
    await until(() => alerts().length === 0);
    expect(pool('main')?.context.status?.devices.map(({ name }) => name)).toEqual(['/dev/sda', '/dev/sdc']);
  });

  test('a disk that comes back ends the alert by itself', async () => {
    disks().pullOut('/dev/sda');
    await until(isIn('main', 'degraded'));
    disks().plugIn({ path: '/dev/sda', sizeBytes: 200 * GiB });
    await until(isIn('main', 'online'));
    await until(() => alerts().length === 0);
  });

  test('a pool without enough disks is unavailable, and so are its volumes', async () => {
    disks().pullOut('/dev/sda');
    disks().pullOut('/dev/sdb');
    await until(isIn('main', 'unavailable'));
    expect(alerts().map(({ rule }) => rule)).toContain('pool-unavailable');
    await until(() => one.lab.get('node:sim0001')?.context.facts.pools.length === 0);
  });

  test('a pool that is made holds volumes, grows, and is scrubbed every month', async () => {
    await one.must('create-pool', { node, name: 'tank', layout: 'mirror', devices: ['/dev/sdc', '/dev/sdd'] });
    await until(isIn('tank', 'online'));
    expect(pool('tank')?.context).toMatchObject({ origin: 'made', where: '/pools/tank' });
    await until(() => one.lab.get('node:sim0001')?.context.facts.pools.length === 2);
    const [schedule] = one.lab.list('schedule');
    expect(schedule?.context).toMatchObject({
      spec: { action: 'scrub', pool: 'pool:sim0001/tank', cron: '0 3 1 * *' },
    });

    one.clock.jump(31 * dayMs);
    await until(() => pool('tank')?.context.lastScrubAt !== null);
    expect(pool('tank')?.context.lastScrubAt).toBeGreaterThan(Date.UTC(2026, 5, 30));
    expect(pool('tank')?.context.scrub).toMatchObject({ state: 'finished', errors: 0 });
    expect(alerts()).toEqual([]);
  });

  test('a scrub shows how far it is, can be paused and goes on', async () => {
    await one.must('scrub-pool', { node, name: 'main' });
    await until(() => pool('main')?.context.scrub?.state === 'running');
    await until(() => (figures('main')?.scan?.done ?? 0) > 0.1);
    await one.must('scrub-pool', { node, name: 'main', action: 'pause' });
    await until(() => pool('main')?.context.scrub?.state === 'paused');
    await one.must('scrub-pool', { node, name: 'main' });
    await until(() => pool('main')?.context.scrub?.state === 'finished');
    expect(operation()).toBeUndefined();
  });

  test('what a scrub puts right is told, with the disk that had it', async () => {
    disks().corrupt('/dev/sdb');
    await one.must('scrub-pool', { node, name: 'main' });
    await until(() => alerts().some(({ rule }) => rule === 'pool-errors'));
    expect(alerts()[0]?.message).toContain('/dev/sdb');
    expect(pool('main')?.state).toBe('online');
  });

  test('a pool that nobody has scrubbed for 45 days says so', async () => {
    await one.must('create-pool', { node, name: 'tank', devices: ['/dev/sdc'] });
    await until(isIn('tank', 'online'));
    await one.must('remove-schedule', { name: 'scrub-atlas-tank' });
    one.clock.jump(46 * dayMs);
    await until(() => alerts().length > 0);
    expect(alerts().find(({ rule }) => rule === 'pool-unscrubbed')).toMatchObject({
      hint: 'Scrub it: floatlab pool scrub atlas/tank.',
    });
    await one.must('scrub-pool', { node, name: 'tank' });
    await until(() => alerts().length === 0);
  });

  test('a disk that is about to fail, and one that is too hot, are told, and one that has cooled down is not', async () => {
    disks().saySmart('/dev/sda', { passed: false });
    disks().saySmart('/dev/sdb', { temperature: 63 });
    await until(() => alerts().length === 2, 2_000_000);
    expect(
      alerts()
        .map(({ rule }) => rule)
        .toSorted(),
    ).toEqual(['disk-failing', 'disk-hot']);
    disks().saySmart('/dev/sdb', { temperature: 58 });
    await one.clock.run(3_700_000);
    expect(alerts().map(({ rule }) => rule)).toContain('disk-hot');
    disks().saySmart('/dev/sdb', { temperature: 50 });
    await one.clock.run(3_700_000);
    expect(alerts().map(({ rule }) => rule)).toEqual(['disk-failing']);
  });

  test('a disk that holds data is not taken unless that is said, and then its loss was announced', async () => {
    await one.must('create-pool', { node, name: 'tank', devices: ['/dev/sde'] });
    await until(isIn('tank', 'failed'));
    expect(pool('tank')?.context.problem).toMatchObject({ code: 'HELD' });
    expect(disks().disks.get('/dev/sde')?.holds).toBe('ext4 "old-backup"');
    await one.must('create-pool', { node, name: 'tank', devices: ['/dev/sde'], erase: true });
    await until(isIn('tank', 'online'));
  });

  test('what the system lies on is never taken', async () => {
    await one.must('create-pool', { node, name: 'tank', devices: ['/dev/nvme0n1'], erase: true });
    // Who asked hears so at once: waiting frees no disk.
    await until(isIn('tank', 'failed'), 3_000);
    expect(pool('tank')?.context.problem?.message).toContain('mounted at /');
  });

  test('a pool is forgotten only when nothing of the lab is in it', async () => {
    await one.must('create-pool', { node, name: 'tank', devices: ['/dev/sdc'] });
    await until(isIn('tank', 'online'));
    await one.must('forget-pool', { node, name: 'tank' });
    await until(() => pool('tank') === undefined);
    expect(one.lab.list('schedule')).toEqual([]);
    expect(disks().disks.get('/dev/sdc')?.holds).toContain('tank');
  });

  test('a pool that is forgotten and adopted at once holds volumes again within seconds', async () => {
    await one.must('create-pool', { node, name: 'tank', devices: ['/dev/sdc'] });
    await until(isIn('tank', 'online'));
    const tells = (): boolean =>
      one.lab.get('node:sim0001')?.context.facts.pools.some(({ name }) => name === 'tank') ?? false;
    await until(tells);
    await one.must('forget-pool', { node, name: 'tank' });
    await until(() => pool('tank') === undefined);
    expect(tells()).toBe(false);
    await one.must('adopt-pool', { node, name: 'tank', driver: 'btrfs', where: '/pools/tank' });
    await until(isIn('tank', 'online'));
    await until(tells, 15_000);
  });

  test('a pool that is forgotten while its node looks at it does not come back', async () => {
    await one.must('create-pool', { node, name: 'tank', devices: ['/dev/sdc'] });
    await until(isIn('tank', 'online'));
    // A disk that answers late: what it says comes when the pool has been let go.
    const { report } = disks();
    let isLooked = false;
    disks().report = async (name, call) => {
      if (name !== 'tank') return report.call(disks(), name, call);
      isLooked = true;
      await new Promise<void>((resolve) => one.world.clock.setTimeout(resolve, 15_000));
      return report.call(disks(), name, call);
    };
    await until(() => isLooked);
    await one.must('forget-pool', { node, name: 'tank' });
    await until(() => pool('tank') === undefined);
    const lateMs = one.world.clock.monotonicMs() + 60_000;
    await until(() => one.world.clock.monotonicMs() > lateMs);
    expect(pool('tank')).toBeUndefined();
  });

  test('a daemon that is killed while a disk is being filled goes on with it', async () => {
    disks().pullOut('/dev/sdb');
    await until(isIn('main', 'degraded'));
    await one.must('replace-pool-device', { node, name: 'main', device: '/dev/sdb', by: '/dev/sdc' });
    await one.clock.run(20_000);
    await one.restart();
    expect(pool('main')?.state).toBe('replacing');
    await until(isIn('main', 'online'));
  });
});
