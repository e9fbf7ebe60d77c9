/** A snapshot that is to go, and that something else holds: it stays, says so, and is tried again once a day. */
import { describe, expect, test } from 'vitest';
import type { Observations } from '#actors/observations.ts';
import { retentionPolicy } from '#actors/policies/retention.ts';
import { settled } from '#actors/registry.ts';
import { Folded } from '#io/lab/folded.ts';
import { TestLab } from '../test-lab.ts';

const dayMs = 86_400_000;
const problem = {
  code: 'HELD',
  message: 'tank/data@one is held by keep',
  hint: 'Let go of it: zfs release keep tank/data@one',
};
const nothingSeen: Observations = { get: () => undefined };

/** Of a volume that keeps its newest snapshot: `one` by schedule, `two` by hand, `three` by schedule. */
function withSnapshots(keep: string | undefined = 'last:1'): TestLab {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'data', spec: { sizeBytes: 2 ** 30, ...(keep === undefined ? {} : { keep }) } });
  lab.must('place-volume', { volume: lab.volume('data'), node: 'node:atlas', pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('create-schedule', { name: 'hourly', volume: 'data', cron: '0 * * * *' });
  for (const name of ['one', 'two', 'three']) {
    if (name === 'two') lab.snapshotTaken('data', 'two');
    else scheduled(lab);
  }
  return lab;
}

function scheduled(lab: TestLab): void {
  const schedule = lab.lab.byName('schedule', 'default', 'hourly');
  lab.now = schedule?.context.dueAt ?? lab.now;
  lab.must('fire-schedule', { schedule: schedule?.stream ?? 'schedule:none', dueAt: lab.now }, 'policy:schedules');
  for (const { stream, state, visit } of lab.lab.list('snapshot'))
    if (state === 'taking')
      lab.must('report-snapshot-taken', { snapshot: stream, visit, guid: stream, takenAt: lab.now }, 'node:atlas');
}

const oldest = (lab: TestLab) =>
  lab.lab.referrers(lab.volume('data'), 'snapshot').toSorted((a, b) => a.context.sequence - b.context.sequence)[0];

/** The policy has its turn. @returns the types of what came of it */
const turn = (lab: TestLab): readonly string[] =>
  retentionPolicy
    .propose(lab.volume('data'), lab.lab, nothingSeen, lab.now)
    .flatMap(({ name, input }) => lab.types(name, input as never, 'policy:retention'));

function refused(lab: TestLab): void {
  const snapshot = oldest(lab);
  if (!snapshot) throw new Error('there is no snapshot');
  lab.must('report-snapshot-held', { snapshot: snapshot.stream, visit: snapshot.visit, problem }, 'node:atlas');
}

function shown(lab: TestLab) {
  const folded = new Folded();
  for (const event of lab.events) folded.fold(event);
  return {
    alerts: folded.rows('alerts').flatMap(([, row]) => (row.rule === 'snapshots-held' ? [row] : [])),
    held: folded.rows('snapshots').flatMap(([, row]) => (row.held ? [row.held] : [])),
  };
}

describe('a snapshot that something else holds', () => {
  test('is available as before, says why it stays, and its volume has an alert with the command that goes on', () => {
    const lab = withSnapshots();
    const { context: { metadata } = { metadata: { name: '' } } } = oldest(lab) ?? {};
    expect(turn(lab)).toEqual(['snapshot.removal-requested']);
    refused(lab);
    expect(oldest(lab)?.state).toBe('available');
    const said = `${problem.hint}. Then: floatlab volume rm-snapshot data ${metadata.name}.`;
    const { alerts, held } = shown(lab);
    expect(alerts.map((alert) => alert.hint)).toEqual([said]);
    expect(alerts[0]?.message).toBe(
      `Snapshot ${metadata.name} of volume data is to go, and cannot: ${problem.message}`,
    );
    expect(held).toEqual([{ ...problem, hint: said }]);
  });

  test('can be gone back to, and a removal by hand is tried at once and fails with the reason', () => {
    const lab = withSnapshots();
    lab.must('remove-snapshot', { name: 'data', snapshot: 'two' });
    const two = lab.snapshot('data', 'two');
    lab.must('report-snapshot-held', { snapshot: two, visit: lab.visit(two), problem }, 'node:atlas');
    const actor = lab.lab.get(two);
    expect(actor && settled(actor)).toMatchObject({ failed: { code: 'HELD', message: problem.message } });
    expect(lab.types('remove-snapshot', { name: 'data', snapshot: 'two' })).toContain('snapshot.removal-requested');
    const again = lab.lab.get(two);
    expect(again && settled(again)).toBeUndefined();
    lab.must('report-snapshot-held', { snapshot: two, visit: lab.visit(two), problem }, 'node:atlas');
    expect(lab.types('rollback-volume', { name: 'data', snapshot: 'two', pastNewer: true })).toContain(
      'volume.rollback-requested',
    );
  });

  test('is left alone by retention for a day, then tried again, and the alert stays until it is gone', () => {
    const lab = withSnapshots();
    turn(lab);
    refused(lab);
    const due = retentionPolicy.dueAt?.(lab.volume('data'), lab.lab, nothingSeen);
    expect(due).toBe(lab.now + dayMs);
    lab.now += dayMs - 1;
    expect(turn(lab)).toEqual([]);
    lab.now += 1;
    expect(turn(lab)).toEqual(['snapshot.removal-requested']);
    expect(shown(lab).alerts).toHaveLength(1);
    expect(retentionPolicy.dueAt?.(lab.volume('data'), lab.lab, nothingSeen)).toBeUndefined();
    const snapshot = oldest(lab);
    if (!snapshot) throw new Error('there is no snapshot');
    lab.must('report-snapshot-removed', { snapshot: snapshot.stream, visit: snapshot.visit }, 'node:atlas');
    expect(shown(lab)).toEqual({ alerts: [], held: [] });
  });

  test.each([
    ['its policy keeps it by now', (lab: TestLab) => lab.must('change-volume', { name: 'data', keep: 'last:9' })],
    ['the volume has no policy any more', (lab: TestLab) => lab.must('change-volume', { name: 'data', keep: '' })],
  ])('is let be after a day when %s', (_, change) => {
    const lab = withSnapshots();
    turn(lab);
    refused(lab);
    change(lab);
    lab.now += dayMs;
    expect(turn(lab)).toEqual(['snapshot.removal-withdrawn']);
    expect(shown(lab)).toEqual({ alerts: [], held: [] });
    expect(turn(lab)).toEqual([]);
  });

  test('that a person wanted gone is no alert for ever: after a day it is as any other', () => {
    const lab = withSnapshots();
    lab.must('remove-snapshot', { name: 'data', snapshot: 'two' });
    const two = lab.snapshot('data', 'two');
    lab.must('report-snapshot-held', { snapshot: two, visit: lab.visit(two), problem }, 'node:atlas');
    lab.now += dayMs;
    turn(lab);
    expect(lab.lab.get(two)).toMatchObject({ state: 'available', context: { held: null } });
  });

  test('and that failed stays one that failed', () => {
    const lab = withSnapshots();
    lab.must('take-snapshot', { name: 'data', as: 'broken' });
    const broken = lab.snapshot('data', 'broken');
    const report = () => ({ snapshot: broken, visit: lab.visit(broken), problem });
    lab.must('report-snapshot-failed', report(), 'node:atlas');
    lab.must('remove-snapshot', { name: 'data', snapshot: 'broken' });
    lab.must('report-snapshot-held', report(), 'node:atlas');
    expect(lab.lab.get(broken)?.state).toBe('failed');
  });
});

describe('retention with very many snapshots', () => {
  test('drops all that it does not keep by itself, and of one volume only some hundred at a time', () => {
    const lab = withSnapshots('last:9000');
    for (let n = 0; n < 700; n++) scheduled(lab);
    lab.must('change-volume', { name: 'data', keep: 'last:2' });
    const going = () => lab.lab.list('snapshot').filter(({ state }) => state === 'removing');
    let most = 0;
    let turns = 0;
    for (turn(lab); going().length > 0; turn(lab)) {
      const removing = going();
      most = Math.max(most, removing.length);
      turns += 1;
      const gone = removing.slice(0, 100).map(({ stream, visit }) => ({ snapshot: stream, visit }));
      lab.must('report-snapshots-removed', { node: 'node:atlas', snapshots: gone }, 'node:atlas');
    }
    expect(most).toBe(300);
    expect(turns).toBeGreaterThan(5);
    const left = lab.lab.list('snapshot').map(({ context }) => context.reason);
    expect(left.toSorted()).toEqual(['manual', 'schedule', 'schedule']);
  });

  test.each(['snapshot.removed', 'snapshot.removal-refused'] as const)('goes on after %s', (type) => {
    const lab = withSnapshots();
    const after = oldest(lab);
    const step = { event: { type, stream: after?.stream }, before: undefined, after } as never;
    expect(retentionPolicy.wakes(step, lab.lab)).toEqual([lab.volume('data')]);
  });
});
