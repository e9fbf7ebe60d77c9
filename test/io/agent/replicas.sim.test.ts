/** Replicas in a simulated lab. Between more kinds of pools: thorough. */
import { expect, test } from 'vitest';
import { OneMachine } from './one-machine.ts';
import { replicaLife } from './replica-life.ts';

const spec = { sizeBytes: 2 ** 26 };

for (const on of ['btrfs', 'zfs', 'plain folders, of a volume on zfs'] as const) replicaLife(on);

test('the lab keeps as many replicas as a volume asks for, where they may be, and no more', async () => {
  const lab = await OneMachine.started(1, 8);
  await lab.must('label-node', { name: 'atlas', labels: { place: 'here' } });
  const replicas = { count: 2, on: 'change' as const };
  await lab.must('create-volume', {
    name: 'data',
    spec: { ...spec, replicas, constraints: { labels: { place: 'here' } } },
  });
  const all = () => lab.lab.list('replica').filter(({ state, context }) => state === 'idle' && context.cursor !== null);
  await lab.until('there are two', () => all().length === 2, 600_000);
  expect(
    all()
      .map(({ context }) => lab.lab.get(context.node)?.context.metadata.name ?? '')
      .toSorted((a, b) => (a < b ? -1 : 1)),
  ).toEqual(['rigel', 'sirius']);
  await lab.must('change-volume', { name: 'data', replicas: { count: 1 } });
  await lab.until('there is one', () => lab.lab.list('replica').length === 1);
  await lab.must('change-volume', { name: 'data', replicas: null });
  await lab.until('there is none', () => lab.lab.list('replica').length === 0);
});
