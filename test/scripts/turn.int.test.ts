/** Two starts of one checkout: they take turns, and nobody can make one wait for ever. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeReal } from '#test/real.ts';
import { ended } from './checkout.ts';

const turn = join(import.meta.dirname, '..', '..', 'scripts', 'setup', 'turn.mjs');
const children: ChildProcess[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floatlab-turn-'));
  await chmod(folder, 0o755);
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** A set-up that does one thing and says so. */
function setUp(patienceMs: number, forMs = 0) {
  const script = `
    const { oneAtATime } = await import(${JSON.stringify(turn)});
    const work = async () => { console.log('begins'); await new Promise((done) => setTimeout(done, ${forMs})); console.log('ends'); };
    await oneAtATime(${JSON.stringify(folder)}, work, { patienceMs: ${patienceMs} }).catch((error) => {
      console.error(error.message);
      process.exitCode = 1;
    });`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  children.push(child);
  return child;
}

/** Whoever listens on the name, and lets nobody go. */
async function squatter(uid?: number): Promise<ChildProcess> {
  const name = `floatlab-setup-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`;
  const script = `require('node:net').createServer(() => {}).listen('\\0${name}', () => console.log('has it'));`;
  const child = spawn(process.execPath, ['--eval', script], uid === undefined ? {} : { uid, gid: uid });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

describe('a set-up', () => {
  test('begins when the one before has ended, and says what it waits for', async () => {
    const first = setUp(10_000, 1500);
    await once(first.stdout, 'data');
    const { stdout, stderr, code } = await ended(setUp(10_000));
    expect([stdout, code]).toEqual(['begins\nends\n', 0]);
    expect(stderr).toMatch(new RegExp(`waiting for it \\(process ${first.pid} of user ${process.getuid?.()}: .*node`));
  });

  test('does not wait for ever, and says for whom it has waited', async () => {
    const { pid } = await squatter();
    const { stdout, stderr, code } = await ended(setUp(1500));
    expect([stdout, code]).toEqual(['', 1]);
    expect(stderr).toMatch(/does not wait any longer/);
    expect(stderr).toContain(`process ${pid} of user`);
  }, 15_000);
});

describeReal('a set-up as root', process.getuid?.() === 0 ? undefined : 'root', () => {
  test('does not wait for a stranger who has taken the name', async () => {
    const { pid } = await squatter(65_534);
    const before = performance.now();
    const { stdout, stderr, code } = await ended(setUp(600_000));
    expect([stdout, code]).toEqual(['', 1]);
    expect(stderr).toContain(`process ${pid} of user 65534`);
    expect(stderr).toContain(`kill ${pid}`);
    expect(performance.now() - before).toBeLessThan(60_000);
  });
});
