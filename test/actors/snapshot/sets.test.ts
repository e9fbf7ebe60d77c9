import { describe, expect, test } from 'vitest';
import { workOf } from '#actors/registry.ts';
import type { WorkOrder } from '#actors/work.ts';
import { TestLab } from '../test-lab.ts';

const compose = `name: photos
services: { db: { image: pg, volumes: ["data:/d"] }, web: { image: nginx, volumes: ["files:/f"] } }
volumes: { data: {}, files: {} }
x-floatlab:
  hooks:
    before: { service: db, command: [freeze] }
    after: { service: db, command: [thaw] }
`;

function started(): TestLab {
  const lab = TestLab.ready();
  lab.running(compose);
  return lab;
}

function stopped(lab: TestLab): void {
  const instance = lab.instance('photos');
  lab.must('stop-instance', { instance, because: 'asked for' }, 'policy:rollout');
  lab.must('report-instance-stopped', { instance, visit: lab.visit(instance) }, 'node:atlas');
}

const orders = (lab: TestLab): readonly WorkOrder<'take-snapshot'>[] =>
  lab.lab
    .list('snapshot')
    .flatMap((snapshot) => workOf(snapshot, lab.lab) ?? [])
    .filter((order): order is WorkOrder<'take-snapshot'> => order.work === 'take-snapshot');

function report(lab: TestLab, order: WorkOrder<'take-snapshot'>): readonly string[] {
  const snapshots = order.input.snapshots.map(({ snapshot, visit }) => ({
    snapshot,
    visit,
    guid: snapshot.slice(-16),
    takenAt: lab.now,
    together: true,
  }));
  return lab.types('report-snapshots-taken', { node: 'node:atlas', snapshots }, 'node:atlas');
}

describe('a set of snapshots of an app', () => {
  test('has one of each volume, all of one name, and one of them takes all around the hooks', () => {
    const lab = started();
    const events = lab.must('take-app-snapshot', { name: 'photos', as: 'before-upgrade', note: 'v2' });
    expect(events.map(({ type }) => type)).toEqual(['operation.started', 'snapshot.requested', 'snapshot.requested']);
    const [order, ...others] = orders(lab);
    expect(others).toEqual([]);
    expect(order?.input.snapshots.map(({ name }) => name)).toEqual(['before-upgrade', 'before-upgrade']);
    expect(order?.input.hooks).toMatchObject([{ before: { command: ['freeze'] }, instance: lab.instance('photos') }]);
    if (!order) return;
    expect(report(lab, order)).toEqual(['snapshot.taken', 'snapshot.taken']);
    expect(lab.lab.list('snapshot').map(({ state, context }) => [state, context.together, context.set?.size])).toEqual([
      ['available', true, 2],
      ['available', true, 2],
    ]);
  });

  test('is whole or has failed', () => {
    const lab = started();
    lab.must('take-app-snapshot', { name: 'photos' });
    const [order] = orders(lab);
    const problem = { code: 'HOOK_FAILED', message: 'The command before it failed.' };
    const snapshot = order?.subject as `snapshot:${string}`;
    expect(lab.types('report-snapshot-failed', { snapshot, visit: 1, problem }, 'node:atlas')).toEqual([
      'snapshot.failed',
      'snapshot.failed',
    ]);
    expect(orders(lab)).toEqual([]);
  });

  test('is refused by hand while a volume is not ready, and taken of the others by a schedule', () => {
    const lab = started();
    lab.must('create-schedule', { name: 'nightly', app: 'photos', cron: '0 3 * * *' });
    lab.must('take-snapshot', { name: 'photos-files', as: 's' });
    lab.must(
      'report-snapshot-taken',
      { snapshot: lab.snapshot('photos-files', 's'), visit: 1, guid: 'g', takenAt: lab.now },
      'node:atlas',
    );
    lab.must('rollback-volume', { name: 'photos-files', snapshot: 's' });
    expect(lab.run('take-app-snapshot', { name: 'photos' }).rejected?.explain).toContain('photos-files');
    const schedule = lab.lab.byName('schedule', 'default', 'nightly');
    const dueAt = schedule?.context.dueAt ?? 0;
    lab.now = dueAt;
    lab.must('fire-schedule', { schedule: schedule?.stream ?? 'schedule:', dueAt }, 'policy:schedules');
    const taken = lab.lab.list('snapshot').filter(({ context }) => context.reason === 'schedule');
    expect(taken.map(({ context }) => [context.volume, context.set?.size])).toEqual([[lab.volume('photos-data'), 1]]);
  });

  test('is refused of an app without volumes, and under a name that one of them has', () => {
    const lab = started();
    lab.must('deploy-app', { compose: 'name: plain\nservices: { web: { image: nginx } }\n' });
    expect(lab.run('take-app-snapshot', { name: 'plain' }).rejected?.code).toBe('NOT_NOW');
    lab.must('take-snapshot', { name: 'photos-data', as: 'mine' });
    expect(lab.run('take-app-snapshot', { name: 'photos', as: 'mine' }).rejected?.code).toBe('NAME_TAKEN');
  });

  test('goes on without the hooks of an app that does not run', () => {
    const lab = started();
    lab.must('stop-app', { name: 'photos' });
    stopped(lab);
    lab.must('take-app-snapshot', { name: 'photos' });
    expect(orders(lab)[0]?.input.hooks).toMatchObject([{ instance: null }]);
  });

  test('goes with its app: a schedule of the app is removed, too', () => {
    const lab = started();
    lab.must('create-schedule', { name: 'nightly', app: 'photos', cron: '0 3 * * *' });
    lab.must('remove-app', { name: 'photos' });
    stopped(lab);
    expect(lab.lab.list('schedule')).toEqual([]);
  });
});

describe('a report of several snapshots', () => {
  test('is taken for those that are still as they were, and for the node that has them', () => {
    const lab = started();
    lab.must('take-snapshot', { name: 'photos-data', as: 'a' });
    lab.must('take-snapshot', { name: 'photos-files', as: 'b' });
    const of = (volume: string, name: string) => ({ snapshot: lab.snapshot(volume, name), guid: name, takenAt: 1 });
    const [a, b] = [of('photos-data', 'a'), of('photos-files', 'b')];
    const stale = { ...a, visit: 9 };
    const there = { ...b, visit: 1 };
    const input = { node: 'node:atlas' as const, snapshots: [stale, there, there] };
    expect(lab.run('report-snapshots-taken', input, 'node:vega').rejected?.code).toBe('FORBIDDEN');
    expect(lab.types('report-snapshots-taken', { ...input, node: 'node:vega' }, 'node:vega')).toEqual([]);
    expect(lab.types('report-snapshots-taken', input, 'node:atlas')).toEqual(['snapshot.taken']);
    expect(lab.lab.get(a.snapshot)?.state).toBe('taking');
  });
});
