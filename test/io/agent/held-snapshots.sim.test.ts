/** Another tool holds snapshots that are to go: they stay, everybody is told, and they go once it lets go of them. */
import { describe, expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';

const name = 'data';
const dayMs = 86_400_000;

/** Three snapshots by schedule, of which the oldest is held, and a policy that keeps but the newest. */
async function withHeld() {
  const one = await OneMachine.started();
  const volumes = one.world.machines[0]?.volumes;
  if (!volumes) throw new Error('the world has no machine');
  await one.must('create-volume', { name, spec: { sizeBytes: 2 ** 26 } });
  const volume = () => one.lab.byName('volume', 'default', name);
  await one.until('it is ready', () => volume()?.state === 'ready');
  await one.must('create-schedule', { name: 'often', volume: name, cron: '*/10 * * * *' });
  const snapshots = () => {
    const { stream } = volume() ?? {};
    const all = stream ? one.lab.referrers(stream, 'snapshot') : [];
    return all.toSorted((a, b) => a.context.sequence - b.context.sequence);
  };
  const taken = () => snapshots().filter(({ state }) => state === 'available');
  await one.until('three are taken', () => taken().length === 3, 3_600_000);
  await one.must('suspend-schedule', { name: 'often' });
  const held = taken()[0]?.context.metadata.name ?? '';
  const { pool, dataset } = volume()?.context ?? {};
  const hold = (isHeld: boolean): void => volumes.hold({ pool: pool ?? '', name: dataset ?? '' }, held, isHeld);
  const alerts = () => [...one.world.wired.lab.rows('alerts')].filter(([, row]) => row.rule === 'snapshots-held');
  hold(true);
  return { one, held, hold, snapshots, taken, alerts };
}

describe('a snapshot that another tool holds', () => {
  test('stays while retention drops the others, is told once a day, and goes after it was let go', async () => {
    const { one, held, hold, snapshots, alerts } = await withHeld();
    await one.must('change-volume', { name, keep: 'last:1' });
    await one.until('the other one is gone', () => snapshots().length === 2);
    await one.until('it is known to be held', () => alerts().length === 1);
    const [first] = snapshots();
    expect([first?.state, first?.context.metadata.name]).toEqual(['available', held]);
    expect(alerts()[0]?.[1].hint).toContain(`floatlab volume rm-snapshot data ${held}`);
    const refusals = async () => (await one.told()).filter((words) => words.includes('stays for now')).length;
    await one.clock.run(dayMs / 2);
    expect(await refusals()).toBe(1);
    await one.clock.run(dayMs);
    expect(await refusals()).toBe(2);
    hold(false);
    await one.clock.run(dayMs);
    expect(snapshots()).toHaveLength(1);
    expect(alerts()).toEqual([]);
  });

  test('is not removed by hand either: that ends with the reason, and is done at once after it was let go', async () => {
    const { one, held, hold, snapshots, alerts } = await withHeld();
    const ended = (state: string) => async () => (await one.told()).some((words) => words.includes(state));
    await one.must('remove-snapshot', { name, snapshot: held });
    await one.until('it is known to be held', () => alerts().length === 1);
    await one.clock.run(1000);
    expect(await ended(`Removing snapshot data@${held} failed`)()).toBe(true);
    hold(false);
    await one.must('remove-snapshot', { name, snapshot: held });
    await one.until('it is gone', () => snapshots().length === 2);
    expect(alerts()).toEqual([]);
  });

  test('is that also past a daemon that is killed', async () => {
    const { one, hold, snapshots, alerts } = await withHeld();
    await one.must('change-volume', { name, keep: 'last:1' });
    await one.clock.run(37);
    await one.restart();
    await one.until('it is known to be held', () => alerts().length === 1 && snapshots().length === 2);
    await one.restart();
    hold(false);
    await one.clock.run(dayMs);
    expect(snapshots()).toHaveLength(1);
  });
});
