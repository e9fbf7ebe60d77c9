/** Volumes that move into another dataset, are adopted and released, and are found changed by hand. */
import { describe, expect, test } from 'vitest';
import { purgePolicy } from '#actors/policies/purge.ts';
import { workOf } from '#actors/registry.ts';
import { asIndex, type LabEvent } from '#events/envelope.ts';
import { TestLab } from '../test-lab.ts';

const gib = 2 ** 30;
const spec = { sizeBytes: gib };
const problem = { code: 'NO_SPACE', message: 'The pool is full.' };

/** Atlas has two pools. */
function withVolume(): TestLab {
  const lab = new TestLab();
  lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
  lab.join('atlas', 100 * gib, [
    { name: 'main', driver: 'btrfs', sizeBytes: 100 * gib },
    { name: 'tank', driver: 'zfs', sizeBytes: 50 * gib },
  ]);
  lab.must('create-volume', { name: 'data', spec });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  return lab;
}

const compose = `name: photos\nservices:\n  web: { image: nginx, volumes: ["data:/data"] }\nvolumes: { data: {} }\n`;

function withApp(): TestLab {
  const lab = withVolume();
  lab.running(compose);
  return lab;
}

const of = (lab: TestLab, name: string) => lab.lab.get(lab.volume(name));
const orderOf = (lab: TestLab, name: string) => {
  const volume = of(lab, name);
  return volume && workOf(volume, lab.lab);
};
const reportOf = (lab: TestLab, name: string) => ({ volume: lab.volume(name), visit: lab.visit(lab.volume(name)) });

/** Its node has copied it, and what has changed. */
function moved(lab: TestLab, name: string): void {
  lab.must('report-volume-copied', reportOf(lab, name), 'node:atlas');
  lab.must('report-volume-moved', { ...reportOf(lab, name), path: '/new/place' }, 'node:atlas');
}

describe('a volume that moves', () => {
  test('is copied first, then what has changed, and is the new dataset', () => {
    const lab = withVolume();
    const before = of(lab, 'data')?.context.dataset;
    expect(lab.types('move-volume', { name: 'data', pool: 'tank', recordSizeBytes: 2 ** 14 })).toEqual([
      'operation.started',
      'volume.move-requested',
    ]);
    const order = orderOf(lab, 'data');
    expect(order).toMatchObject({
      work: 'copy-dataset',
      input: { pool: 'main', to: { pool: 'tank' }, spec: { recordSizeBytes: 2 ** 14 } },
    });
    lab.must('report-volume-copied', reportOf(lab, 'data'), 'node:atlas');
    expect(orderOf(lab, 'data')?.work).toBe('move-dataset');
    expect(orderOf(lab, 'data')?.input).toEqual(order?.input);
    lab.must('report-volume-moved', { ...reportOf(lab, 'data'), path: '/new/place' }, 'node:atlas');
    expect(of(lab, 'data')).toMatchObject({
      state: 'ready',
      context: { pool: 'tank', path: '/new/place', move: null, spec: { recordSizeBytes: 2 ** 14 } },
    });
    expect(of(lab, 'data')?.context.dataset).not.toBe(before);
  });

  test('leaves what it was behind as a deleted volume, with all snapshots, until it goes for good', () => {
    const lab = withVolume();
    const dataset = of(lab, 'data')?.context.dataset;
    lab.snapshotTaken('data', 'monday');
    lab.must('move-volume', { name: 'data', pool: 'tank', keepForMs: 3_600_000 });
    expect(lab.changes.join(' ')).toContain('Its snapshot does not come along');
    moved(lab, 'data');
    expect(of(lab, 'data-moved')).toMatchObject({
      state: 'discarded',
      context: { pool: 'main', dataset, spec, discarded: { purgeAt: lab.now + 3_600_000 } },
    });
    expect(lab.lab.referrers(lab.volume('data'), 'snapshot')).toEqual([]);
    expect(lab.lab.get(lab.snapshot('data-moved', 'monday'))?.state).toBe('available');
    lab.must('recover-volume', { name: 'data-moved' });
    lab.provision();
    expect(of(lab, 'data-moved')).toMatchObject({ state: 'ready', context: { dataset } });
  });

  test('leaves the lines of its history with its snapshots', () => {
    const lab = withVolume();
    for (const name of ['one', 'two']) {
      lab.now += 60_000;
      lab.snapshotTaken('data', name);
    }
    lab.must('rollback-volume', { name: 'data', snapshot: 'one', pastNewer: true });
    const stash = { name: 'stash', guid: 'guid', takenAt: lab.now };
    lab.must('report-volume-rolled-back', { ...reportOf(lab, 'data'), stash }, 'node:atlas');
    lab.now += 60_000;
    lab.snapshotTaken('data', 'later');
    const lineages = of(lab, 'data')?.context.lineages;
    expect(lineages).toHaveLength(2);
    lab.must('move-volume', { name: 'data', pool: 'tank' });
    moved(lab, 'data');
    lab.must('recover-volume', { name: 'data-moved' });
    lab.provision();
    expect(of(lab, 'data-moved')?.context.lineages).toEqual(lineages);
    expect(lab.run('rollback-volume', { name: 'data-moved', snapshot: 'one' }).rejected?.explain).toContain(': later.');
  });

  test('lets its app run while it is copied, stops it for the rest, and starts it again', () => {
    const lab = withApp();
    lab.must('move-volume', { name: 'photos-data', pool: 'tank' });
    expect(lab.lab.get(lab.app('photos'))?.state).toBe('running');
    expect(lab.types('report-volume-copied', reportOf(lab, 'photos-data'), 'node:atlas')).toEqual([
      'volume.copied',
      'app.paused',
    ]);
    expect(of(lab, 'photos-data')?.state).toBe('draining');
    expect(lab.run('drain-volume', { volume: lab.volume('photos-data') }, 'policy:rollout').rejected?.code).toBe(
      'NOT_NOW',
    );
    const instance = lab.instance('photos');
    lab.must('stop-instance', { instance, because: 'a volume moves' }, 'policy:rollout');
    lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
    lab.run('drain-volume', { volume: lab.volume('photos-data') }, 'policy:rollout');
    expect(of(lab, 'photos-data')?.state).toBe('moving');
    lab.must('report-volume-moved', { ...reportOf(lab, 'photos-data'), path: '/new' }, 'node:atlas');
    expect(lab.lab.get(lab.app('photos'))?.state).toBe('starting');
    expect(of(lab, 'photos-data-moved')?.context.app).toBeNull();
  });

  test.each(['copying', 'moving'])('that fails in %s is what it was, and what was copied is removed', (state) => {
    const lab = withVolume();
    const before = of(lab, 'data')?.context;
    lab.must('move-volume', { name: 'data', pool: 'tank' });
    const target = of(lab, 'data')?.context.move?.dataset;
    if (state === 'moving') lab.must('report-volume-copied', reportOf(lab, 'data'), 'node:atlas');
    expect(of(lab, 'data')?.state).toBe(state);
    const failed = { ...reportOf(lab, 'data'), problem };
    expect(lab.types('report-volume-move-failed', failed, 'node:atlas')).toContain('operation.failed');
    expect(of(lab, 'data')).toMatchObject({ state: 'ready', context: before });
    expect(orderOf(lab, 'data-unfinished')).toMatchObject({
      work: 'destroy-dataset',
      input: { pool: 'tank', dataset: target },
    });
  });

  test('counts in both pools until it has moved', () => {
    const lab = withVolume();
    lab.must('change-volume', { name: 'data', sizeBytes: 30 * gib });
    lab.provision();
    lab.must('move-volume', { name: 'data', pool: 'tank' });
    lab.must('create-volume', { name: 'more', spec: { sizeBytes: 20 * gib } });
    const place = { volume: lab.volume('more'), node: 'node:atlas' as const, pool: 'tank' };
    expect(lab.run('place-volume', place, 'policy:placement').rejected?.code).toBe('NOT_NOW');
  });

  test.each([
    [{ pool: 'none' }, 'NOT_FOUND', 'main, tank'],
    [{ pool: 'tank', name: 'none' }, 'NOT_FOUND', 'no volume none'],
  ])('is refused with %j: %s', (input, code, words) => {
    const { rejected } = withVolume().run('move-volume', { name: 'data', ...input });
    expect(rejected?.code).toBe(code);
    expect(`${rejected?.explain} ${rejected?.hint}`).toContain(words);
  });

  test('to where and what it is already has nothing to do', () => {
    const lab = withVolume();
    expect(lab.run('move-volume', { name: 'data', pool: 'main' }).events).toEqual([]);
  });

  test('is neither deleted nor snapshotted nor moved once more meanwhile', () => {
    const lab = withVolume();
    lab.must('move-volume', { name: 'data', pool: 'tank' });
    for (const [name, input] of [
      ['delete-volume', { name: 'data' }],
      ['take-snapshot', { name: 'data' }],
      ['move-volume', { name: 'data', compression: 'off' as const }],
      ['change-volume', { name: 'data', sizeBytes: 2 * gib }],
    ] as const)
      expect([name, lab.run(name, input).rejected?.code]).toEqual([name, 'NOT_NOW']);
  });

  test('leaves its snapshots where clones of them can still be made from them', () => {
    const lab = withVolume();
    const before = of(lab, 'data')?.context.dataset;
    lab.snapshotTaken('data', 'monday');
    lab.must('move-volume', { name: 'data', pool: 'tank' });
    lab.must('clone-volume', { name: 'data', snapshot: 'monday', as: 'test' });
    moved(lab, 'data');
    expect(orderOf(lab, 'test')).toMatchObject({
      work: 'clone-dataset',
      input: { pool: 'main', snapshot: 'monday', from: { pool: 'main', dataset: before } },
    });
  });

  test('keeps the pool from being forgotten that it is on its way into', () => {
    const lab = withVolume();
    const pool = 'pool:atlas/tank';
    const status = { state: 'online', layout: 'single', sizeBytes: 50 * gib, devices: [], problems: [] } as const;
    const found = { pool, driver: 'zfs', origin: 'made', where: 'tank/floatlab', scrub: null } as const;
    lab.must('report-pool', { ...found, status: { ...status, devices: [], problems: [] } }, 'node:atlas');
    lab.must('move-volume', { name: 'data', pool: 'tank' });
    expect(lab.run('forget-pool', { node: 'atlas', name: 'tank' }).rejected?.code).toBe('NOT_EMPTY');
    moved(lab, 'data');
    lab.must('move-volume', { name: 'data', pool: 'main' });
    moved(lab, 'data');
    for (const name of ['data-moved', 'data-moved-2']) lab.run('delete-volume', { name, purge: true });
    for (const { stream, state, visit } of lab.lab.list('volume'))
      if (state === 'deleting') lab.must('report-volume-deleted', { volume: stream, visit }, 'node:atlas');
    lab.must('forget-pool', { node: 'atlas', name: 'tank' });
    // Its node has it still, and nothing new comes into it.
    expect(lab.run('move-volume', { name: 'data', pool: 'tank' }).rejected?.explain).toContain('is being forgotten');
    lab.must('create-volume', { name: 'more', spec });
    const place = { volume: lab.volume('more'), node: 'node:atlas' as const, pool: 'tank' };
    expect(lab.run('place-volume', place, 'policy:placement').rejected?.code).toBe('NOT_NOW');
  });

  test('goes with its node when that is removed by force', () => {
    const lab = withVolume();
    lab.must('move-volume', { name: 'data', pool: 'tank' });
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
    lab.must('remove-node', { name: 'atlas', force: true } as never);
    expect(lab.lab.list('volume')).toEqual([]);
  });
});

describe('a move for what the pool does not know', () => {
  const can = {
    ...{ quota: true, changes: true, copyOnWrite: true, together: false, scrubbedDestroy: false },
    ...{ recordSize: false, compression: ['off' as const, 'zstd' as const] },
  };
  const withAbilities = (): TestLab => {
    const lab = new TestLab();
    lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    lab.join('atlas', 100 * gib, [{ name: 'main', driver: 'btrfs', sizeBytes: 100 * gib, can }]);
    lab.must('create-volume', { name: 'data', spec });
    lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
    lab.provision();
    return lab;
  };

  test.each([
    [{ recordSizeBytes: 2 ** 14 }, 'knows no record sizes'],
    [{ compression: 'lz4' as const }, 'has no compression lz4, but off, zstd.'],
  ])('is refused before anything is copied: %j', (what, words) => {
    const { rejected } = withAbilities().run('move-volume', { name: 'data', ...what });
    expect(rejected?.code).toBe('UNSUPPORTED');
    expect(`${rejected?.explain} ${rejected?.hint}`).toContain(words);
  });

  test('is done where the pool knows it', () => {
    expect(withAbilities().types('move-volume', { name: 'data', compression: 'zstd' })).toContain(
      'volume.move-requested',
    );
  });
});

const adoption = { name: 'old', node: 'atlas', pool: 'tank', native: 'tank/photos', spec };

function withAdopted(): TestLab {
  const lab = withVolume();
  lab.must('adopt-volume', adoption);
  const order = orderOf(lab, 'old');
  const dataset = order?.work === 'adopt-dataset' ? order.input.dataset : '';
  lab.must('report-volume-provisioned', { ...reportOf(lab, 'old'), dataset, path: '/tank/photos' }, 'node:atlas');
  return lab;
}

describe('what is there already', () => {
  test('becomes a volume where it is', () => {
    const lab = withVolume();
    expect(lab.types('adopt-volume', adoption)).toEqual(['operation.started', 'volume.created', 'volume.placed']);
    expect(orderOf(lab, 'old')).toMatchObject({
      work: 'adopt-dataset',
      input: { pool: 'tank', native: 'tank/photos', spec },
    });
    expect(of(withAdopted(), 'old')).toMatchObject({ state: 'ready', context: { adopted: 'tank/photos' } });
  });

  test.each([
    [{ ...adoption, name: 'data' }, 'NAME_TAKEN'],
    [{ ...adoption, name: 'again' }, 'NAME_TAKEN'],
    [{ ...adoption, node: 'none' }, 'NOT_FOUND'],
    [{ ...adoption, name: 'other', pool: 'none', native: 'x' }, 'NOT_FOUND'],
    [{ ...adoption, name: 'large', native: 'tank/large', spec: { sizeBytes: 45 * gib } }, 'NO_NODE_FITS'],
  ])('%j is refused: %s', (input, code) => {
    expect(withAdopted().run('adopt-volume', input).rejected?.code).toBe(code);
  });

  test('that could not be adopted says how to let it go, and can be adopted anew after that', () => {
    const lab = withVolume();
    lab.must('adopt-volume', adoption);
    lab.must('report-volume-failed', { ...reportOf(lab, 'old'), problem }, 'node:atlas');
    const other = { ...adoption, native: 'tank/other' };
    expect(lab.run('adopt-volume', other).rejected).toMatchObject({
      code: 'NAME_TAKEN',
      hint: expect.stringContaining('floatlab volume release old') as string,
    });
    lab.must('release-volume', { name: 'old' });
    lab.must('report-volume-released', reportOf(lab, 'old'), 'node:atlas');
    expect(lab.types('adopt-volume', other)).toContain('volume.created');
  });

  test('adopted once more under the same name is adopted already', () => {
    expect(withAdopted().run('adopt-volume', adoption).events).toEqual([]);
  });

  test('is given back with what was taken of it here, and is no volume any more', () => {
    const lab = withAdopted();
    lab.snapshotTaken('old', 'monday');
    lab.must('release-volume', { name: 'old' });
    expect(orderOf(lab, 'old')?.work).toBe('release-dataset');
    expect(lab.types('report-volume-released', reportOf(lab, 'old'), 'node:atlas')).toEqual([
      'snapshot.removed',
      'volume.released',
    ]);
    expect(lab.lab.byName('volume', 'default', 'old')).toBeUndefined();
  });

  test('is not deleted, neither for ever nor for a while', () => {
    const lab = withAdopted();
    for (const how of [{}, { purge: true }, { scrub: true }])
      expect(lab.run('delete-volume', { name: 'old', ...how }).rejected).toMatchObject({
        code: 'ADOPTED',
        hint: expect.stringContaining('floatlab volume release old'),
      });
  });

  test('that was deleted in the middle of a roll-back is not given back before that has ended: its stash would go along', () => {
    const lab = withAdopted();
    const volume = lab.volume('old');
    lab.snapshotTaken('old', 'monday');
    lab.must('rollback-volume', { name: 'old', snapshot: 'monday' });
    lab.must('drain-volume', { volume }, 'policy:rollout');
    lab.must('report-volume-failed', { ...reportOf(lab, 'old'), problem }, 'node:atlas');
    // No command leads here today; a history may.
    const [last] = lab.events.slice(-1);
    if (!last) throw new Error('nothing has happened');
    lab.lab.fold({
      ...last,
      ...{ stream: volume, type: 'volume.discarded', schema: 1, data: { name: 'old-deleted', purgeAt: lab.now + 1 } },
      ...{ index: asIndex(last.index + 1), version: (lab.lab.get(volume)?.version ?? 0) + 1 },
    } as LabEvent);
    expect(of(lab, 'old-deleted')?.state).toBe('discarded');
    lab.now += 1000;
    expect(purgePolicy.dueAt?.(volume, lab.lab, { get: () => undefined })).toBeUndefined();
    expect(purgePolicy.propose(volume, lab.lab, { get: () => undefined }, lab.now)).toEqual([]);
    expect(lab.run('purge-volume', { volume }, 'policy:purge').rejected).toMatchObject({
      code: 'NOT_NOW',
      hint: 'Finish it first: floatlab volume recover old-deleted.',
    });
    lab.must('recover-volume', { name: 'old-deleted' });
    expect(orderOf(lab, 'old')?.work).toBe('rollback-dataset');
  });

  test('that could not be taken over can be given up, or tried again', () => {
    const lab = withVolume();
    lab.must('adopt-volume', adoption);
    lab.must('report-volume-failed', { ...reportOf(lab, 'old'), problem }, 'node:atlas');
    lab.must('retry-volume', { name: 'old' });
    expect(orderOf(lab, 'old')?.work).toBe('adopt-dataset');
    lab.must('report-volume-failed', { ...reportOf(lab, 'old'), problem }, 'node:atlas');
    lab.must('release-volume', { name: 'old' });
    expect(orderOf(lab, 'old')?.work).toBe('release-dataset');
  });

  test('that was made by the lab is not released', () => {
    expect(withVolume().run('release-volume', { name: 'data' }).rejected?.hint).toContain('floatlab volume rm data');
  });

  test('stays when its volume moves away, and is given back in the end', () => {
    const lab = withAdopted();
    lab.must('move-volume', { name: 'old', pool: 'main', keepForMs: 60_000 });
    moved(lab, 'old');
    expect(of(lab, 'old')?.context.adopted).toBeNull();
    expect(of(lab, 'old-moved')?.context.adopted).toBe('tank/photos');
    lab.now += 60_000;
    lab.must('purge-volume', { volume: lab.volume('old-moved') }, 'policy:purge');
    expect(orderOf(lab, 'old-moved')?.work).toBe('release-dataset');
  });
});

describe('what was done by hand', () => {
  const gone = { code: 'MISSING', message: 'It is gone.' };
  const look = (lab: TestLab, problem: typeof gone | null, isGone = false) =>
    lab.types('report-volume-look', { ...reportOf(lab, 'data'), problem, isGone }, 'node:atlas');

  test('that is back, and not as it was, is ready and says what is wrong', () => {
    const lab = withVolume();
    look(lab, gone, true);
    const elsewhere = { code: 'ELSEWHERE', message: 'Its files are elsewhere.' };
    expect(look(lab, elsewhere)).toEqual(['volume.found-wrong']);
    expect(of(lab, 'data')).toMatchObject({ state: 'ready', context: { problem: null, drift: elsewhere } });
  });

  test('makes a volume missing, and it is ready when it is back', () => {
    const lab = withVolume();
    expect(look(lab, gone, true)).toEqual(['volume.found-wrong']);
    expect(look(lab, gone, true)).toEqual([]);
    expect(of(lab, 'data')).toMatchObject({ state: 'missing', context: { problem: gone } });
    expect(orderOf(lab, 'data')).toBeUndefined();
    expect(look(lab, null)).toEqual(['volume.found-well']);
    expect(of(lab, 'data')).toMatchObject({ state: 'ready', context: { problem: null } });
    expect(look(lab, null)).toEqual([]);
  });

  test('is looked for at once when somebody asks, and nothing is made in its place', () => {
    const lab = withVolume();
    look(lab, gone, true);
    lab.must('retry-volume', { name: 'data' });
    expect(orderOf(lab, 'data')).toMatchObject({ work: 'create-dataset', input: { isThere: true } });
    lab.must('report-volume-failed', { ...reportOf(lab, 'data'), problem: gone }, 'node:atlas');
    expect(of(lab, 'data')?.state).toBe('missing');
  });

  test('is said of a volume that works, and put right by one command', () => {
    const lab = withVolume();
    const quota = { code: 'QUOTA', message: 'It has another size.' };
    expect(look(lab, quota)).toEqual(['volume.found-wrong']);
    expect(of(lab, 'data')).toMatchObject({ state: 'ready', context: { drift: quota } });
    lab.must('retry-volume', { name: 'data' });
    expect(orderOf(lab, 'data')).toMatchObject({ work: 'create-dataset', input: { spec, isThere: true } });
    lab.provision();
    expect(of(lab, 'data')).toMatchObject({ state: 'ready', context: { drift: null } });
  });

  test('that was seen before the volume went on counts for nothing', () => {
    const lab = withVolume();
    const before = reportOf(lab, 'data');
    lab.must('change-volume', { name: 'data', sizeBytes: 2 * gib });
    lab.provision();
    const { rejected } = lab.run('report-volume-look', { ...before, problem: gone, isGone: true }, 'node:atlas');
    expect(rejected?.code).toBe('STALE');
  });

  test('leaves a volume that is missing to be deleted, and recovered', () => {
    const lab = withVolume();
    look(lab, gone, true);
    expect(lab.types('delete-volume', { name: 'data' })).toContain('volume.discarded');
  });
});
