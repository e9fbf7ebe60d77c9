import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { realMarks } from '#io/devices/marks/real.ts';

const call = () => ({ signal: new AbortController().signal, timeoutMs: 10_000, progress: () => {} });
const run = promisify(execFile);

describe('the mark of a folder', () => {
  let folder: string;
  let root: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'floatlab-marks-'));
    root = join(folder, 'live');
    await mkdir(join(root, 'a', 'b'), { recursive: true });
    await writeFile(join(root, 'a', 'page'), 'one');
    await writeFile(join(root, 'a', 'b', 'other'), 'two');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const mark = async (path = root): Promise<string> => (await realMarks.walk(path, call())).mark;

  test('stays while nothing is done, and is that of a copy that keeps times', async () => {
    const first = await mark();
    expect(await mark()).toBe(first);
    await run('cp', ['-a', root, join(folder, 'copy')]);
    expect(await mark(join(folder, 'copy'))).toBe(first);
  });

  test.each<[string, (root: string) => Promise<unknown>]>([
    ['a file gets longer', (at) => writeFile(join(at, 'a', 'page'), 'one more')],
    ['a file is written anew, as long as before', (at) => writeFile(join(at, 'a', 'b', 'other'), 'six')],
    ['a file is cut', (at) => truncate(join(at, 'a', 'page'), 1)],
    ['only the time of a file is another', (at) => utimes(join(at, 'a', 'page'), 1, 1)],
    ['a mode is another', (at) => chmod(join(at, 'a', 'page'), 0o600)],
    ['the mode of the folder itself is another', (at) => chmod(at, 0o700)],
    ['a file is called otherwise', (at) => rename(join(at, 'a', 'page'), join(at, 'a', 'pages'))],
    ['there is one more folder', (at) => mkdir(join(at, 'c'))],
    ['a link is there', (at) => symlink('/etc', join(at, 'etc'))],
    ['there is a file whose name is no text', (at) => writeFile(Buffer.from(`${at}/a/caf\xe9`, 'latin1'), 'x')],
    ['a file is gone', (at) => rm(join(at, 'a', 'page'))],
  ])('is another one when %s', async (_, change) => {
    const first = await mark();
    await change(root);
    expect(await mark()).not.toBe(first);
  });

  test('does not follow links out of the folder', async () => {
    await mkdir(join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), join(root, 'link'));
    const { mark: first, folders } = await realMarks.walk(root, call());
    await writeFile(join(folder, 'elsewhere', 'file'), 'x');
    expect(await mark()).toBe(first);
    expect(folders).toEqual([root, join(root, 'a'), join(root, 'a', 'b')]);
  });

  test('is not made of a folder that is not there, nor after it was cancelled', async () => {
    await expect(mark(join(root, 'none'))).rejects.toMatchObject({ code: 'MISSING' });
    await expect(realMarks.walk(root, { ...call(), signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
  });

  test('is wanted anew when something is done to a folder that is watched', async () => {
    const { folders } = await realMarks.walk(root, call());
    let changes = 0;
    const stop = realMarks.watch([...folders, join(root, 'none')], () => changes++);
    await writeFile(join(root, 'a', 'b', 'other'), 'three');
    await vi.waitFor(() => expect(changes).toBeGreaterThan(0));
    stop();
  });
});
