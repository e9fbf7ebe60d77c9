/** The daemon is begun alike by `npm start`, by itself, and by tests and benchmarks. */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startArgs, startEnv } from '#test/start-settings.ts';

test('the daemon that is started as a program has the settings of npm start', async () => {
  const [first] = (await readFile(new URL('../bin/floatlabd.js', import.meta.url), 'utf8')).split('\n');
  const env = Object.entries(startEnv).map(([name, value]) => `${name}=${value}`);
  expect(first).toBe(['#!/usr/bin/env -S', ...env, 'node', ...startArgs].join(' '));
  expect({ startArgs, startEnv }).toEqual({
    startArgs: ['--max-semi-space-size=8', '--single-threaded-gc'],
    startEnv: { MALLOC_ARENA_MAX: '2', UV_THREADPOOL_SIZE: '16' },
  });
});
