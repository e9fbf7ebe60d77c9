/** What a person finds under Backups in a simulated lab: places, a backup that was read back, and a schedule. */
import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { sampleName } from '#io/daemon/sample.ts';
import { backUpSample } from '#io/daemon/simulated-backups.ts';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { World } from '#io/world/world.ts';

const sample = new URL('../../../examples/welcome/compose.yaml', import.meta.url);
const minuteMs = 60_000;
const log = pino({ level: 'silent' });

async function simulated() {
  const clock = new VirtualClock(Date.UTC(2026, 5, 1, 12));
  const world = new World({ nodes: 2, seed: 1, clock, log, version: 'test', diskLatencyMs: 1 });
  void world.start();
  expect(await clock.runUntil(() => world.isUp, minuteMs)).toBe(true);
  const { lab } = world.wired;
  const node = world.machines[0]?.name ?? '';
  const rows = <V extends 'backups' | 'backup-targets' | 'schedules'>(view: V) => lab.rows(view).map(([, row]) => row);
  return { clock, world, lab, node, rows };
}

test('a simulated lab begins with two targets, a good backup of its sample, and a schedule for more', async () => {
  const { clock, world, lab, node, rows } = await simulated();
  const { signal } = new AbortController();
  const input = { fileName: 'compose.yaml', compose: await readFile(sample, 'utf8') };
  void lab.run({ id: 'deploy', name: 'deploy-app', input, by: 'system:start' }, signal);
  let isDone = false;
  void backUpSample({ lab, clock, log, node, app: sampleName }, signal).then(() => (isDone = true));
  const isGood = (): boolean => rows('backups').some((row) => row.isGood);
  expect(await clock.runUntil(() => isDone, minuteMs)).toBe(true);
  expect(await clock.runUntil(isGood, 5 * minuteMs)).toBe(true);
  expect(rows('backup-targets').map(({ name, state }) => `${name} ${state}`)).toEqual(['offsite ready', 'usb ready']);
  expect(rows('backups')).toMatchObject([{ app: { name: sampleName }, target: { name: 'usb' }, state: 'verified' }]);
  expect(rows('schedules').filter(({ action }) => action === 'backup')).toMatchObject([
    { target: { name: 'offsite' } },
  ]);
  world.crash('process');
});

test('it waits for a sample that is not there, and ends with the lab', async () => {
  const { clock, world, lab, node, rows } = await simulated();
  const stopping = new AbortController();
  let isDone = false;
  void backUpSample({ lab, clock, log, node, app: sampleName }, stopping.signal).then(() => (isDone = true));
  expect(await clock.runUntil(() => rows('backup-targets').length === 2, minuteMs)).toBe(true);
  expect(isDone).toBe(false);
  stopping.abort();
  expect(await clock.runUntil(() => isDone, minuteMs)).toBe(true);
  expect(rows('backups')).toEqual([]);
  world.crash('process');
});
