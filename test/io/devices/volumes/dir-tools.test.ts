/** What the tools of a plain folder say, and what is remembered of it. The sentences are those of coreutils 9.1. */
import { describe, expect, test } from 'vitest';
import { deadline } from '#io/devices/volumes/deadline.ts';
import { commandError, stepError } from '#io/devices/volumes/dir/errors.ts';
import { onlyMoved, onlyVanished, parseUsage } from '#io/devices/volumes/dir/tools.ts';
import { rememberedUsage } from '#io/devices/volumes/dir/usage.ts';
import { patient } from '#test/contracts/volumes.ts';

const lines = (...said: readonly string[]) => said.map((line) => `${line}\n`).join('');
const cpSays = (stderr: string) => commandError('cp', 'main/db', { stdout: '', stderr, exitCode: 1 });

describe('the tools of a plain folder', () => {
  test.each([
    ["cp: cannot stat '/p/live/a': No such file or directory"],
    ["cp: cannot open '/p/live/a' for reading: No such file or directory"],
    ["cp: cannot access '/p/live/a': No such file or directory"],
    ["cp: cannot stat '/p/live/a'$'\\n''b': No such file or directory"],
    ["cp: skipping file '/p/live/a', as it was replaced while being copied"],
  ])('%s: an app at work, and the copy counts', (line) => {
    expect(onlyMoved(lines(line))).toBe(true);
  });

  test.each([
    ["cp: cannot create regular file '/p/making/a': No such file or directory"],
    ["cp: error writing '/p/making/a': No space left on device"],
    ["cp: error reading '/p/live/a': Input/output error"],
    ["cp: cannot open '/p/live/a' for reading: Permission denied"],
    ["cp: setting attributes for '/p/making/a': Operation not supported"],
    [''],
  ])('%j: the copy does not count', (line) => {
    expect(onlyMoved(lines(line))).toBe(false);
    expect(onlyMoved(lines("cp: cannot stat '/p/live/a': No such file or directory", line))).toBe(line === '');
  });

  test('what vanishes while it is counted does not count; what cannot be read is an error', () => {
    expect(onlyVanished("du: cannot access '/p/live/a': No such file or directory\n")).toBe(true);
    expect(onlyVanished("du: cannot read directory '/p/live/a': Permission denied\n")).toBe(false);
    expect(parseUsage('12288\t/p/live\n')).toBe(12_288);
    expect(parseUsage('')).toBeUndefined();
  });

  test.each([
    ["cp: error writing '/x': No space left on device", 'NO_SPACE'],
    ["cp: error writing '/x': Disk quota exceeded", 'NO_SPACE'],
    ["cp: cannot create directory '/x': Read-only file system", 'READ_ONLY'],
    ["cp: error reading '/x': Input/output error", 'DAMAGED'],
    ["rm: cannot remove '/x': Structure needs cleaning", 'DAMAGED'],
    ["rm: cannot remove '/x': Operation not permitted", 'PERMISSION'],
    ["rm: cannot remove '/x': Device or resource busy", 'BUSY'],
    ["cp: cannot stat '/x': No such file or directory", 'MISSING'],
    ["cp: cannot stat '/x': Stale file handle", 'POOL_MISSING'],
    ['cp: unrecognized option: reflink=auto', 'UNSUPPORTED'],
    ['cp: something new', 'FAILED'],
  ])('%s is %s', (said, code) => {
    const error = cpSays(said);
    expect(error).toMatchObject({ code, message: expect.stringContaining(said) });
    if (code !== 'FAILED' && code !== 'MISSING') expect(error.hint).toMatch(/\.$/);
  });

  test('an errno of a call is the same code as the sentence of a tool', () => {
    const thrown = (code: string, errno = 0) =>
      stepError(Object.assign(new Error('x'), { code, errno }), 'op', 't').code;
    expect(['ENOSPC', 'EROFS', 'EIO', 'EPERM', 'EBUSY', 'ENOENT'].map((code) => thrown(code))).toEqual([
      'NO_SPACE',
      'READ_ONLY',
      'DAMAGED',
      'PERMISSION',
      'BUSY',
      'MISSING',
    ]);
    expect(thrown('Unknown system error -122', -122)).toBe('NO_SPACE');
    expect(stepError(new Error('x'), 'op', 't').code).toBe('FAILED');
  });
});

describe('what a dataset takes', () => {
  const bench = () => {
    const clock = { now: 0, monotonicMs: () => clock.now };
    let walks = 0;
    const usage = rememberedUsage(clock);
    const bytes = () => usage.bytes('main/db', deadline(patient(), 'inspect', 'main/db'), async () => ++walks);
    return { clock, usage, bytes };
  };

  test('is counted once in 30 seconds, by all who ask at once', async () => {
    const { clock, bytes } = bench();
    expect(await Promise.all([bytes(), bytes(), bytes()])).toEqual([1, 1, 1]);
    clock.now = 29_999;
    expect(await bytes()).toBe(1);
    clock.now = 30_000;
    expect(await bytes()).toBe(2);
  });

  test('is counted again when something was changed, also while it was counted', async () => {
    const { usage, bytes } = bench();
    await bytes();
    usage.forget('main/other');
    expect(await bytes()).toBe(1);
    usage.forget('main/db');
    const walking = usage.bytes('main/db', deadline(patient(), 'inspect', 'main/db'), async () => {
      usage.forget('main/db');
      return 100;
    });
    expect(await walking).toBe(100);
    expect(await bytes()).toBe(2);
  });

  test('is not remembered when it could not be counted', async () => {
    const { usage, bytes } = bench();
    const within = deadline(patient(), 'inspect', 'main/db');
    await expect(usage.bytes('main/db', within, () => Promise.reject(new Error('x')))).rejects.toThrow('x');
    expect(await bytes()).toBe(1);
  });
});
