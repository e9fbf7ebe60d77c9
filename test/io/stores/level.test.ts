import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openLevel } from '#io/stores/level.ts';
import { storeContract } from '#test/contracts/store.ts';

const tempDir = () => mkdtemp(join(tmpdir(), 'floatlab-level-'));

storeContract('LevelDB', async () => {
  const dir = await tempDir();
  return { open: () => openLevel(join(dir, 'db')), dispose: () => rm(dir, { recursive: true }) };
});

test('a database whose manifest is damaged is refused as damaged, with its directory and what to do', async () => {
  const dir = await tempDir();
  const db = join(dir, 'db');
  await (await openLevel(db)).close();
  const manifest = (await readdir(db)).find((name) => name.startsWith('MANIFEST'));
  await writeFile(join(db, manifest ?? ''), 'nonsense');
  const opening = openLevel(db);
  await expect(opening).rejects.toMatchObject({ code: 'DAMAGED', message: expect.stringContaining(db) });
  await expect(opening).rejects.toHaveProperty('hint', expect.stringContaining('backup'));
  await rm(dir, { recursive: true });
});

test('a directory that cannot be made is refused with the reason of the operating system', async () => {
  const dir = await tempDir();
  await writeFile(join(dir, 'file'), '');
  await expect(openLevel(join(dir, 'file', 'db'))).rejects.toMatchObject({ code: 'FAILED' });
  expect(await readFile(join(dir, 'file'), 'utf8')).toBe('');
  await rm(dir, { recursive: true });
});
