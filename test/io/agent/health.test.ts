import { expect, test } from 'vitest';
import { mayBeStartingMs } from '#io/agent/containers/health.ts';
import { endedWithEngine } from '#io/agent/containers/loss.ts';

test('a service may be starting for as long as its engine says so, and a little longer', () => {
  const test = ['CMD', 'true'];
  expect(mayBeStartingMs({ test, intervalMs: 5000, timeoutMs: 2000, startPeriodMs: 600_000, retries: 10 })).toBe(
    600_000 + 10 * 7000 + 30_000,
  );
  // What the file leaves open is as the engine has it.
  expect(mayBeStartingMs({ test })).toBe(3 * 60_000 + 30_000);
  expect(mayBeStartingMs(undefined)).toBe(3 * 60_000 + 30_000);
});

test.each([
  ['that it has not seen', { exitCode: 255, startedAt: 100 }, undefined, true],
  ['of a run that is older than the engine', { exitCode: 0, startedAt: 100 }, 200, true],
  ['of a run that it has begun', { exitCode: 0, startedAt: 300 }, 200, false],
  ['when the engine does not tell its age', { exitCode: 137, startedAt: 100 }, undefined, false],
  ['when it never ran', { exitCode: 0, startedAt: undefined }, 200, false],
] as const)('an end %s is the engine’s doing: %#', (_, container, engineStartedAt, expected) => {
  expect(endedWithEngine({ state: 'exited', ...container }, engineStartedAt)).toBe(expected);
  expect(endedWithEngine({ state: 'running', ...container }, engineStartedAt)).toBe(false);
});
