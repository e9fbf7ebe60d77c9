import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rmdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { emptyHome, homePrefix, removeAbandoned } from './home.ts';

test('a home that a killed run left behind is removed by the next one, and no other', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  const abandoned = await mkdtemp(homePrefix(pid));
  const [mine, ofTheRunner] = [await emptyHome(), await mkdtemp(homePrefix(process.ppid))];
  await removeAbandoned();
  expect([abandoned, mine, ofTheRunner].map((home) => existsSync(home))).toEqual([false, true, true]);
  await rmdir(ofTheRunner);
});
