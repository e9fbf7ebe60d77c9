/** Roll-backs that come to nothing: what is known of them decides whether the volume, and its app, go on. */
import { describe, expect, test } from 'vitest';
import { workOf } from '#actors/registry.ts';
import { TestLab } from '../test-lab.ts';

const compose = `name: photos
services:
  web: { image: nginx, volumes: ["data:/data"] }
volumes: { data: {} }
x-floatlab: { size: 64MiB }
`;
const problem = { code: 'NO_SPACE', message: 'The pool is full.' };
const volume = { name: 'photos-data' };

/** An app whose volume has the snapshot `old`, and goes back to it. */
function goingBack(): TestLab {
  const lab = new TestLab();
  lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
  lab.join('atlas');
  lab.running(compose);
  lab.snapshotTaken(volume.name, 'old');
  lab.must('rollback-volume', { ...volume, snapshot: 'old' });
  return lab;
}

const of = (lab: TestLab) => lab.lab.get(lab.volume(volume.name));
const app = (lab: TestLab) => lab.lab.byName('app', 'default', 'photos')?.state;
const report = (lab: TestLab) => ({ volume: lab.volume(volume.name), visit: lab.visit(lab.volume(volume.name)) });
/** What whoever waited for it was told. */
const whyFailed = (lab: TestLab) => {
  const failed = lab.events.findLast(({ type }) => type === 'operation.failed');
  return failed?.type === 'operation.failed' ? failed.data.problem : undefined;
};
const codeOf = (lab: TestLab, ...ask: Parameters<TestLab['run']>) => lab.run(...ask).rejected?.code;

function drained(): TestLab {
  const lab = goingBack();
  const instance = lab.instance('photos');
  lab.must('stop-instance', { instance, because: 'a volume is rolled back' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
  if (of(lab)?.state === 'draining') lab.must('drain-volume', { volume: lab.volume(volume.name) }, 'policy:rollout');
  return lab;
}

function failed(): TestLab {
  const lab = drained();
  lab.must('report-volume-failed', { ...report(lab), problem }, 'node:atlas');
  return lab;
}

describe('a roll-back of which nothing happened', () => {
  test('leaves the volume as it was, its app goes on, and whoever waits for it hears why', () => {
    const lab = drained();
    expect([of(lab)?.state, app(lab)]).toEqual(['rolling-back', 'paused']);
    lab.must('report-volume-rollback-failed', { ...report(lab), problem, isGone: false }, 'node:atlas');
    expect(of(lab)).toMatchObject({ state: 'ready', context: { rollback: null, problem: null } });
    expect(app(lab)).toBe('starting');
    expect(whyFailed(lab)).toEqual(problem);
    expect(lab.lab.referrers(lab.volume(volume.name), 'snapshot')).toHaveLength(1);
    expect(lab.types('rollback-volume', { ...volume, snapshot: 'old' })).toContain('volume.rollback-requested');
  });

  test('because its snapshot is gone takes that out of what is offered', () => {
    const lab = drained();
    lab.must('report-volume-rollback-failed', { ...report(lab), problem, isGone: true }, 'node:atlas');
    expect(lab.lab.referrers(lab.volume(volume.name), 'snapshot')).toEqual([]);
    expect(codeOf(lab, 'rollback-volume', { ...volume, snapshot: 'old' })).toBe('NOT_FOUND');
  });

  test('is not told of a visit that is over', () => {
    const lab = drained();
    const late = report(lab);
    lab.must('report-volume-rollback-failed', { ...late, problem, isGone: false }, 'node:atlas');
    lab.must('rollback-volume', { ...volume, snapshot: 'old' });
    expect(codeOf(lab, 'report-volume-rollback-failed', { ...late, problem, isGone: false }, 'node:atlas')).toBe(
      'STALE',
    );
  });
});

describe('a roll-back that is canceled', () => {
  test('while the app stops never begins, and the app goes on', () => {
    const lab = goingBack();
    expect(of(lab)?.state).toBe('draining');
    lab.must('cancel-rollback', volume);
    expect([of(lab)?.state, of(lab)?.context.rollback]).toEqual(['ready', null]);
    expect(app(lab)).toBe('starting');
    expect(whyFailed(lab)?.code).toBe('CANCELED');
    expect(lab.types('cancel-rollback', volume)).toEqual([]);
  });

  test('while its node is at it goes on: nobody knows how far it is', () => {
    const lab = drained();
    expect(codeOf(lab, 'cancel-rollback', volume)).toBe('NOT_NOW');
  });

  test('after it failed is looked at by its node, which begins nothing any more', () => {
    const lab = failed();
    expect([of(lab)?.state, app(lab)]).toEqual(['failed', 'failed']);
    lab.must('cancel-rollback', volume);
    const now = of(lab);
    expect(now && workOf(now, lab.lab)).toMatchObject({ work: 'rollback-dataset', input: { isCanceled: true } });
    expect(app(lab)).toBe('paused');
    lab.must('report-volume-rollback-failed', { ...report(lab), problem, isGone: false }, 'node:atlas');
    expect([of(lab)?.state, app(lab)]).toEqual(['ready', 'starting']);
  });

  test('after it failed and had been done is the roll-back that it is', () => {
    const lab = failed();
    lab.must('cancel-rollback', volume);
    const stash = { name: of(lab)?.context.rollback?.stash ?? '', guid: 'guid-stash', takenAt: lab.now };
    lab.must('report-volume-rolled-back', { ...report(lab), stash }, 'node:atlas');
    expect([of(lab)?.state, app(lab), of(lab)?.context.lineages.length]).toEqual(['ready', 'starting', 2]);
  });
});

describe('a snapshot that was destroyed by hand', () => {
  function withSnapshots(): TestLab {
    const lab = new TestLab();
    lab.run('create-lab', { name: 'home', timeZone: 'UTC' }, 'system:start');
    lab.join('atlas');
    lab.running(compose);
    for (const name of ['one', 'two']) lab.snapshotTaken(volume.name, name);
    return lab;
  }
  const gone = (lab: TestLab, name: string) => {
    const snapshot = lab.snapshot(volume.name, name);
    return { ...report(lab), snapshots: [{ snapshot, visit: lab.visit(snapshot) }] };
  };

  test('is offered no more, and the volume says so', () => {
    const lab = withSnapshots();
    expect(lab.types('report-snapshots-gone', gone(lab, 'one'), 'node:atlas')).toEqual([
      'snapshot.found-gone',
      'volume.snapshots-lost',
    ]);
    const left = lab.lab.referrers(lab.volume(volume.name), 'snapshot').map(({ context }) => context.metadata.name);
    expect(left).toEqual(['two']);
    expect(of(lab)?.state).toBe('ready');
  });

  test('is none that the lab has begun to remove, or of a volume that has gone on since the look', () => {
    const lab = withSnapshots();
    const before = gone(lab, 'one');
    lab.must('remove-snapshot', { ...volume, snapshot: 'one' });
    expect(lab.types('report-snapshots-gone', before, 'node:atlas')).toEqual([]);
    const other = gone(lab, 'two');
    lab.must('rollback-volume', { ...volume, snapshot: 'two', pastNewer: true });
    expect(codeOf(lab, 'report-snapshots-gone', other, 'node:atlas')).toBe('STALE');
  });

  test('is the word of the node that has the volume, and of no other', () => {
    const lab = withSnapshots();
    expect(codeOf(lab, 'report-snapshots-gone', gone(lab, 'one'), 'node:other')).toBe('FORBIDDEN');
  });
});
