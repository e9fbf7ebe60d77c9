/** How one attempt to bring a replica up to date uses both ends: at the same time, and no longer than it has to. */
import { expect, test } from 'vitest';
import type { WorkOrder } from '#actors/work.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { workerOf } from '#io/agent/workers.ts';
import { IoError } from '#io/devices/error.ts';
import type { Bases, ReplicationPort } from '#io/devices/replication/port.ts';

const order = {
  work: 'sync-replica',
  subject: 'replica:one',
  node: 'node:vega',
  visit: 7,
  input: {
    ...{ pool: 'main', dataset: 'one', epoch: { generation: 1, index: 1 }, lineage: 'line-1', compress: false },
    to: { name: 'second', guid: 'g2' },
    snapshots: [
      { guid: 'g1', isOnLine: true },
      { guid: 'g2', isOnLine: true },
    ],
  },
} as unknown as WorkOrder;

const abilities = { format: 'btrfs', resume: false, compressed: true, raw: false, bookmarks: false } as const;
const held = {
  ...{ role: 'replica', format: 'btrfs', epoch: { generation: 1, index: 1 }, lineage: 'line-1', newest: 'g1' },
  all: [{ kind: 'snapshot', name: 'first', guid: 'g1', createdAt: 0, peers: [] }],
} as unknown as Bases;

function attempt(receive: ReplicationPort['receive']) {
  const said: string[] = [];
  const tails: ((signal: AbortSignal) => Promise<void>)[] = [];
  let waiting = 0;
  let meet = (): void => undefined;
  const all = new Promise<void>((resolve) => (meet = resolve));
  /** Goes on once the three looks have begun. */
  const together = async <T>(value: T): Promise<T> => {
    if (++waiting === 3) meet();
    await all;
    return value;
  };
  let streamed: AbortSignal | undefined;
  const ports = {
    sources: {
      look: () => together({ abilities, bases: [{ guid: 'g1', kind: 'snapshot' }] }),
      stream: async function* (_: unknown, __: unknown, signal: AbortSignal) {
        said.push('the sender begins');
        streamed = signal;
        yield Buffer.from('stream');
      },
      confirm: async () => void said.push('confirmed'),
    },
    replication: { bases: () => together(held), abilities: () => together(abilities), receive },
  } as unknown as Ports;
  const run = {
    ...{ signal: new AbortController().signal, timeoutMs: 1000, progress: () => {}, fence: () => {} },
    afterwards: (tail: (typeof tails)[number]) => tails.push(tail),
  } as unknown as Run;
  return { outcome: workerOf(order)(ports, run), said, tails, isEnded: () => streamed?.aborted };
}

test('both ends are looked at together, the sender begins before somebody reads, and the outcome waits for no goodbye', async () => {
  let saw: readonly string[] = [];
  const { outcome, said, tails } = attempt(async (_, __, bytes) => {
    await Promise.resolve();
    saw = [...said];
    for await (const piece of bytes) expect(Buffer.from(piece).toString()).toBe('stream');
    return { name: 'second', guid: 'g2', createdAt: 0 };
  });
  expect(await outcome).toMatchObject({ name: 'report-replica-synced', input: { visit: 7, bytes: 6 } });
  expect(saw).toEqual(['the sender begins']);
  expect(said).toEqual(['the sender begins']);
  for (const tail of tails) await tail(new AbortController().signal);
  expect(said).toEqual(['the sender begins', 'confirmed']);
});

test('a stream that the receiver refuses before it reads any of it ends at its sender', async () => {
  const { outcome, tails, isEnded } = attempt(() =>
    Promise.reject(new IoError('FENCED', { op: 'receive', target: 'one', message: 'a higher epoch came' })),
  );
  await expect(outcome).rejects.toMatchObject({ code: 'FENCED' });
  expect(isEnded()).toBe(true);
  expect(tails).toEqual([]);
});
