/** A volume on a simulated machine from its making to its end, and what becomes of its data on the way. */
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { OneMachine } from './one-machine.ts';

const spec = { sizeBytes: 2 ** 26 };

async function withVolume(): Promise<{
  readonly one: OneMachine;
  readonly files: (name: string) => Map<string, string> | undefined;
}> {
  const one = await OneMachine.started();
  await one.must('create-volume', { name: 'data', spec });
  await ready(one, 'data');
  const [machine] = one.world.machines;
  const files = (name: string): Map<string, string> | undefined => {
    const path = one.lab.byName('volume', 'default', name)?.context.path;
    return path === undefined || path === null ? undefined : machine?.volumes.filesAt(path);
  };
  files('data')?.set('page', 'one');
  return { one, files };
}

const stateOf = (one: OneMachine, name: string): string | undefined => one.lab.byName('volume', 'default', name)?.state;

const ready = (one: OneMachine, name: string): Promise<void> =>
  one.until(`${name} is ready (it is ${stateOf(one, name)})`, () => stateOf(one, name) === 'ready');

describe('a volume', () => {
  test('is cloned as of now, and what is written to one is not in the other', async () => {
    const { one, files } = await withVolume();
    await one.must('clone-volume', { name: 'data', as: 'test' });
    await ready(one, 'test');
    expect(files('test')).toEqual(new Map([['page', 'one']]));
    files('test')?.set('page', 'two');
    expect(files('data')).toEqual(new Map([['page', 'one']]));
    const of = one.lab.byName('volume', 'default', 'data')?.stream;
    await one.until('the snapshot is gone', () => of !== undefined && one.lab.referrers(of, 'snapshot').length === 0);
  });

  test('is cloned although the daemon is killed again and again meanwhile', async () => {
    const { one, files } = await withVolume();
    await one.must('clone-volume', { name: 'data', as: 'test' });
    for (let n = 0; n < 10 && stateOf(one, 'test') !== 'ready'; n++) {
      await one.clock.run(3 + 7 * n);
      await one.restart();
    }
    await ready(one, 'test');
    expect(files('test')).toEqual(new Map([['page', 'one']]));
  });

  test('that was deleted comes back with its data, and goes for good in time when nobody wants it', async () => {
    const { one, files } = await withVolume();
    await one.must('delete-volume', { name: 'data', keepForMs: 600_000 });
    await one.clock.run(540_000);
    await one.must('recover-volume', { name: 'data-deleted' });
    await ready(one, 'data');
    expect(files('data')).toEqual(new Map([['page', 'one']]));
    await one.must('delete-volume', { name: 'data', keepForMs: 60_000 });
    await one.until('it is gone', () => stateOf(one, 'data-deleted') === undefined);
    expect(one.world.machines[0]?.volumes.contents()).toEqual([]);
  });

  test('that somebody holds a snapshot of goes for ever as soon as they let go of it, and says what it waits for', async () => {
    const { one } = await withVolume();
    await one.must('take-snapshot', { name: 'data', as: 'held' });
    const volume = one.lab.byName('volume', 'default', 'data');
    const { pool, dataset: name } = volume?.context ?? {};
    const of = { pool: pool ?? '', name: name ?? '' };
    const [machine] = one.world.machines;
    await one.until('it is taken', () => machine?.volumes.contents()[0]?.snapshots.length === 1);
    machine?.volumes.hold(of, 'held', true);
    await one.must('delete-volume', { name: 'data', purge: true });
    await one.clock.run(300_000);
    expect(stateOf(one, 'data')).toBe('deleting');
    const [work] = one.world.wired.lab.observedRows.rows('work').map(([, row]) => row);
    expect(work).toMatchObject({ state: 'waiting', text: expect.stringMatching(/holds held.*Release it/s) });
    machine?.volumes.hold(of, 'held', false);
    await one.until('it is gone', () => stateOf(one, 'data') === undefined, 60_000);
    expect(machine?.volumes.contents()).toEqual([]);
  });

  test('whose files somebody uses waits with words and an alert instead of failing, and goes once they are free', async () => {
    const { one } = await withVolume();
    const [machine] = one.world.machines;
    if (!machine) throw new Error('there is no machine');
    const { usedBy } = machine.volumes;
    machine.volumes.usedBy = () => 'process 4711 (rsync) at /mnt';
    await one.must('delete-volume', { name: 'data', purge: true });
    const alert = () => one.world.wired.lab.rows('alerts').find(([, { rule }]) => rule === 'volume-waits')?.[1];
    await one.until('it says so', () => alert() !== undefined);
    expect(alert()?.message).toMatch(/^Volume data is not deleted yet: .*in use by process 4711 \(rsync\) at \/mnt/);
    await one.clock.run(3_600_000);
    expect(stateOf(one, 'data')).toBe('deleting');
    const delays = (await one.told()).filter((words) => /still waits: .*4711/.test(words));
    expect(delays).toHaveLength(1);
    machine.volumes.usedBy = usedBy;
    await one.until('it is gone', () => stateOf(one, 'data') === undefined, 60_000);
    expect([machine.volumes.contents(), alert()]).toEqual([[], undefined]);
  });

  test('that was adopted keeps what a roll-back that failed half way has put aside, until that has ended', async () => {
    const { one } = await withVolume();
    const [machine] = one.world.machines;
    if (!machine) throw new Error('there is no machine');
    const { native, path } = machine.volumes.addNative('main', 'photos');
    machine.volumes.filesAt(path)?.set('page', 'one');
    await one.must('adopt-volume', { name: 'photos', node: 'atlas', pool: 'main', native, spec });
    await ready(one, 'photos');
    await one.must('take-snapshot', { name: 'photos', as: 'old' });
    await one.until('it is taken', () => one.lab.list('snapshot').some(({ state }) => state === 'available'));
    machine.volumes.filesAt(path)?.set('page', 'two');
    machine.volumes.fault = (op, target, when) =>
      op === 'rollback' && when === 'after'
        ? new IoError('DAMAGED', { op, target, message: 'the disk did not answer' })
        : undefined;
    await one.must('rollback-volume', { name: 'photos', snapshot: 'old' });
    await one.until('it has failed', () => stateOf(one, 'photos') === 'failed');
    machine.volumes.fault = undefined;
    await expect(one.must('release-volume', { name: 'photos' })).rejects.toThrow('kept only here');
    await one.must('retry-volume', { name: 'photos' });
    await ready(one, 'photos');
    const stash = one.lab.list('snapshot').find(({ context }) => context.reason === 'stash');
    const kept = machine.volumes.contents().flatMap(({ snapshots }) => snapshots);
    expect(kept.find(({ name }) => name === stash?.context.metadata.name)?.files.get('page')).toBe('two');
  });

  test('whose roll-back failed when all was done keeps what that had put aside, also when it was deleted meanwhile', async () => {
    const { one, files } = await withVolume();
    await one.must('take-snapshot', { name: 'data', as: 'old' });
    const [machine] = one.world.machines;
    const isTaken = () => one.lab.list('snapshot').some(({ state }) => state === 'available');
    await one.until('it is taken', isTaken);
    files('data')?.set('page', 'two');
    if (!machine) throw new Error('there is no machine');
    machine.volumes.fault = (op, target, when) =>
      op === 'rollback' && when === 'after'
        ? new IoError('DAMAGED', { op, target, message: 'the disk did not answer' })
        : undefined;
    await one.must('rollback-volume', { name: 'data', snapshot: 'old' });
    await one.until('it has failed', () => stateOf(one, 'data') === 'failed');
    await one.must('delete-volume', { name: 'data' });
    machine.volumes.fault = undefined;
    await one.must('recover-volume', { name: 'data-deleted' });
    await ready(one, 'data');
    expect(files('data')).toEqual(new Map([['page', 'one']]));
    const volume = one.lab.byName('volume', 'default', 'data');
    const known = volume ? one.lab.referrers(volume.stream, 'snapshot') : [];
    const there = machine.volumes.contents()[0]?.snapshots ?? [];
    const guids = new Set<string | null>(there.map(({ guid }) => guid));
    expect(new Set(known.map(({ context }) => context.guid))).toEqual(guids);
    expect(there.map(({ files: kept }) => kept.get('page'))).toEqual(['one', 'two']);
  });

  test('keeps its data under another name, also for its app', async () => {
    const { one, files } = await withVolume();
    await one.must('rename-volume', { name: 'data', to: 'pages' });
    await one.restart();
    await one.must('change-volume', { name: 'pages', mode: 0o750, owner: { uid: 33, gid: 33 } });
    await ready(one, 'pages');
    expect(files('pages')).toEqual(new Map([['page', 'one']]));
  });
});
