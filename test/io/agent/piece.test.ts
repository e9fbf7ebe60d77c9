import { expect, test } from 'vitest';
import { createActor } from 'xstate';
import type { Command } from '#actors/commands.ts';
import { asIndex } from '#events/envelope.ts';
import { pieceMachine, type PieceInput } from '#io/agent/piece.ts';
import { IoError, type IoErrorCode } from '#io/devices/error.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';

const outcome = (message: string): Command => ({
  name: 'report-volume-failed',
  input: { volume: 'volume:v', visit: 1, problem: { code: 'FAILED', message } },
});

const order: PieceInput['order'] = {
  work: 'destroy-dataset',
  subject: 'volume:v',
  visit: 1,
  node: 'node:n',
  epoch: asIndex(1),
  cause: 'c',
  correlation: 'c',
  input: { pool: 'main', dataset: 'v', scrub: false },
};

/** Runs a piece whose attempts end with these errors (after so long), then well. @returns everything that it did, in order */
async function story(errors: readonly (readonly [IoErrorCode, afterMs?: number])[], givesUp = true): Promise<string[]> {
  const clock = new VirtualClock(0);
  const done: string[] = [];
  const left = [...errors];
  const wait = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(() => resolve(), ms));
  const input: PieceInput = {
    order,
    async attempt(_, attempt) {
      done.push(`attempt ${attempt}`);
      const [code, afterMs = 0] = left.shift() ?? [];
      await wait(afterMs);
      if (code) throw new IoError(code, { op: 'x', target: 'y', message: code });
      return outcome('well');
    },
    failed(error) {
      done.push(`judged ${error.code}`);
      return givesUp ? outcome(error.code) : undefined;
    },
    waits: (error, attempt) => void done.push(`waits for ${error.code} after ${attempt}`),
    report: ({ input: said }) => {
      done.push(`told ${'problem' in said ? said.problem?.message : ''}`);
      return Promise.resolve();
    },
    chance: () => 0,
    nowMs: () => clock.monotonicMs(),
  };
  const actor = createActor(pieceMachine, { input, clock }).start();
  await clock.runUntil(() => actor.getSnapshot().status === 'done', 10 * 3_600_000);
  return done;
}

test('a failure that asks for a person is judged once and told, and nobody waits', async () => {
  expect(await story([['NO_SPACE']])).toEqual(['attempt 1', 'judged NO_SPACE', 'told NO_SPACE']);
});

test('a failure that may pass is tried five times; only then anybody asks what to say', async () => {
  expect(await story([['FAILED'], ['FAILED'], ['FAILED'], ['FAILED'], ['FAILED']])).toEqual([
    'attempt 1',
    'waits for FAILED after 1',
    'attempt 2',
    'waits for FAILED after 2',
    'attempt 3',
    'waits for FAILED after 3',
    'attempt 4',
    'waits for FAILED after 4',
    'attempt 5',
    'judged FAILED',
    'told FAILED',
  ]);
});

test('what heals by itself is waited for, and never judged', async () => {
  expect(await story([['ENGINE_UNREACHABLE']])).toEqual([
    'attempt 1',
    'waits for ENGINE_UNREACHABLE after 1',
    'attempt 2',
    'told well',
  ]);
});

test('work that is never given up goes on after whatever failure', async () => {
  expect(await story([['NO_SPACE']], false)).toEqual([
    'attempt 1',
    'judged NO_SPACE',
    'waits for NO_SPACE after 1',
    'attempt 2',
    'told well',
  ]);
});

test('a failure after an hour that went well is the first of its row', async () => {
  const hour = 3_600_000;
  const often = Array.from({ length: 6 }, () => ['FAILED', hour] as const);
  const done = await story(often);
  expect(done.filter((one) => one.startsWith('attempt'))).toEqual(['attempt 1', ...often.map(() => 'attempt 2')]);
  expect(done.at(-1)).toBe('told well');
});
