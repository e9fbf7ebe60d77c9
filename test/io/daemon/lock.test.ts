import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { lockDataDir } from '#io/daemon/lock.ts';

let dir: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'floatlab-lock-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) await kill(child);
  await rm(dir, { recursive: true });
});

test('a second daemon is refused, told whose directory it is, and may come when the first has gone', async () => {
  const lock = await lockDataDir(dir);
  await expect(lockDataDir(dir)).rejects.toMatchObject({
    code: 'BUSY',
    message: `the data directory ${dir} is in use by another FloatLab (process ${process.pid})`,
    hint: expect.stringContaining('Stop that one first'),
  });
  await lock.release();
  await lock.release();
  await (await lockDataDir(dir)).release();
});

test('of many that come at once exactly one gets the directory', async () => {
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataDir(dir)));
  const locks = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  expect(locks).toHaveLength(1);
  for (const attempt of attempts) {
    if (attempt.status === 'rejected') expect(attempt.reason).toMatchObject({ code: 'BUSY' });
  }
  await locks[0]?.release();
});

test('the lock of another process holds, and ends when that process is killed', async () => {
  const child = await holder(dir);
  const error = await lockDataDir(dir).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(IoError);
  expect(error).toMatchObject({ code: 'BUSY', message: expect.stringContaining(`process ${child.pid}`) });
  await kill(child);
  await (await lockDataDir(dir)).release();
}, 30_000);

test('a left-over file holds nobody up, even if its process id is that of a living process', async () => {
  await writeFile(join(dir, 'lock'), `${process.ppid}\nand more than the next one writes\n`);
  const lock = await lockDataDir(dir);
  expect(await readFile(join(dir, 'lock'), 'utf8')).toBe(`${process.pid}\n`);
  await lock.release();
});

test('children of the daemon do not inherit the lock', async () => {
  const lock = await lockDataDir(dir);
  children.push(spawn('sleep', ['60'], { stdio: 'ignore' }));
  await lock.release();
  await (await lockDataDir(dir)).release();
});

test('nobody else can open the lock file', async () => {
  const lock = await lockDataDir(dir);
  expect((await stat(join(dir, 'lock'))).mode & 0o777).toBe(0o600);
  await lock.release();
});

test('a directory that is missing is named', async () => {
  const missing = join(dir, 'missing');
  await expect(lockDataDir(missing)).rejects.toMatchObject({
    code: 'FAILED',
    message: expect.stringContaining(missing),
    hint: expect.stringContaining('must exist'),
  });
});

/** Another process that has locked the directory. */
async function holder(of: string): Promise<ChildProcess> {
  const module = new URL('../../../src/io/daemon/lock.ts', import.meta.url).href;
  const code = `
    const { lockDataDir } = await import(${JSON.stringify(module)});
    await lockDataDir(${JSON.stringify(of)});
    console.log('locked');
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => resolve());
    child.once('exit', () => reject(new Error('the other process ended')));
  });
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
