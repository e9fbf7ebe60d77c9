/** Snapshots because of changes, on a simulated machine: the sensor, the agent, the decision and the pool together. */
import { describe, expect, test } from 'vitest';
import type { ActorState } from '#actors/actor.ts';
import { OneMachine } from './one-machine.ts';

const settleMs = 30_000;
const minIntervalMs = 300_000;
const spec = { sizeBytes: 2 ** 26, snapshotOnChange: { settleMs, minIntervalMs } };
/** A look, and how long a busy pool and the log may take. */
const slackMs = 5000 + 10_000;

interface Watched {
  readonly one: OneMachine;
  write(text: string): void;
  taken(): readonly ActorState<'snapshot'>[];
}

async function watched(): Promise<Watched> {
  const one = await OneMachine.started();
  await one.must('create-volume', { name: 'data', spec });
  const volume = () => one.lab.byName('volume', 'default', 'data');
  await one.until('data is ready', () => volume()?.state === 'ready');
  const [machine] = one.world.machines;
  const taken = () => {
    const stream = volume()?.stream;
    const all = stream === undefined ? [] : one.lab.referrers(stream, 'snapshot');
    return all
      .filter(({ state }) => state === 'available')
      .toSorted((a, b) => a.context.requestedAt - b.context.requestedAt);
  };
  const write = (text: string): void => {
    machine?.volumes.filesAt(volume()?.context.path ?? '')?.set('page', text);
  };
  return { one, write, taken };
}

/** Its first snapshot is taken, and the interval after it is over. */
async function atRest(): Promise<Watched> {
  const at = await watched();
  await at.one.until('the first snapshot is taken', () => at.taken().length === 1);
  await at.one.clock.run(minIntervalMs + slackMs);
  return at;
}

describe('a volume that is snapshotted when it changes', () => {
  test('has one once it has settled, and no other before it changes again', async () => {
    const { one, write, taken } = await atRest();
    expect(taken().length).toBe(1);
    write('one');
    await one.clock.run(settleMs - 1000);
    expect(taken().length).toBe(1);
    await one.clock.run(slackMs);
    expect(taken().map(({ context }) => [context.reason, context.change !== null])).toEqual([
      ['change', true],
      ['change', true],
    ]);
    await one.clock.run(3_600_000);
    expect(taken().length).toBe(2);
  });

  test('has one every interval while it is written to all the time', async () => {
    const { one, write, taken } = await atRest();
    const before = taken().length;
    for (let n = 0; n < 400; n++) {
      write(`text ${n}`);
      await one.clock.run(5000);
    }
    const more = taken().length - before;
    // 2,000 seconds: six intervals and a bit.
    expect(more).toBeGreaterThanOrEqual(5);
    expect(more).toBeLessThanOrEqual(7);
  });

  test('has neither one too many nor one too few when the daemon is killed again and again, and when clocks jump', async () => {
    const { one, write, taken } = await atRest();
    for (const [n, afterMs] of [1000, 4000, 9000, 31_000, 36_000, 52_000].entries()) {
      const before = taken().length;
      write(`round ${n}`);
      await one.clock.run(afterMs);
      if (n % 2 === 0) one.clock.jump(n % 4 === 0 ? 86_400_000 : -3_600_000);
      await one.restart();
      await one.clock.run(settleMs + minIntervalMs + 2 * slackMs);
      expect(taken().length).toBe(before + 1);
    }
  });

  test('waits for the interval also when the daemon was started again within it', async () => {
    const { one, write, taken } = await atRest();
    write('first');
    await one.until('it is taken', () => taken().length === 2);
    write('second');
    await one.clock.run(10_000);
    await one.restart();
    await one.clock.run(minIntervalMs - 60_000);
    expect(taken().length).toBe(2);
    await one.clock.run(60_000 + slackMs);
    expect(taken().length).toBe(3);
  });

  test('is not snapshotted for what another snapshot holds already', async () => {
    const { one, write, taken } = await atRest();
    write('two');
    await one.clock.run(7000);
    await one.must('take-snapshot', { name: 'data', as: 'by-hand' });
    await one.clock.run(minIntervalMs + settleMs + slackMs);
    expect(taken().map(({ context }) => context.reason)).toEqual(['change', 'manual']);
  });

  test('is left alone once that is switched off', async () => {
    const { one, write, taken } = await atRest();
    await one.must('change-volume', { name: 'data', snapshotOnChange: null });
    write('three');
    await one.clock.run(3_600_000);
    expect(taken().length).toBe(1);
  });
});
