import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDirectory } from '#io/stores/directory-real.ts';
import { directoryContract } from '#test/contracts/directory.ts';

const tempDir = () => mkdtemp(join(tmpdir(), 'floatlab-directory-'));

directoryContract('A real directory', async () => {
  const dir = await tempDir();
  return { open: () => openDirectory(join(dir, 'files')), dispose: () => rm(dir, { recursive: true }) };
});

let dir: string;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => rm(dir, { recursive: true }));

test('a directory is made with all above it, for its owner alone', async () => {
  const path = join(dir, 'raft', 'watermark');
  const directory = await openDirectory(path);
  await directory.replace('a', Uint8Array.of(1));
  await directory.writeAt('b', 0, Uint8Array.of(1));
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  for (const name of ['a', 'b']) expect((await stat(join(path, name))).mode & 0o777).toBe(0o600);
  await directory.close();
});

test('what a crash left half written is cleared away, and nothing else', async () => {
  await writeFile(join(dir, '~a'), 'half');
  await writeFile(join(dir, 'a'), 'whole');
  const directory = await openDirectory(dir);
  expect(await readdir(dir)).toEqual(['a']);
  await directory.replace('a', Uint8Array.of(1));
  expect(await readdir(dir)).toEqual(['a']);
  await directory.close();
});

test('after a write that failed nothing more is written, and what is there can still be read', async () => {
  const directory = await openDirectory(dir);
  await directory.replace('a', Uint8Array.of(1));
  // A directory stands where the file should be: the operating system refuses.
  await mkdir(join(dir, 'blocked'));
  const first = directory.writeAt('blocked', 0, Uint8Array.of(1));
  await expect(first).rejects.toMatchObject({ code: 'FAILED', message: expect.stringContaining(dir) });
  await expect(directory.replace('a', Uint8Array.of(2))).rejects.toMatchObject({ code: 'FAILED' });
  await expect(directory.sync('a')).rejects.toMatchObject({ code: 'FAILED' });
  expect([...((await directory.read('a')) ?? [])]).toEqual([1]);
  await directory.close();
});

test('a file of which a place cannot be read any more is damaged, and no other is', async () => {
  const directory = await openDirectory(dir);
  await directory.replace('right', Uint8Array.of(1));
  // The first page of a process cannot be read: the operating system says EIO.
  await symlink('/proc/self/mem', join(dir, 'bad'));
  const damaged = { name: 'StoreError', code: 'DAMAGED', message: expect.stringContaining(`bad in ${dir}`) };
  await expect(directory.read('bad')).rejects.toMatchObject(damaged);
  await expect(directory.stream('bad')[Symbol.asyncIterator]().next()).rejects.toMatchObject(damaged);
  expect([...((await directory.read('right')) ?? [])]).toEqual([1]);
  await directory.replace('bad', Uint8Array.of(2));
  expect([...((await directory.read('bad')) ?? [])]).toEqual([2]);
  await directory.close();
});

test('a directory that cannot be made is refused with the reason of the operating system', async () => {
  await writeFile(join(dir, 'file'), '');
  await expect(openDirectory(join(dir, 'file', 'files'))).rejects.toMatchObject({
    code: 'FAILED',
    message: expect.stringContaining('ENOTDIR'),
    hint: expect.stringMatching(/disk/),
  });
});
