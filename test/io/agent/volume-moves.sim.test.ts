/** A volume on a simulated machine that is moved, adopted, released, and changed by hand; also past a daemon that dies. */
import { describe, expect, test } from 'vitest';
import type { SimVolumes } from '#io/devices/volumes/sim.ts';
import { IoError } from '#io/devices/error.ts';
import { OneMachine } from './one-machine.ts';

const spec = { sizeBytes: 2 ** 26 };

interface Machine {
  readonly one: OneMachine;
  readonly volumes: SimVolumes;
  files(name: string): Map<string, string> | undefined;
}

async function withMachine(): Promise<Machine> {
  const one = await OneMachine.started();
  const volumes = one.world.machines[0]?.volumes;
  if (!volumes) throw new Error('the world has no machine');
  const files = (name: string): Map<string, string> | undefined => {
    const path = one.lab.byName('volume', 'default', name)?.context.path;
    return path === undefined || path === null ? undefined : volumes.filesAt(path);
  };
  return { one, volumes, files };
}

async function withVolume(): Promise<Machine> {
  const machine = await withMachine();
  await machine.one.must('create-volume', { name: 'data', spec });
  await ready(machine.one, 'data');
  machine.files('data')?.set('page', 'one');
  return machine;
}

const volumeOf = (one: OneMachine, name: string) => one.lab.byName('volume', 'default', name);
const is = (one: OneMachine, name: string, state: string): Promise<void> =>
  one.until(
    `${name} is ${state} (it is ${volumeOf(one, name)?.state})`,
    () => volumeOf(one, name)?.state === state,
    900_000,
  );
const ready = (one: OneMachine, name: string): Promise<void> => is(one, name, 'ready');
const datasetOf = (one: OneMachine, name: string) => {
  const { pool, dataset } = volumeOf(one, name)?.context ?? {};
  return { pool: pool ?? '', name: dataset ?? '' };
};

const compose = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { size: 64MiB }
`;

describe('a volume that moves', () => {
  test('takes along what its app writes while it is copied, and its app goes on in the new place', async () => {
    const { one, files } = await withMachine();
    await one.must('deploy-app', { compose });
    await one.untilApp('photos', 'running');
    files('photos-data')?.set('page', 'one');
    const before = datasetOf(one, 'photos-data');
    await one.must('move-volume', { name: 'photos-data', compression: 'zstd' });
    await is(one, 'photos-data', 'copying');
    await one.clock.run(300);
    expect(one.app('photos')?.state).toBe('running');
    files('photos-data')?.set('page', 'two');
    await one.until('its app has stopped', () => one.app('photos')?.state === 'paused');
    await one.untilApp('photos', 'running');
    expect(datasetOf(one, 'photos-data')).not.toEqual(before);
    expect(files('photos-data')?.get('page')).toBe('two');
    const path = volumeOf(one, 'photos-data')?.context.path ?? '';
    const [container] = one.docker.running();
    expect(one.docker.mountsOf(container?.id ?? '')).toEqual([path]);
  });

  test.each(Array.from({ length: 12 }, (_, n) => [n * 331]))(
    'arrives although the daemon is killed again and again, first after %d ms',
    async (firstMs) => {
      const { one, volumes, files } = await withVolume();
      await one.must('take-snapshot', { name: 'data', as: 'monday' });
      await one.must('move-volume', { name: 'data', compression: 'zstd' });
      for (let n = 0; n < 4 && volumeOf(one, 'data-moved') === undefined; n++) {
        await one.clock.run(firstMs + 211 * n);
        await one.restart(100);
      }
      await is(one, 'data-moved', 'discarded');
      await ready(one, 'data');
      expect(files('data')).toEqual(new Map([['page', 'one']]));
      expect(volumes.snapshotFiles(datasetOf(one, 'data-moved'), 'monday')).toEqual(new Map([['page', 'one']]));
      await one.must('recover-volume', { name: 'data-moved' });
      await ready(one, 'data-moved');
      expect(files('data-moved')).toEqual(new Map([['page', 'one']]));
      expect(volumes.contents()).toHaveLength(2);
    },
  );

  test('that cannot is what it was, and nothing of the copy stays', async () => {
    const { one, volumes, files } = await withVolume();
    const before = datasetOf(one, 'data');
    volumes.fault = (op, target, when) =>
      op === 'create' && when === 'before' && !target.includes(before.name)
        ? new IoError('NO_SPACE', { op, target, message: 'The pool is full.' })
        : undefined;
    await one.must('move-volume', { name: 'data', compression: 'zstd' });
    await one.until(
      'the copy is gone',
      () => volumeOf(one, 'data-unfinished') === undefined && volumeOf(one, 'data')?.state === 'ready',
    );
    expect(datasetOf(one, 'data')).toEqual(before);
    expect(files('data')).toEqual(new Map([['page', 'one']]));
    expect(volumes.contents()).toHaveLength(1);
    expect(await one.told()).toContain('Moving volume data failed: The pool is full.');
  });
});

describe('what is there already', () => {
  test('is adopted with what it holds, used, and given back with that', async () => {
    const { one, volumes, files } = await withMachine();
    const { native, path } = volumes.addNative('main', 'photos');
    volumes.filesAt(path)?.set('page', 'old');
    await one.must('adopt-volume', { name: 'photos', node: 'atlas', pool: 'main', native, spec });
    await ready(one, 'photos');
    expect(volumeOf(one, 'photos')?.context.path).toBe(path);
    files('photos')?.set('page', 'new');
    await one.must('take-snapshot', { name: 'photos', as: 'monday' });
    await one.must('release-volume', { name: 'photos' });
    await one.until('it is no volume', () => volumeOf(one, 'photos') === undefined);
    expect(volumes.contents()).toEqual([]);
    expect(volumes.filesAt(path)).toEqual(new Map([['page', 'new']]));
  });

  test('that is not what was said fails with the reason, and can be given up', async () => {
    const { one, volumes } = await withMachine();
    await one.must('adopt-volume', { name: 'photos', node: 'atlas', pool: 'main', native: '/nowhere', spec });
    await is(one, 'photos', 'failed');
    expect(volumeOf(one, 'photos')?.context.problem?.code).toMatch(/MISSING|INVALID/);
    await one.must('release-volume', { name: 'photos' });
    await one.until('it is no volume', () => volumeOf(one, 'photos') === undefined);
    expect(volumes.contents()).toEqual([]);
  });

  test('that holds more than it shall have is left alone', async () => {
    const { one, volumes } = await withMachine();
    const { native, path } = volumes.addNative('main', 'photos');
    volumes.filesAt(path)?.set('film', 'x'.repeat(2 ** 26));
    await one.must('adopt-volume', { name: 'photos', node: 'atlas', pool: 'main', native, spec });
    await is(one, 'photos', 'failed');
    expect(volumeOf(one, 'photos')?.context.problem).toMatchObject({
      code: 'INVALID',
      hint: expect.stringContaining('larger'),
    });
    expect(volumes.contents()).toEqual([]);
  });
});

describe('a volume that somebody changes by hand', () => {
  test('is missing when its dataset is gone, and ready when it is back', async () => {
    const { one, volumes, files } = await withVolume();
    const putBack = volumes.takeAway(datasetOf(one, 'data'));
    await is(one, 'data', 'missing');
    expect(volumeOf(one, 'data')?.context.problem?.hint).toContain('Put it back');
    putBack();
    await ready(one, 'data');
    expect(files('data')).toEqual(new Map([['page', 'one']]));
  });

  test('is never made anew in the place of what is gone, whatever is asked of it', async () => {
    const { one, volumes } = await withVolume();
    volumes.takeAway(datasetOf(one, 'data'));
    await one.must('change-volume', { name: 'data', mode: 0o700 });
    await is(one, 'data', 'missing');
    await one.must('retry-volume', { name: 'data' });
    await is(one, 'data', 'missing');
    expect(volumes.contents()).toEqual([]);
  });

  test('says which quota it should have, and gets it back by one command', async () => {
    const { one, volumes } = await withVolume();
    volumes.setQuota(datasetOf(one, 'data'), 2 ** 30);
    await one.until('it is seen', () => volumeOf(one, 'data')?.context.drift?.code === 'QUOTA');
    expect(volumeOf(one, 'data')?.state).toBe('ready');
    await one.must('retry-volume', { name: 'data' });
    await one.until(
      'it is right',
      () => volumeOf(one, 'data')?.context.drift === null && volumeOf(one, 'data')?.state === 'ready',
    );
    expect(volumes.contents()[0]?.sizeBytes).toBe(spec.sizeBytes);
  });

  test('is well again by itself when it is put right by hand', async () => {
    const { one, volumes } = await withVolume();
    volumes.setQuota(datasetOf(one, 'data'), 2 ** 30);
    await one.until('it is seen', () => volumeOf(one, 'data')?.context.drift?.code === 'QUOTA');
    volumes.setQuota(datasetOf(one, 'data'), spec.sizeBytes);
    await one.until('it is right', () => volumeOf(one, 'data')?.context.drift === null);
  });
});
