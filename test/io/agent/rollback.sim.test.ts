/** A roll-back that cannot be done, on a simulated machine, also past a daemon that dies; and snapshots destroyed by hand. */
import { describe, expect, test } from 'vitest';
import type { Call } from '#io/devices/call.ts';
import { IoError, type IoErrorCode } from '#io/devices/error.ts';
import { OneMachine } from './one-machine.ts';

const compose = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { size: 64MiB }
`;
const name = 'photos-data';

/** An app whose volume has a snapshot with the page `one`, and holds the page `two`. */
async function withApp(nodes = 1) {
  const one = await OneMachine.started(1, nodes);
  await one.must('deploy-app', { compose });
  await one.untilApp('photos', 'running');
  const volumes = one.world.machines[0]?.volumes;
  if (!volumes) throw new Error('the world has no machine');
  const volume = () => one.lab.byName('volume', 'default', name);
  const files = () => volumes.filesAt(volume()?.context.path ?? '');
  const snapshots = () => {
    const { stream } = volume() ?? {};
    return stream ? one.lab.referrers(stream, 'snapshot') : [];
  };
  files()?.set('page', 'one');
  await one.must('take-snapshot', { name, as: 'old' });
  await one.until('it is taken', () => snapshots().some(({ state }) => state === 'available'));
  files()?.set('page', 'two');
  const fail = (code: IoErrorCode, at: 'before' | 'after'): void => {
    volumes.fault = (op, target, when) =>
      op === 'rollback' && when === at ? new IoError(code, { op, target, message: 'The disk says no.' }) : undefined;
  };
  /** As somebody would who does not ask the lab. */
  const destroy = async (snapshot: string): Promise<void> => {
    const { pool, dataset } = volume()?.context ?? {};
    const call: Call = { signal: new AbortController().signal, timeoutMs: 60_000, progress: () => {} };
    await one.await(volumes.removeSnapshots({ pool: pool ?? '', name: dataset ?? '' }, [snapshot], call));
  };
  const is = (state: string): Promise<void> =>
    one.until(`it is ${state} (it is ${volume()?.state})`, () => volume()?.state === state, 900_000);
  return { one, volumes, volume, files, snapshots, fail, destroy, is };
}

describe('a roll-back of which nothing happened', () => {
  test('because somebody has destroyed the snapshot leaves everything as it was, and the app runs on', async () => {
    const { one, volume, files, snapshots, destroy } = await withApp();
    await destroy('old');
    await one.must('rollback-volume', { name, snapshot: 'old' });
    await one.until('the app stops', () => one.app('photos')?.state === 'paused');
    await one.untilApp('photos', 'running');
    expect([volume()?.state, files()?.get('page'), snapshots()]).toEqual(['ready', 'two', []]);
    const told = (await one.told()).join('\n');
    expect(told).toMatch(/Volume photos-data stays as it is, and is not rolled back: .*no snapshot old/);
    expect(told).toContain('A snapshot of volume photos-data was destroyed without FloatLab: old.');
    expect(told).toMatch(/Rolling back volume photos-data failed/);
  });

  test.each(['NO_SPACE', 'BUSY', 'FAILED'] as const)('because of %s is given up, and the app runs on', async (code) => {
    const { one, volume, files, snapshots, fail } = await withApp();
    fail(code, 'before');
    await one.must('rollback-volume', { name, snapshot: 'old' });
    await one.until('the app stops', () => one.app('photos')?.state === 'paused');
    await one.untilApp('photos', 'running');
    expect([volume()?.state, files()?.get('page'), snapshots().length]).toEqual(['ready', 'two', 1]);
  });

  test.each(Array.from({ length: 8 }, (_, n) => [n * 37]))(
    'is that also when the daemon is killed again and again, first after %d ms',
    async (firstMs) => {
      const { one, volume, files, destroy } = await withApp();
      await destroy('old');
      await one.must('rollback-volume', { name, snapshot: 'old' });
      for (let n = 0; n < 4; n++) {
        await one.clock.run(firstMs + 13 * n);
        await one.restart(100);
      }
      await one.untilApp('photos', 'running');
      expect([volume()?.state, volume()?.context.rollback, files()?.get('page')]).toEqual(['ready', null, 'two']);
    },
  );
});

describe('a roll-back of which nobody knows what happened', () => {
  test.each([
    ['it happened', 'after', 'one'],
    ['nothing happened', 'before', 'two'],
  ] as const)('waits for a person, who cancels it: %s', async (_, at, page) => {
    const { one, volumes, volume, files, fail, is } = await withApp();
    fail('TIMED_OUT', at);
    await one.must('rollback-volume', { name, snapshot: 'old' });
    await is('failed');
    expect(one.app('photos')?.state).toBe('failed');
    volumes.fault = undefined;
    await one.must('cancel-rollback', { name });
    await one.untilApp('photos', 'running');
    expect([volume()?.state, volume()?.context.lineages.length]).toEqual(['ready', page === 'one' ? 2 : 1]);
    expect(files()?.get('page')).toBe(page);
  });

  test.each(Array.from({ length: 6 }, (_, n) => [n * 5]))(
    'is canceled although the daemon is killed again and again, first after %d ms, and never begins again',
    async (firstMs) => {
      const { one, volumes, volume, files, fail, is } = await withApp();
      fail('TIMED_OUT', 'before');
      await one.must('rollback-volume', { name, snapshot: 'old' });
      await is('failed');
      volumes.fault = undefined;
      await one.must('cancel-rollback', { name });
      for (let n = 0; n < 4; n++) {
        await one.clock.run(firstMs + 3 * n);
        await one.restart(100);
      }
      await one.untilApp('photos', 'running');
      expect([volume()?.state, files()?.get('page')]).toEqual(['ready', 'two']);
    },
  );
});

test('a roll-back that waits for its app to stop is called off, and the app goes on', async () => {
  const { one, volume, files } = await withApp();
  await one.must('rollback-volume', { name, snapshot: 'old' });
  expect(volume()?.state).toBe('draining');
  await one.must('cancel-rollback', { name });
  expect(volume()?.state).toBe('ready');
  await one.untilApp('photos', 'running');
  expect(files()?.get('page')).toBe('two');
});

test('snapshots that somebody has destroyed are noticed and not offered any more; the others stay', async () => {
  const { one, snapshots, destroy } = await withApp();
  for (const as of ['second', 'third']) {
    await one.must('take-snapshot', { name, as });
    await one.until('it is taken', () => snapshots().every(({ state }) => state === 'available'));
  }
  await destroy('old');
  await destroy('third');
  const names = () => snapshots().map(({ context }) => context.metadata.name);
  await one.until('it is noticed', () => names().length === 1);
  expect(names()).toEqual(['second']);
  expect(await one.told()).toContain('2 snapshots of volume photos-data were destroyed without FloatLab: old, third.');
  await one.clock.run(600_000);
  expect(names()).toEqual(['second']);
});
