/** A pool whose disks are gone for good, in a simulated lab: a person gives it up, and nothing waits for it any more. */
import { describe, expect, test } from 'vitest';
import type { ActorState } from '#actors/actor.ts';
import { workOf } from '#actors/registry.ts';
import { kinds } from '#events/envelope.ts';
import type { AlertRow } from '#projections/alerts.ts';
import { OneMachine } from './one-machine.ts';

const GiB = 2 ** 30;
const node = 'atlas';
const constraints = { pool: 'tank' };

/** A lab with volumes in a pool that has lost its only disk, in the middle of what people had asked of them. */
async function bereft(): Promise<OneMachine> {
  const one = await OneMachine.started();
  const pool = (): string | undefined => one.lab.get('pool:sim0001/tank')?.state;
  await one.must('create-pool', { node, name: 'tank', devices: ['/dev/sdc'] });
  await one.until('the pool is there', () => pool() === 'online');
  await one.until('it is told', () => one.lab.get('node:sim0001')?.context.facts.pools.length === 2);
  for (const name of ['photos', 'old', 'films']) {
    await one.must('create-volume', { name, spec: { sizeBytes: GiB, constraints } });
    await one.until(`${name} is ready`, () => volume(one, name)?.state === 'ready');
    await one.must('take-snapshot', { name, as: 'monday' });
    await one.until('its snapshot is there', () =>
      one.lab.list('snapshot').every(({ state }) => state === 'available'),
    );
  }
  one.world.machines[0]?.pools.pullOut('/dev/sdc');
  await one.until('the pool is gone', () => pool() === 'unavailable');
  await one.must('delete-volume', { name: 'old', purge: true });
  await one.must('restore-files', { name: 'photos', snapshot: 'monday', paths: ['a'] });
  await one.must('change-volume', { name: 'films', sizeBytes: 2 * GiB });
  await one.clock.run(60_000);
  return one;
}
const volume = (one: OneMachine, name: string): ActorState<'volume'> | undefined =>
  one.lab.byName('volume', 'default', name);
const alerts = (one: OneMachine): readonly AlertRow[] => one.world.wired.lab.rows('alerts').map(([, row]) => row);
const waiting = (one: OneMachine) =>
  kinds.flatMap((kind) => one.lab.list(kind)).flatMap((actor) => workOf(actor, one.lab)?.work ?? []);

describe('a pool that is gone for good', () => {
  test('holds up for ever what was asked of its volumes, and not a moment longer than a person wants', async () => {
    const one = await bereft();
    expect(waiting(one).toSorted()).toEqual(['create-dataset', 'destroy-dataset', 'restore-files']);
    await one.must('forget-pool', { node, name: 'tank', force: true });
    await one.until('nothing waits', () => waiting(one).length === 0, 30_000);
    await one.until('all has ended', () => one.lab.list('operation').length === 0, 30_000);
    expect(
      one.lab
        .list('volume')
        .map(({ context, state }) => `${context.metadata.name} ${state}`)
        .toSorted(),
    ).toEqual(['films failed', 'photos failed']);
    expect(
      alerts(one)
        .map(({ message }) => message)
        .toSorted(),
    ).toEqual(['Volume films was lost with pool atlas/tank.', 'Volume photos was lost with pool atlas/tank.']);
  });

  test.each([0, 1, 3, 10, 100, 1000, 5000])(
    'is given up whenever the daemon dies meanwhile (after %d ms), and another one takes its name and its volumes',
    async (afterMs) => {
      const one = await bereft();
      await one.must('forget-pool', { node, name: 'tank', force: true });
      await one.clock.run(afterMs);
      await one.restart();
      await one.until('nothing waits', () => waiting(one).length === 0);
      await one.until('the pool is out', () => one.lab.get('pool:sim0001/tank') === undefined);

      await one.must('create-pool', { node, name: 'tank', devices: ['/dev/sdd'] });
      await one.until('it is there again', () => one.lab.get('pool:sim0001/tank')?.state === 'online');
      await one.until('it is told', () =>
        Boolean(one.lab.get('node:sim0001')?.context.facts.pools.some(({ name }) => name === 'tank')),
      );
      await one.must('create-volume', { name: 'photos', spec: { sizeBytes: GiB, constraints } });
      await one.until('photos begins anew', () => volume(one, 'photos')?.state === 'ready');
      await one.must('delete-volume', { name: 'films' });
      await one.until('nothing is wrong any more', () => alerts(one).length === 0);
      expect(one.lab.list('snapshot')).toEqual([]);
    },
  );
});
