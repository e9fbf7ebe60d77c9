import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { beginOf, hasBegun } from '#io/daemon/cluster/begin.ts';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'floatlab-begin-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

test('a log is made once: by a founder, or by a machine that knows others', async () => {
  expect(await beginOf(dataDir, 'one', false)).toEqual({ begins: 'found' });
  expect(await beginOf(dataDir, 'one', true)).toEqual({ begins: 'join' });
  await mkdir(join(dataDir, 'log', 'raft'), { recursive: true });
  // Perhaps a crash left the folder alone.
  expect(await beginOf(dataDir, 'one', true)).toEqual({ begins: 'open', otherwise: 'join' });
  await hasBegun(dataDir, 'one');
  expect(await beginOf(dataDir, 'one', true)).toEqual({ begins: 'open' });
});

test('a log that is gone is never made again for the same incarnation: it might vote twice', async () => {
  await hasBegun(dataDir, 'one');
  await expect(beginOf(dataDir, 'one', true)).rejects.toMatchObject({
    code: 'DAMAGED',
    hint: expect.stringContaining('--replaces'),
  });
  expect(await beginOf(dataDir, 'two', true)).toEqual({ begins: 'join' });
});

test('whether a log was made must be known: a note that cannot be read is not taken for none', async () => {
  await mkdir(join(dataDir, 'incarnation'));
  await expect(beginOf(dataDir, 'one', true)).rejects.toMatchObject({ code: 'FAILED' });
});

test('a recovery that was interrupted is finished first', async () => {
  await mkdir(join(dataDir, 'log.recovering'));
  await expect(beginOf(dataDir, 'one', false)).rejects.toMatchObject({
    code: 'INVALID',
    hint: expect.stringContaining('--recover'),
  });
});
