import { describe, expect, test } from 'vitest';
import type { Command } from '#actors/commands.ts';
import type { WorkOrder } from '#actors/work.ts';
import { asIndex } from '#events/envelope.ts';
import { Outcomes, type Sent, type Told } from '#io/agent/outcomes.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

const order = (n: number, correlation: string): WorkOrder => ({
  work: 'take-snapshot',
  subject: `snapshot:${n}`,
  visit: 1,
  node: 'node:atlas',
  epoch: asIndex(1),
  cause: `cause-${n}`,
  correlation,
  input: { snapshots: [], isSet: false, hooks: [] },
});

const taken = (n: number): Command => ({
  name: 'report-snapshot-taken',
  input: { snapshot: `snapshot:${n}`, visit: 1, guid: `g${n}`, takenAt: n },
});

/** @param count pieces of work under way @param answer of the lab */
function gathering(
  count: number,
  answer: (sent: Sent) => Told = () => 'taken',
  correlationOf: (n: number) => string = (n) => `routine-${n}`,
) {
  const clock = new VirtualClock(0);
  /** Under way until the lab has taken what became of it. */
  const orders = new Map(Array.from({ length: count }, (_, n) => [n, order(n, correlationOf(n))] as const));
  const sent: Sent[] = [];
  const outcomes = new Outcomes({
    node: 'node:atlas',
    clock,
    orders: () => orders.values(),
    send: async (report) => {
      sent.push(report);
      return answer(report);
    },
  });
  const report = async (n: number): Promise<Told> => {
    const told = await outcomes.report(orders.get(n) as WorkOrder, `id-${n}`, taken(n));
    orders.delete(n);
    return told;
  };
  return { clock, sent, report };
}

const sizes = (sent: readonly Sent[]): readonly number[] =>
  sent.map(({ command }) => (command.name === 'report-snapshots-taken' ? command.input.snapshots.length : 1));

describe('reports of snapshots', () => {
  test('of one that is alone leave at once, as they are', async () => {
    const { sent, report } = gathering(1);
    expect(await report(0)).toBe('taken');
    expect(sent).toEqual([{ id: 'id-0', command: taken(0), cause: 'cause-0', correlation: 'routine-0' }]);
  });

  test('of many become one when the last has come', async () => {
    const { sent, report } = gathering(20);
    const told = await Promise.all(Array.from({ length: 20 }, (_, n) => report(n)));
    expect(told).toEqual(Array.from({ length: 20 }, () => 'taken'));
    expect(sizes(sent)).toEqual([20]);
  });

  test('wait only a moment for one that takes long', async () => {
    const { clock, sent, report } = gathering(3);
    const told = [report(0), report(1)];
    await clock.run(249);
    expect(sent).toEqual([]);
    await clock.run(1);
    await Promise.all(told);
    expect(sizes(sent)).toEqual([2]);
    await report(2);
    expect(sizes(sent)).toEqual([2, 1]);
  });

  test('that the lab does not want together are said one by one', async () => {
    const answer = ({ command, id }: Sent): Told =>
      command.name === 'report-snapshots-taken' || id === 'id-1' ? { refused: 'no' } : 'taken';
    const { sent, report } = gathering(3, answer);
    const told = await Promise.all([report(0), report(1), report(2)]);
    expect(told).toEqual(['taken', { refused: 'no' }, 'taken']);
    expect(sizes(sent)).toEqual([3, 1, 1, 1]);
  });

  test('of what a person asked for are mixed with nothing else', async () => {
    const { sent, report } = gathering(4, undefined, (n) => (n < 2 ? 'operation:a' : `routine-${n}`));
    await Promise.all([0, 1, 2, 3].map((n) => report(n)));
    expect(sent.map(({ correlation }) => correlation)).toEqual(['operation:a', undefined]);
    expect(sizes(sent)).toEqual([2, 2]);
  });

  test('are never more than a command takes', async () => {
    const { sent, report } = gathering(1200);
    await Promise.all(Array.from({ length: 1200 }, (_, n) => report(n)));
    expect(sizes(sent)).toEqual([500, 500, 200]);
  });

  test('that could not be said are everybody’s failure', async () => {
    const { report } = gathering(2, () => {
      throw new Error('no majority');
    });
    const told = await Promise.allSettled([report(0), report(1)]);
    expect(told.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
