/** A real process whose real files cannot grow any further: the kernel refuses the write, as on a full disk. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { asIndex } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { openSingleLog } from '#io/log/single/open.ts';
import { openWatermark } from '#io/log/single/watermark.ts';
import { openLevel } from '#io/stores/level.ts';

/** Appends until the log breaks, and tells what happened as JSON. */
const appender = `
  const { execFileSync } = await import('node:child_process');
  process.on('SIGXFSZ', () => undefined); // else the limit kills instead of refusing
  const at = (path) => import(new URL(path, process.env.ROOT).href);
  const { openSingleLog } = await at('src/io/log/single/open.ts');
  const { openWatermark } = await at('src/io/log/single/watermark.ts');
  const { openLevel } = await at('src/io/stores/level.ts');
  const { realClock } = await at('src/io/devices/clock/real.ts');
  const { realRandom } = await at('src/io/devices/random/real.ts');
  const { entryFor, never } = await at('test/io/log/entries.ts');
  const store = await openLevel(process.env.DIR + '/log');
  const broken = [];
  const log = await openSingleLog({
    store, clock: realClock, random: realRandom, onBroken: (error) => broken.push(error.code),
    watermark: await openWatermark(process.env.DIR + '/watermark'),
  });
  let acknowledged = 0;
  const failures = [];
  const append = async () => {
    const answer = await log.append(entryFor(['volume:a'], { text: 'x'.repeat(3000) }), never);
    acknowledged = Math.max(acknowledged, answer.index);
  };
  while (failures.length === 0) {
    for (const { reason } of await Promise.allSettled([append(), append(), append()])) if (reason) failures.push(reason);
  }
  // There is room again; but nobody knows what is in the files.
  execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
  const codeOf = (error) => error.code;
  const small = { put: Uint8Array.of(255), value: Uint8Array.of(1) };
  console.log(JSON.stringify({
    acknowledged, broken,
    failures: [...new Set(failures.map(codeOf))],
    later: await append().catch(codeOf),
    smallWrite: await store.batch([small], { sync: true }).catch(codeOf),
  }));
`;

test('a disk that takes no more breaks the log for good; every acknowledged event is there at the next start', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'floatlab-full-'));
  const root = new URL('../../../../', import.meta.url).href;
  const child = spawn(
    'prlimit',
    ['--fsize=500000:unlimited', process.execPath, '--import', 'tsx', '--input-type=module', '-e', appender],
    { env: { ...process.env, ROOT: root, DIR: dir }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  const told = JSON.parse(output) as { acknowledged: number };
  expect(told).toMatchObject({ broken: ['BROKEN'], failures: ['BROKEN'], later: 'BROKEN', smallWrite: 'FAILED' });
  expect(told.acknowledged).toBeGreaterThan(50);

  const log = await openSingleLog({
    store: await openLevel(join(dir, 'log')),
    watermark: await openWatermark(join(dir, 'watermark')),
    clock: realClock,
    random: realRandom,
  });
  expect(log.head).toBeGreaterThanOrEqual(told.acknowledged);
  let seen = 0;
  for await (const slice of log.read(asIndex(0), log.head)) for (const event of slice) expect(event.index).toBe(++seen);
  await log.close();
  await rm(dir, { recursive: true });
}, 30_000);
