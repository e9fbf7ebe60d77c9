/** A hundred volumes on one node: what a look costs, and how many entries of the log their snapshots take. `npm run bench:snapshot` has five hundred. */
import { expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';

const count = 100;
const spec = { sizeBytes: 2 ** 26, snapshotOnChange: { settleMs: 5000, minIntervalMs: 60_000 } };

test('a look at 100 volumes takes next to no work, and their snapshots are told in batches', async () => {
  const one = await OneMachine.started();
  const { lab } = one.world.wired;
  const create = (n: number) =>
    lab.run(
      { id: `create-${n}`, name: 'create-volume', input: { name: `data-${n}`, spec }, by: 'user:admin' },
      new AbortController().signal,
    );
  await one.await(Promise.all(Array.from({ length: count }, (_, n) => create(n))));
  const volumes = () => one.lab.list('volume');
  await one.until('all are ready', () => volumes().every(({ state }) => state === 'ready'));
  const available = () => one.lab.list('snapshot').filter(({ state }) => state === 'available').length;
  await one.until('all have their first snapshot', () => available() === count);
  await one.clock.run(120_000);
  expect(available()).toBe(count);

  // Nothing has changed: twelve looks a minute.
  const idleFrom = process.cpuUsage();
  const idleIndex = one.lab.index;
  await one.clock.run(60_000);
  const idle = process.cpuUsage(idleFrom);
  expect(one.lab.index).toBe(idleIndex);
  expect((idle.user + idle.system) / 1000 / 12).toBeLessThan(200);

  // Everything has.
  const entries = new Set<string>();
  one.world.wired.lab.replica.listen(({ steps }) => {
    for (const { event } of steps) if (event.type === 'snapshot.taken') entries.add(event.command);
  });
  const [machine] = one.world.machines;
  for (const { context } of volumes()) machine?.volumes.filesAt(context.path ?? '')?.set('page', 'two');
  await one.until('all have their second', () => available() === 2 * count);
  expect(entries.size).toBeLessThan(10);
});
