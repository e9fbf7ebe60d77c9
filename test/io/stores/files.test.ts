import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isThere, removeFile, textIfThere } from '#io/stores/files.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-files-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('a file is there or is not; one that cannot be looked at is not taken for missing', async () => {
  const file = join(dir, 'file');
  await writeFile(file, '');
  expect([await isThere(file), await isThere(dir)]).toEqual([true, true]);
  expect([await isThere(join(dir, 'other')), await isThere(join(file, 'below'))]).toEqual([false, false]);
  await symlink(join(dir, 'loop'), join(dir, 'loop'));
  await expect(isThere(join(dir, 'loop'))).rejects.toMatchObject({
    code: 'FAILED',
    message: expect.stringContaining('loop'),
  });
});

test('a text is read where there is one; one that cannot be read is not taken for missing', async () => {
  const file = join(dir, 'file');
  await writeFile(file, 'text');
  expect(await textIfThere(file)).toBe('text');
  expect(await textIfThere(join(dir, 'other'))).toBeUndefined();
  await expect(textIfThere(dir)).rejects.toMatchObject({ code: 'FAILED', message: expect.stringContaining(dir) });
});

test('a file that was removed is gone, and removing it once more is no error', async () => {
  const file = join(dir, 'file');
  await writeFile(file, 'secret');
  await removeFile(file);
  expect(await isThere(file)).toBe(false);
  await removeFile(file);
});
