/** Programs of the system are run for real: any Linux has these. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { run } from '#io/devices/run.ts';
import { codeOf } from '#test/contracts/volumes.ts';

const options = { signal: new AbortController().signal, timeoutMs: 10_000 };
const node = process.execPath;
const script = (code: string) => ['-e', code];

describe('running a program', () => {
  test('answers with what it said and how it ended', async () => {
    const code = 'console.log("out"); console.error("err"); process.exitCode = 3';
    expect(await run(node, script(code), options)).toEqual({ stdout: 'out', stderr: 'err', exitCode: 3 });
  });

  test('arguments arrive as they are: no shell reads them', async () => {
    const strange = ['$HOME', '`id`', 'a b', '; exit 7', '*', '', "'", 'line\nbreak', '$(reboot)'];
    const { stdout } = await run(
      node,
      [...script('console.log(JSON.stringify(process.argv.slice(1)))'), '--', ...strange],
      options,
    );
    expect(JSON.parse(stdout)).toEqual(strange);
  });

  test('the program sees the C locale, UTC and a path, and nothing of our environment', async () => {
    process.env['SECRET_OF_THE_DAEMON'] = 'x';
    try {
      const { stdout } = await run(node, script('console.log(JSON.stringify(process.env))'), options);
      const seen = JSON.parse(stdout) as Record<string, string>;
      expect(seen).toMatchObject({ LC_ALL: 'C', TZ: 'UTC' });
      expect(seen['PATH']?.split(':')).toContain('/usr/sbin');
      expect(Object.keys(seen).toSorted()).toEqual(['HOME', 'LC_ALL', 'PATH', 'TZ']);
    } finally {
      delete process.env['SECRET_OF_THE_DAEMON'];
    }
  });

  test('it cannot wait for input', async () => {
    expect(await run('cat', [], options)).toMatchObject({ stdout: '', exitCode: 0 });
  });

  test('an abort ends it, even when it does not want to', async () => {
    const stop = new AbortController();
    const stubborn = 'process.on("SIGTERM", () => {}); console.log(process.pid); setInterval(() => {}, 1000)';
    const before = performance.now();
    const running = run(node, script(stubborn), { ...options, signal: stop.signal });
    setTimeout(() => stop.abort(), 300);
    expect(await codeOf(running)).toBe('ABORTED');
    expect(performance.now() - before).toBeGreaterThan(2000);
  });

  test('a program that is too slow is ended', async () => {
    const before = performance.now();
    expect(await codeOf(run('sleep', ['60'], { ...options, timeoutMs: 100 }))).toBe('TIMED_OUT');
    expect(performance.now() - before).toBeLessThan(30_000);
  });

  test('one that is given grace may end by itself, and is ended when it does not', async () => {
    const stop = new AbortController();
    const soon = 'console.log("begun"); setTimeout(() => console.log("done"), 600)';
    const running = run(node, script(soon), { ...options, signal: stop.signal, graceMs: 60_000 });
    setTimeout(() => stop.abort(), 200);
    expect((await running).stdout).toBe('begun\ndone');
    const late = run(node, script(soon), { ...options, timeoutMs: 100, graceMs: 60_000 });
    expect((await late).stdout).toBe('begun\ndone');
    expect(await codeOf(run('sleep', ['60'], { ...options, timeoutMs: 50, graceMs: 100 }))).toBe('TIMED_OUT');
    const again = new AbortController();
    const endless = run('sleep', ['60'], { ...options, signal: again.signal, graceMs: 100 });
    setTimeout(() => again.abort(), 50);
    expect(await codeOf(endless)).toBe('ABORTED');
  });

  test('nothing runs once there is no time or no wish', async () => {
    const mark = `/tmp/floatlab-must-not-exist-${process.pid}`;
    expect(await codeOf(run('touch', [mark], { ...options, timeoutMs: 0 }))).toBe('TIMED_OUT');
    expect(await codeOf(run('touch', [mark], { ...options, signal: AbortSignal.abort() }))).toBe('ABORTED');
    expect(existsSync(mark)).toBe(false);
  });

  test('a program that never stops talking is ended', async () => {
    expect(await codeOf(run('yes', [], { ...options, maxOutputBytes: 10_000 }))).toBe('FAILED');
  });

  test('a program that is not installed is named', async () => {
    const missing = run('floatlab-no-such-program', [], options);
    await expect(missing).rejects.toMatchObject({ code: 'FAILED', hint: expect.stringContaining('no-such-program') });
  });

  test('a program that somebody kills has failed', async () => {
    expect(await codeOf(run(node, script('process.kill(process.pid, "SIGKILL")'), options))).toBe('FAILED');
  });
});
