/** What becomes of a snapshot that cannot be removed depends on who holds it. */
import { expect, test } from 'vitest';
import type { WorkOrder } from '#actors/work.ts';
import { IoError } from '#io/devices/error.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { failureOf, workerOf } from '#io/agent/workers.ts';

const held = new IoError('HELD', { op: 'remove', target: 'main/data', message: 'one is held' });
const run: Run = {
  signal: new AbortController().signal,
  timeoutMs: 1000,
  progress: () => {},
  fence: () => {},
  caughtUp: () => Promise.resolve(),
  report: () => Promise.resolve(),
  afterwards: () => {},
  judge: () => {
    throw new Error('no pool is looked at');
  },
};

/** @param needed by the lab for its replica, of what the file system protects for that one */
async function removed(needed: readonly string[] | undefined, peers: readonly string[]) {
  const order = {
    work: 'remove-snapshot',
    subject: 'snapshot:one',
    visit: 3,
    node: 'node:atlas',
    epoch: 1,
    cause: 'c',
    correlation: 'c',
    input: { pool: 'main', dataset: 'data', name: 'one', ...(needed ? { needed: { r1: needed } } : {}) },
  } as unknown as WorkOrder;
  const ports = {
    volumes: { removeSnapshots: () => Promise.reject(held) },
    replication: {
      bases: () => Promise.resolve({ all: [{ kind: 'snapshot', name: 'one', guid: 'g1', createdAt: 0, peers }] }),
      unprotect: () => Promise.resolve(),
    },
  } as unknown as Ports;
  const error: unknown = await workerOf(order)(ports, run).catch((thrown: unknown) => thrown);
  if (!(error instanceof IoError)) throw new Error('it was removed');
  return { code: error.code, said: failureOf(order, error)?.name };
}

test('one that another tool holds is given up until later', async () => {
  const told = { code: 'HELD', said: 'report-snapshot-held' };
  expect(await removed(undefined, [])).toEqual(told);
  expect(await removed(['another'], [])).toEqual(told);
  expect(await removed(['another'], ['r1'])).toEqual(told);
});

test('one that the lab itself needs for a replica is waited for', async () => {
  expect(await removed(['another', 'g1'], ['r1'])).toEqual({ code: 'BUSY', said: undefined });
});
