/** Files on their way: what they need, what must stay until they have ended, and what the history says of them. */
import { describe, expect, test } from 'vitest';
import type { StreamId } from '#events/envelope.ts';
import { policies } from '#actors/policies/registry.ts';
import { workOf } from '#actors/registry.ts';
import { TestLab } from '../test-lab.ts';

function withVolume(): TestLab {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.snapshotTaken('data', 'monday');
  return lab;
}

const only = (lab: TestLab) => {
  const [transfer] = lab.lab.list('transfer');
  if (!transfer) throw new Error('nothing is on its way');
  return transfer;
};
const report = (lab: TestLab, more: object = {}) => {
  const { stream, visit } = only(lab);
  return lab.types('report-transfer-finished', { transfer: stream, visit, bytes: 10, ...more }, 'node:atlas');
};
const proposals = (lab: TestLab, subject: StreamId) =>
  policies.find(({ name }) => name === 'transfers')?.propose(subject, lab.lab, {} as never, lab.now) ?? [];
const rejection = (lab: TestLab, ...[name, input]: Parameters<TestLab['run']>) => lab.run(name, input).rejected;

describe('a restore', () => {
  test('begins at once, on the node of the volume, with everything that it needs', () => {
    const lab = withVolume();
    lab.must('restore-files', { name: 'data', snapshot: 'monday', paths: ['a/b', 'a/b', 'c'], to: 'back' });
    expect(workOf(only(lab), lab.lab)).toMatchObject({
      work: 'restore-files',
      node: 'node:atlas',
      input: { pool: 'main', snapshot: 'monday', paths: ['a/b', 'c'], to: 'back', overwrite: false },
    });
  });

  test('stands in the history of the volume when it is done', () => {
    const lab = withVolume();
    lab.must('restore-files', { name: 'data', snapshot: 'monday', paths: ['c'] });
    const written = [{ path: 'c', as: 'c.restored-monday' }];
    expect(report(lab, { files: 1, written })).toEqual(['volume.files-restored', 'transfer.finished']);
    const told = lab.events.find(({ type }) => type === 'volume.files-restored');
    expect(told?.data).toEqual({ snapshot: 'monday', paths: ['c.restored-monday'], files: 1, bytes: 10 });
    expect(lab.lab.list('transfer')).toEqual([]);
  });

  test('that fails tells whoever waits for it, and leaves the volume as it is', () => {
    const lab = withVolume();
    lab.must('restore-files', { name: 'data', snapshot: 'monday', paths: ['c'] });
    const { stream, visit } = only(lab);
    const problem = { code: 'NO_SPACE', message: 'the volume is full' };
    lab.must('report-transfer-failed', { transfer: stream, visit, problem }, 'node:atlas');
    expect(lab.lab.list('transfer')).toEqual([]);
    expect(lab.events.at(-2)).toMatchObject({ type: 'operation.failed', data: { problem } });
    expect(lab.lab.get(lab.volume('data'))?.state).toBe('ready');
  });

  test.each([['../x'], ['/etc/passwd'], ['a//b'], ['']])('is refused for the path %j', (path) => {
    const lab = withVolume();
    expect(rejection(lab, 'restore-files', { name: 'data', snapshot: 'monday', paths: [path] })?.code).toBe('INVALID');
  });

  test('is refused without its snapshot, of a folder and something in it, and by another node', () => {
    const lab = withVolume();
    const of = { name: 'data', snapshot: 'monday' };
    expect(rejection(lab, 'restore-files', { ...of, snapshot: 'never', paths: ['c'] })?.code).toBe('NOT_FOUND');
    expect(rejection(lab, 'restore-files', { ...of, paths: ['a', 'a/b'] })?.code).toBe('INVALID');
    lab.must('restore-files', { ...of, paths: ['c'] });
    lab.join('vega');
    const { stream, visit } = only(lab);
    expect(lab.run('report-transfer-finished', { transfer: stream, visit, bytes: 1 }, 'node:vega').rejected?.code).toBe(
      'FORBIDDEN',
    );
  });

  test('keeps its snapshot and its volume from going', () => {
    const lab = withVolume();
    lab.must('restore-files', { name: 'data', snapshot: 'monday', paths: ['c'] });
    expect(rejection(lab, 'remove-snapshot', { name: 'data', snapshot: 'monday' })?.code).toBe('NOT_NOW');
    expect(rejection(lab, 'delete-volume', { name: 'data' })?.code).toBe('VOLUME_IN_USE');
    expect(rejection(lab, 'rollback-volume', { name: 'data', snapshot: 'monday' })?.code).toBe('VOLUME_IN_USE');
    expect(rejection(lab, 'import-volume', { name: 'data' })?.code).toBe('VOLUME_IN_USE');
  });

  test('fails when its snapshot goes all the same', () => {
    const lab = withVolume();
    lab.must('restore-files', { name: 'data', snapshot: 'monday', paths: ['c'] });
    const { stream } = only(lab);
    expect(proposals(lab, stream)).toEqual([]);
    lab.lab.fold({ ...lab.events.at(-1), ...removed(lab) } as never);
    expect(proposals(lab, stream)).toMatchObject([
      { name: 'fail-transfer', input: { problem: { code: 'NOT_FOUND' } } },
    ]);
  });
});

/** As if a node had lost it. */
function removed(lab: TestLab) {
  const stream = lab.snapshot('data', 'monday');
  const version = (lab.lab.get(stream)?.version ?? 0) + 1;
  return { stream, type: 'snapshot.removed', data: {}, version, index: lab.lab.index + 1 };
}

describe('an export', () => {
  test('of now waits for a snapshot of its own, which goes with it', () => {
    const lab = withVolume();
    lab.must('export-volume', { name: 'data' });
    const { stream, context } = only(lab);
    expect(only(lab).state).toBe('waiting');
    expect(workOf(only(lab), lab.lab)).toBeUndefined();
    const snapshot = context.task.do === 'export' ? context.task.snapshot : 'snapshot:none';
    expect(proposals(lab, stream)).toEqual([]);
    lab.must(
      'report-snapshot-taken',
      { snapshot, visit: lab.visit(snapshot), guid: 'g', takenAt: lab.now },
      'node:atlas',
    );
    expect(proposals(lab, stream)).toMatchObject([{ name: 'begin-transfer' }]);
    lab.must('begin-transfer', { transfer: stream }, 'policy:transfers');
    expect(workOf(only(lab), lab.lab)?.work).toBe('export-files');
    expect(report(lab)).toEqual(['volume.exported', 'transfer.finished', 'snapshot.removal-requested']);
  });

  test('of a snapshot leaves that where it is', () => {
    const lab = withVolume();
    lab.must('export-volume', { name: 'data', snapshot: 'monday' });
    expect(report(lab)).toEqual(['volume.exported', 'transfer.finished']);
  });

  test('fails when its snapshot cannot be taken', () => {
    const lab = withVolume();
    lab.must('export-volume', { name: 'data' });
    const { stream, context } = only(lab);
    const snapshot = context.task.do === 'export' ? context.task.snapshot : 'snapshot:none';
    const problem = { code: 'NO_SPACE', message: 'the pool is full' };
    lab.must('report-snapshot-failed', { snapshot, visit: lab.visit(snapshot), problem }, 'node:atlas');
    expect(proposals(lab, stream)).toMatchObject([{ name: 'fail-transfer', input: { problem } }]);
  });
});

describe('an import', () => {
  const begin = (replace = false): TestLab => {
    const lab = withVolume();
    lab.must('import-volume', { name: 'data', replace });
    return lab;
  };
  const before = { guid: 'b', takenAt: 5 };
  const state = (lab: TestLab) => lab.lab.get(lab.volume('data'))?.state;

  test('closes the volume until it has ended', () => {
    const lab = begin();
    expect(state(lab)).toBe('importing');
    expect(rejection(lab, 'take-snapshot', { name: 'data' })?.code).toBe('NOT_NOW');
    expect(rejection(lab, 'import-volume', { name: 'data' })?.code).toBe('NOT_NOW');
    expect(report(lab, { files: 2, before })).toContain('volume.imported');
    expect(state(lab)).toBe('ready');
  });

  test('keeps what it replaced as a snapshot, and nothing where nothing was', () => {
    const kept = begin(true);
    expect(report(kept, { before })).not.toContain('snapshot.removal-requested');
    const reasons = kept.lab.referrers(kept.volume('data'), 'snapshot').map(({ context }) => context.reason);
    expect(reasons.toSorted()).toEqual(['import', 'manual']);
    expect(report(begin(false), { before })).toContain('snapshot.removal-requested');
  });

  test('that fails opens the volume, as it was', () => {
    const lab = begin(true);
    const { stream, visit } = only(lab);
    const problem = { code: 'INVALID', message: 'the archive has no end' };
    expect(lab.types('report-transfer-failed', { transfer: stream, visit, problem }, 'node:atlas')).toEqual([
      'operation.failed',
      'volume.import-failed',
      'transfer.failed',
    ]);
    expect(state(lab)).toBe('ready');
    expect(lab.lab.list('operation').filter(({ context }) => context.command === 'import-volume')).toEqual([]);
  });
});

describe('a transfer that is canceled', () => {
  const cancel = (lab: TestLab) => {
    const [operation] = lab.lab.referrers(only(lab).stream, 'operation');
    return lab.types('cancel-operation', { id: operation?.context.metadata.name ?? '' });
  };
  const undone = (lab: TestLab, code = 'ABORTED') =>
    lab.types(
      'report-transfer-failed',
      { transfer: only(lab).stream, visit: only(lab).visit, problem: { code, message: 'it was canceled' } },
      'node:atlas',
    );
  const stateOf = (lab: TestLab) => lab.lab.get(lab.volume('data'))?.state;
  const ended = (lab: TestLab) => lab.events.findLast(({ type }) => type === 'operation.failed')?.data;

  test('ends at once while it only reads, and the snapshot that was taken for it goes', () => {
    const lab = withVolume();
    lab.must('export-volume', { name: 'data', snapshot: 'monday' });
    expect(cancel(lab)).toEqual(['operation.failed', 'transfer.failed']);
    expect(ended(lab)).toMatchObject({ problem: { code: 'CANCELED' } });

    lab.must('export-volume', { name: 'data' });
    expect(cancel(lab)).toEqual(['operation.failed', 'transfer.failed']);
    const snapshot = lab.lab.list('snapshot').find(({ state }) => state === 'taking')?.stream ?? 'snapshot:none';
    const fact = { snapshot, visit: lab.visit(snapshot), guid: 'g', takenAt: lab.now };
    expect(lab.types('report-snapshots-taken', { node: 'node:atlas', snapshots: [fact] }, 'node:atlas')).toEqual([
      'snapshot.taken',
      'snapshot.removal-requested',
    ]);
  });

  test('is undone by its node while it writes; the volume is used again only after that', () => {
    const lab = withVolume();
    lab.must('import-volume', { name: 'data', replace: true });
    expect(cancel(lab)).toEqual(['transfer.cancel-requested']);
    expect(stateOf(lab)).toBe('importing');
    const { task } = only(lab).context;
    expect(workOf(only(lab), lab.lab)).toMatchObject({
      work: 'cancel-transfer',
      input: { pool: 'main', task: { do: 'import', before: task.do === 'import' ? task.before : '' } },
    });
    expect(undone(lab)).toEqual(['operation.failed', 'volume.import-failed', 'transfer.failed']);
    expect(stateOf(lab)).toBe('ready');
    expect(ended(lab)).toMatchObject({ problem: { code: 'CANCELED' } });
  });

  test('may have brought everything back by then: that stands', () => {
    const lab = withVolume();
    lab.must('restore-files', { name: 'data', snapshot: 'monday', paths: ['c'] });
    expect(cancel(lab)).toEqual(['transfer.cancel-requested']);
    expect(workOf(only(lab), lab.lab)?.input).toMatchObject({ task: { do: 'restore', paths: ['c'] } });
    expect(report(lab, { files: 1, written: [] })).toEqual(['volume.files-restored', 'transfer.finished']);
  });

  test('is canceled once, by its name or its id, and only as long as it runs', () => {
    const lab = withVolume();
    lab.must('import-volume', { name: 'data', replace: true });
    const [operation] = lab.lab.referrers(only(lab).stream, 'operation');
    if (!operation) throw new Error('nothing runs');
    cancel(lab);
    expect(lab.types('cancel-operation', { id: operation.stream })).toEqual([]);
    undone(lab);
    expect(rejection(lab, 'cancel-operation', { id: operation.context.metadata.name })?.code).toBe('NOT_FOUND');
    lab.must('change-volume', { name: 'data', sizeBytes: 2 ** 31 });
    const [other] = lab.lab.referrers(lab.volume('data'), 'operation').toReversed();
    expect(rejection(lab, 'cancel-operation', { id: other?.stream ?? '' })?.code).toBe('UNSUPPORTED');
  });
});

test('an import into what somebody has removed ends, and the volume is missing', () => {
  const lab = withVolume();
  lab.must('import-volume', { name: 'data', replace: true });
  const { stream, visit } = only(lab);
  const problem = { code: 'MISSING', message: 'the dataset is not there' };
  lab.must('report-transfer-failed', { transfer: stream, visit, problem }, 'node:atlas');
  expect(lab.lab.get(lab.volume('data'))).toMatchObject({ state: 'missing', context: { problem } });
});
