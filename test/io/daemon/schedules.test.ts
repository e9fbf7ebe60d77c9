/** Schedules of a whole daemon whose wall clock is set: time goes on, and no run is lost or made up for twice. */
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '#io/world/virtual-clock.ts';
import { World } from '#io/world/world.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const { signal } = new AbortController();

let clock: VirtualClock;
let world: World;

beforeEach(async () => {
  clock = new VirtualClock(Date.UTC(2026, 5, 1, 12));
  const log = pino({ level: 'silent' });
  world = new World({ nodes: 1, seed: 1, clock, log, version: 'test', diskLatencyMs: 1 });
  await start();
  await ask('create-volume', { name: 'photos', spec: { sizeBytes: 2 ** 26 } });
  await ask('create-schedule', { name: 'often', volume: 'photos', cron: '*/2 * * * *' });
  await clock.run(1000);
});
afterEach(() => world.crash('process'));

async function start(): Promise<void> {
  void world.start();
  expect(await clock.runUntil(() => world.isUp, minuteMs)).toBe(true);
}

async function ask(name: string, input: object): Promise<void> {
  let answer: object | undefined;
  void world.wired.lab.run({ id: name, name, input, by: 'user:admin' }, signal).then((given) => (answer = given));
  await clock.runUntil(() => answer !== undefined, minuteMs);
  expect(answer).toMatchObject({ unchanged: false });
}

const schedule = () => world.wired.lab.view.byName('schedule', 'default', 'often');

/** Snapshots that were taken while so much time passed. */
async function takenIn(ms: number): Promise<number> {
  const count = (): number => world.wired.lab.view.list('snapshot').filter(({ state }) => state === 'available').length;
  const before = count();
  await clock.run(ms);
  return count() - before;
}

test('a clock that is set back by an hour does not hold the next snapshots up', async () => {
  expect(await takenIn(10 * minuteMs)).toBe(5);
  clock.jump(-hourMs);
  expect(await takenIn(10 * minuteMs)).toBe(5);
});

test('neither does it after the daemon was killed or the machine lost its power', async () => {
  await takenIn(10 * minuteMs);
  for (const how of ['process', 'power'] as const) {
    clock.jump(-hourMs);
    world.crash(how);
    await start();
    // The first may come later by as much as had passed since the last event.
    expect(await takenIn(10 * minuteMs)).toBeGreaterThanOrEqual(4);
  }
});

test('a clock that is set forth by an hour has one snapshot taken for all that were due meanwhile', async () => {
  expect(await takenIn(10 * minuteMs)).toBe(5);
  clock.jump(hourMs);
  // Within half a minute the leader looks at the clock.
  expect(await takenIn(31_000)).toBe(1);
  expect(schedule()?.context.missed).toBe(29);
  expect(await takenIn(10 * minuteMs)).toBe(5);
});

test('a clock that is set forth and back again goes on from where it was, and takes no snapshot for the same time twice', async () => {
  clock.jump(hourMs);
  expect(await takenIn(31_000)).toBe(1);
  clock.jump(-hourMs);
  expect(await takenIn(10 * minuteMs)).toBe(5);
  const times = world.wired.lab.view.list('snapshot').map(({ context }) => context.requestedAt);
  expect(new Set(times.map((time) => Math.floor(time / (2 * minuteMs)))).size).toBe(times.length);
});
