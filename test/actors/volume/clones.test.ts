/** Clones of volumes: where they land, what they wait for, and what must stay until they have begun. */
import { describe, expect, test } from 'vitest';
import { workOf } from '#actors/registry.ts';
import { TestLab } from '../test-lab.ts';

const spec = { sizeBytes: 2 ** 30, keep: 'last:3' };

function withVolume(): TestLab {
  const lab = TestLab.ready();
  lab.join('vega', 500 * 2 ** 30);
  lab.must('create-volume', { name: 'data', spec });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  return lab;
}

const orderOf = (lab: TestLab, name: string) => {
  const volume = lab.lab.get(lab.volume(name));
  return volume && workOf(volume, lab.lab);
};

const fresh = (lab: TestLab) =>
  lab.lab.referrers(lab.volume('data'), 'snapshot').find(({ context }) => context.reason === 'clone');

describe('a clone', () => {
  test('lands beside its parent, with the content of a snapshot', () => {
    const lab = withVolume();
    lab.snapshotTaken('data', 'monday');
    lab.must('clone-volume', { name: 'data', snapshot: 'monday', as: 'test' });
    expect(orderOf(lab, 'test')).toMatchObject({
      work: 'clone-dataset',
      node: 'node:atlas',
      input: { pool: 'main', snapshot: 'monday', spec: { sizeBytes: 2 ** 30 }, from: { pool: 'main' } },
    });
    lab.provision();
    expect(lab.lab.get(lab.volume('test'))).toMatchObject({ state: 'ready', context: { spec } });
    expect(lab.lab.get(lab.snapshot('data', 'monday'))?.state).toBe('available');
  });

  test('of this moment waits for a snapshot, which goes when the clone is there', () => {
    const lab = withVolume();
    lab.must('clone-volume', { name: 'data', as: 'test' });
    expect(lab.lab.get(lab.volume('test'))?.state).toBe('unplaced');
    const snapshot = fresh(lab)?.stream ?? 'snapshot:none';
    const taken = { snapshot, visit: lab.visit(snapshot), guid: 'g', takenAt: lab.now };
    expect(lab.types('report-snapshot-taken', taken, 'node:atlas')).toEqual(['snapshot.taken', 'volume.placed']);
    lab.provision();
    expect(lab.lab.get(lab.volume('test'))?.state).toBe('ready');
    expect(lab.lab.get(snapshot)?.state).toBe('removing');
  });

  test('whose snapshot fails is not made, and its operation says why', () => {
    const lab = withVolume();
    lab.must('clone-volume', { name: 'data', as: 'test' });
    const snapshot = fresh(lab)?.stream ?? 'snapshot:none';
    const problem = { code: 'NO_SPACE', message: 'The pool is full.' };
    const failed = lab.types('report-snapshot-failed', { snapshot, visit: lab.visit(snapshot), problem }, 'node:atlas');
    expect(failed).toEqual(['snapshot.failed', 'operation.failed', 'volume.deleted']);
    expect(lab.lab.byName('volume', 'default', 'test')).toBeUndefined();
  });

  test('may be larger than its parent, and not smaller', () => {
    const lab = withVolume();
    lab.snapshotTaken('data', 'monday');
    const clone = { name: 'data', snapshot: 'monday', as: 'test' };
    expect(lab.run('clone-volume', { ...clone, sizeBytes: 2 ** 29 }).rejected?.code).toBe('SHRINKING');
    lab.must('clone-volume', { ...clone, sizeBytes: 2 ** 31 });
    expect(lab.lab.get(lab.volume('test'))?.context.spec.sizeBytes).toBe(2 ** 31);
  });

  test('that does not fit beside its parent is refused before anything is made', () => {
    const lab = withVolume();
    lab.snapshotTaken('data', 'monday');
    const { rejected } = lab.run('clone-volume', {
      name: 'data',
      snapshot: 'monday',
      as: 'test',
      sizeBytes: 90 * 2 ** 30,
    });
    expect(rejected).toMatchObject({ code: 'NO_NODE_FITS', explain: expect.stringContaining('pool main on atlas') });
  });

  test.each([
    [{ name: 'none', as: 'test' }, 'NOT_FOUND'],
    [{ name: 'data', as: 'test', snapshot: 'none' }, 'NOT_FOUND'],
    [{ name: 'data', as: 'data' }, 'NAME_TAKEN'],
  ])('%j is refused: %s', (input, code) => {
    expect(withVolume().run('clone-volume', input).rejected?.code).toBe(code);
  });

  test('keeps what it begins with until it has begun', () => {
    const lab = withVolume();
    lab.snapshotTaken('data', 'monday');
    lab.must('clone-volume', { name: 'data', snapshot: 'monday', as: 'test' });
    const snapshot = lab.snapshot('data', 'monday');
    expect(lab.run('remove-snapshot', { name: 'data', snapshot: 'monday' }).rejected?.code).toBe('NOT_NOW');
    expect(lab.run('delete-volume', { name: 'data', purge: true }).rejected).toMatchObject({
      code: 'VOLUME_IN_USE',
      explain: expect.stringContaining('test'),
    });
    const prune = { volume: lab.volume('data'), snapshots: [{ snapshot, because: 'old' }] };
    expect(lab.run('prune-snapshots', prune, 'policy:retention').events).toEqual([]);
    lab.provision();
    lab.must('remove-snapshot', { name: 'data', snapshot: 'monday' });
    lab.must('delete-volume', { name: 'data', purge: true });
  });

  test('that failed is tried again as long as its snapshot is there', () => {
    const lab = withVolume();
    lab.snapshotTaken('data', 'monday');
    lab.must('clone-volume', { name: 'data', snapshot: 'monday', as: 'test' });
    const volume = lab.volume('test');
    const problem = { code: 'NO_SPACE', message: 'The pool is full.' };
    lab.must('report-volume-failed', { volume, visit: lab.visit(volume), problem }, 'node:atlas');
    expect(lab.run('remove-snapshot', { name: 'data', snapshot: 'monday' }).rejected?.code).toBe('NOT_NOW');
    lab.must('retry-volume', { name: 'test' });
    expect(orderOf(lab, 'test')?.work).toBe('clone-dataset');
    lab.provision();
    expect(lab.lab.get(volume)?.state).toBe('ready');
  });

  test('that waits for its snapshot is gone with the volume that it was to be a clone of', () => {
    const lab = withVolume();
    lab.must('clone-volume', { name: 'data', as: 'test' });
    lab.must('report-node-down', { node: 'node:atlas', lastSeenAt: lab.now }, 'policy:liveness');
    lab.must('remove-node', { name: 'atlas', force: true } as never);
    expect(lab.lab.byName('volume', 'default', 'test')).toBeUndefined();
  });
});
