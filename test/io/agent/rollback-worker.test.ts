/** What a node says of a roll-back that ended with an error: only what it has seen. */
import { describe, expect, test } from 'vitest';
import type { WorkOrder } from '#actors/work.ts';
import { rollbackFailures, rollbackWorkers } from '#io/agent/workers/rollback.ts';
import type { Ports, Run } from '#io/agent/worker.ts';
import { IoError, type IoErrorCode } from '#io/devices/error.ts';

const order = {
  ...{ work: 'rollback-dataset', subject: 'volume:v', visit: 3 },
  input: { pool: 'main', dataset: 'v', to: 'old', stash: 'stash-1', isCanceled: false },
} as unknown as WorkOrder<'rollback-dataset'>;

interface World {
  readonly error: IoErrorCode;
  readonly snapshots?: readonly string[];
  readonly reach?: 'writable' | 'read-only' | 'absent';
  readonly mount?: IoErrorCode;
  readonly fenced?: boolean;
}

/** @returns what the lab is told, and what was asked of the file system */
async function outcome({ error, snapshots = ['old'], reach = 'writable', mount, fenced = false }: World) {
  const asked: string[] = [];
  const fails = (code: IoErrorCode) => Promise.reject(new IoError(code, { op: 'x', target: 'v', message: code }));
  const ports = {
    volumes: {
      rollback: () => (asked.push('rollback'), fails(error)),
      mount: () => (asked.push('mount'), mount ? fails(mount) : Promise.resolve({ path: '/v' })),
      snapshots: () => Promise.resolve(snapshots.map((name) => ({ name, guid: name, createdAt: 0 }))),
    },
    content: { reach: () => Promise.resolve(reach) },
  } as unknown as Ports;
  const run = {
    signal: new AbortController().signal,
    ...{ timeoutMs: 1, progress: () => {}, fence: () => {} },
    caughtUp: () => (fenced ? fails('FENCED') : Promise.resolve()),
  } as unknown as Run;
  const thrown: unknown = await rollbackWorkers['rollback-dataset'](order, ports, run).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return { asked, told: rollbackFailures['rollback-dataset']?.(order, thrown as IoError) };
}

describe('a roll-back that ends with an error', () => {
  test.each(['MISSING', 'NO_SPACE', 'BUSY', 'FAILED', 'INVALID'] as const)(
    'of which the file system shows that nothing happened is told so: %s',
    async (error) => {
      const { told } = await outcome({ error, snapshots: ['other'] });
      expect(told).toMatchObject({
        name: 'report-volume-rollback-failed',
        input: { visit: 3, problem: { code: error }, isGone: true },
      });
    },
  );

  test.each([
    ['nobody heard the answer', { error: 'TIMED_OUT' }],
    ['the call was cut off', { error: 'ABORTED' }],
    ['the volume is damaged', { error: 'DAMAGED' }],
    ['the stash is there', { error: 'FAILED', snapshots: ['old', 'stash-1'] }],
    ['the pool cannot be written, and has settled nothing', { error: 'MISSING', reach: 'read-only' }],
    ['its files are not there', { error: 'MISSING', reach: 'absent' }],
    ['what was begun cannot be settled', { error: 'NO_SPACE', mount: 'NO_SPACE' }],
  ] as const)('of which that is not known has failed: %s', async (_, world) => {
    expect((await outcome(world)).told).toMatchObject({ name: 'report-volume-failed', input: { visit: 3 } });
  });

  test('is not begun by a node that knows an old lab only', async () => {
    expect((await outcome({ error: 'FAILED', fenced: true })).asked).toEqual([]);
  });
});
