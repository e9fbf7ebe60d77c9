import { mkdir, mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDirStore } from '#io/devices/backup/store/dir.ts';
import { SimObjects } from '#io/devices/backup/store/sim.ts';
import { objectStoreContract } from '#test/contracts/object-store.ts';

const { signal } = new AbortController();

objectStoreContract('the simulated store', async () => ({
  store: new SimObjects().store(),
  dispose: async () => undefined,
}));

objectStoreContract('a folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'floatlab-store-'));
  return { store: await openDirStore(root, signal), dispose: () => rm(root, { recursive: true }) };
});

describe('a folder for backups', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'floatlab-store-'));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  test('is never made: an empty mount point is not the disk', async () => {
    await expect(openDirStore(join(root, 'none'), signal)).rejects.toMatchObject({
      code: 'POOL_MISSING',
      hint: expect.stringContaining('mounted'),
    });
  });

  test('that became another one meanwhile is not written to', async () => {
    const folder = join(root, 'disk');
    await mkdir(folder);
    const store = await openDirStore(folder, signal);
    await store.put('a', new Uint8Array(1), signal);
    await rename(folder, join(root, 'unmounted'));
    await mkdir(folder);
    await expect(store.put('b', new Uint8Array(1), signal)).rejects.toMatchObject({ code: 'POOL_MISSING' });
    await expect(store.get('a', signal)).rejects.toMatchObject({ code: 'POOL_MISSING' });
    expect(await readdir(folder)).toEqual([]);
  });

  test('keeps nothing half written, and removes what a crash left there a day ago', async () => {
    await mkdir(join(root, 'incoming'));
    for (const name of ['old', 'new']) await writeFile(join(root, 'incoming', name), 'half');
    const dayAgo = Date.now() / 1000 - 25 * 3600;
    await utimes(join(root, 'incoming', 'old'), dayAgo, dayAgo);
    const store = await openDirStore(root, signal);
    await store.put('packs/ab/a', new Uint8Array(10), signal);
    expect(await readdir(join(root, 'incoming'))).toEqual(['new']);
    expect((await stat(join(root, 'packs', 'ab', 'a'))).mode & 0o777).toBe(0o600);
  });
});
