/** What zfs says when something fails, captured from OpenZFS and zfs-fuse, and what FloatLab makes of it. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ioErrorCodes } from '#io/devices/error.ts';
import { classify, commandError, isOnlyAboutMissing, isOnlyAboutMounting } from '#io/devices/volumes/zfs/errors.ts';

const captured = readFileSync(new URL('../../../fixtures/zfs/errors.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n\n')
  .map((block) => [block.slice(0, block.indexOf('\n')), block.slice(block.indexOf('\n') + 1)] as const);
const failed = (stderr: string) => commandError('zfs x', 'test/db', { stdout: '', stderr, exitCode: 1 });

describe('errors of zfs', () => {
  test.each(captured)('%s: %s', (code, stderr) => {
    expect(Object.keys(ioErrorCodes)).toContain(code);
    expect(classify(stderr)).toBe(code);
  });

  test('an error says what failed, on what, and what to do', () => {
    const error = failed("cannot create 'tank/fl/new': out of space");
    expect(error.code).toBe('NO_SPACE');
    expect(error.message).toBe("zfs x of test/db failed: cannot create 'tank/fl/new': out of space");
    expect(error.hint).toMatch(/Free space/);
  });

  test('files below a mount point are told from a wrong argument by the hint', () => {
    expect(failed("cannot mount '/m/db': directory is not empty").hint).toMatch(/move that away/);
  });

  test('a long answer is shown in part, and a silent one by its code', () => {
    expect(failed(Array.from({ length: 9 }, (_, n) => `line ${n}`).join('\n')).message).toMatch(
      /line 0 line 1 line 2$/,
    );
    expect(failed('').message).toMatch(/it ended with code 1$/);
  });

  test('what was done and only could not be mounted is told from what was not done', () => {
    expect(isOnlyAboutMounting("cannot mount '/m/db': directory is not empty\n")).toBe(true);
    expect(isOnlyAboutMounting('filesystem successfully created, but not mounted')).toBe(true);
    expect(isOnlyAboutMounting("cannot rename 'a/b': dataset is busy")).toBe(false);
    expect(isOnlyAboutMounting("cannot mount '/m/db': busy\ncannot clone 'a/b': out of space")).toBe(false);
    expect(isOnlyAboutMounting('')).toBe(false);
  });

  test('a question about several of which some are missing is answered for the others', () => {
    const missing = "cannot open 'tank/a': dataset does not exist\n";
    expect(isOnlyAboutMissing(missing + missing)).toBe(true);
    expect(isOnlyAboutMissing(`${missing}cannot open 'tank/b': I/O error\n`)).toBe(false);
    expect(isOnlyAboutMissing('')).toBe(false);
  });
});
