/** Snapshots that fail, and a pool that does not say what has changed, do not stay unseen; and it is told that it is over. */
import { describe, expect, test } from 'vitest';
import { IoError, type IoErrorCode } from '#io/devices/error.ts';
import type { VolumeOp } from '#io/devices/volumes/sim/faults.ts';
import { OneMachine } from './one-machine.ts';

const hourMs = 3_600_000;

async function withVolume(more: { readonly snapshotOnChange?: { settleMs: number; minIntervalMs: number } }) {
  const one = await OneMachine.started();
  const volumes = one.world.machines[0]?.volumes;
  if (!volumes) throw new Error('the world has no machine');
  await one.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 26, ...more } });
  const volume = () => one.lab.byName('volume', 'default', 'data');
  await one.until('it is ready', () => volume()?.state === 'ready');
  /** @param code undefined: it works again */
  const fail = (failing: VolumeOp, code: IoErrorCode | undefined): void => {
    volumes.fault = (op, target, when) =>
      code !== undefined && op === failing && when === 'before'
        ? new IoError(code, { op, target, message: `${op} says ${code}.` })
        : undefined;
  };
  const alerts = () =>
    [...one.world.wired.lab.rows('alerts')].map(([, { rule, message, hint }]) => ({ rule, message, hint }));
  const rules = () => alerts().map(({ rule }) => rule);
  return { one, fail, alerts, rules };
}

describe('snapshots on schedule that fail', () => {
  test('are told after the third, and after two intervals without any, until one is taken', async () => {
    const { one, fail, alerts, rules } = await withVolume({});
    await one.must('create-schedule', { name: 'hourly', volume: 'data', cron: '0 * * * *' });
    await one.clock.run(3 * hourMs);
    expect(rules()).toEqual([]);
    fail('snapshot', 'NO_SPACE');
    await one.clock.run(2 * hourMs);
    expect(rules()).toEqual([]);
    await one.until('it is told', () => rules().length === 2, 2 * hourMs);
    expect(alerts()).toMatchObject([
      {
        rule: 'snapshots-behind',
        message: expect.stringMatching(
          /^The newest snapshot of volume data is of 2026-06-01T03:00:.*schedule hourly\.$/,
        ),
        hint: expect.stringContaining('floatlab snapshot take --volume data'),
      },
      {
        rule: 'snapshots-failing',
        message: 'The last snapshots of volume data failed, one after the other: snapshot says NO_SPACE.',
        hint: expect.stringContaining('floatlab volume snapshot data'),
      },
    ]);
    fail('snapshot', undefined);
    // That is the command.
    await one.must('take-snapshot', { name: 'data' });
    await one.until('it is over', () => rules().length === 0, 60_000);
  });

  test('that a lab which was off could not take are made up for, and told to nobody', async () => {
    const { one, rules } = await withVolume({});
    await one.must('create-schedule', { name: 'hourly', volume: 'data', cron: '0 * * * *' });
    await one.clock.run(3 * hourMs);
    await one.restart(24 * hourMs);
    await one.clock.run(2 * hourMs);
    expect(rules()).toEqual([]);
    expect((await one.told()).filter((words) => words.includes('fallen behind'))).toEqual([]);
  });
});

describe('a pool that does not say what has changed', () => {
  const onChange = { snapshotOnChange: { settleMs: 30_000, minIntervalMs: 300_000 } };

  test('is told once that lasts, and that it is over, also when the daemon was started again meanwhile', async () => {
    const { one, fail, alerts, rules } = await withVolume(onChange);
    await one.clock.run(60_000);
    fail('changes', 'FAILED');
    await one.clock.run(240_000);
    expect(rules()).toEqual([]);
    await one.until('it is told', () => rules().length === 1, 120_000);
    expect(alerts()).toMatchObject([
      {
        rule: 'changes-untold',
        message: expect.stringContaining('changes says FAILED.'),
        hint: expect.stringMatching(/floatlab pool show \S+\/main\.$/),
      },
    ]);
    await one.clock.run(hourMs);
    await one.restart();
    fail('changes', undefined);
    await one.until('it is over', () => rules().length === 0, 60_000);
    const told = (await one.told()).filter((words) => words.includes('what has changed'));
    expect(told).toHaveLength(2);
  });

  test('is of no interest any more once nobody asks', async () => {
    const { one, fail, rules } = await withVolume(onChange);
    fail('changes', 'FAILED');
    await one.until('it is told', () => rules().length === 1, 600_000);
    await one.must('change-volume', { name: 'data', snapshotOnChange: null });
    await one.until('it is over', () => rules().length === 0, 60_000);
  });
});
