/** A schedule that is there gets another time, another target, other terms; what it is of stays. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CommandInputs } from '#actors/commands.ts';
import { nextRun } from '#actors/schedule/next.ts';
import { TestLab } from '../test-lab.ts';

const hourMs = 3_600_000;
type Change = Omit<CommandInputs['change-schedule'], 'name'>;

function labWith(more: Partial<CommandInputs['create-schedule']> = {}): TestLab {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'photos', spec: { sizeBytes: 2 ** 30 } });
  for (const name of ['usb', 'attic'])
    lab.must('add-backup-target', { name, store: { kind: 'directory', path: `/mnt/${name}` } });
  lab.must('create-schedule', { name: 'nightly', volume: 'photos', cron: '30 2 * * *', ...more });
  return lab;
}
const schedule = (lab: TestLab) => lab.lab.byName('schedule', 'default', 'nightly')!.context;
const target = (lab: TestLab, name: string) => lab.lab.byName('backup-target', 'system', name)?.stream;
const change = (lab: TestLab, input: Change) => lab.must('change-schedule', { name: 'nightly', ...input });

describe('a schedule that is changed', () => {
  test('runs at its new time, in its time zone, and in that of the lab again', () => {
    const lab = labWith();
    change(lab, { cron: '15 4 * * *', timeZone: 'Asia/Tokyo' });
    expect(schedule(lab)).toMatchObject({
      spec: { cron: '15 4 * * *', timeZone: 'Asia/Tokyo' },
      dueAt: nextRun('15 4 * * *', 'Asia/Tokyo', lab.now),
    });
    change(lab, { timeZone: null });
    expect(schedule(lab).spec).not.toHaveProperty('timeZone');
    expect(schedule(lab).dueAt).toBe(nextRun('15 4 * * *', 'UTC', lab.now));
    expect(change(lab, { cron: '15 4 * * *', timeZone: null })).toEqual([]);
  });

  test('is of the same volume, whatever is said, and what is left out stays', () => {
    const cron = fc.constantFrom('30 2 * * *', '0 * * * *', '15 4 * * 1');
    const changes = fc.record(
      {
        cron,
        timeZone: fc.constantFrom('Asia/Tokyo', 'Europe/Berlin', null),
        backupTo: fc.constantFrom('usb', 'attic'),
        keep: fc.constantFrom('', 'last:3', '14d:1d'),
        testRestoreEveryMs: fc.constantFrom(0 as const, 30 * 24 * hourMs),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 5 }), (all) => {
        const lab = labWith({ backupTo: 'usb', keep: 'last:2' });
        let wanted: Record<string, unknown> = { backupTo: 'usb', cron: '30 2 * * *', keep: 'last:2' };
        for (const each of all) {
          change(lab, each);
          wanted = { ...wanted, ...each };
        }
        const set = (value: unknown) => (value === null || value === '' || value === 0 ? undefined : value);
        const { volume, action, cron: line, timeZone, target: to, keep, testRestoreEveryMs } = schedule(lab).spec;
        expect([volume, action]).toEqual([lab.volume('photos'), 'backup']);
        expect({ cron: line, timeZone, to, keep, testRestoreEveryMs }).toEqual({
          cron: wanted['cron'],
          timeZone: set(wanted['timeZone']),
          to: target(lab, String(wanted['backupTo'])),
          keep: set(wanted['keep']),
          testRestoreEveryMs: set(wanted['testRestoreEveryMs']),
        });
        expect(schedule(lab).dueAt).toBe(nextRun(line, timeZone ?? 'UTC', lab.now));
      }),
      { numRuns: 30 },
    );
  });

  test('keeps a run that is due, and its next time when only its target or its terms change', () => {
    const lab = labWith({ backupTo: 'usb' });
    const { dueAt } = schedule(lab);
    lab.now += 10 * 60_000;
    change(lab, { backupTo: 'attic', keep: 'last:3' });
    expect(schedule(lab).dueAt).toBe(dueAt);
    lab.now = dueAt + 1000;
    change(lab, { cron: '15 4 * * *' });
    expect(schedule(lab).dueAt).toBe(dueAt);
    lab.must('suspend-schedule', { name: 'nightly' });
    change(lab, { cron: '45 4 * * *' });
    expect(schedule(lab).dueAt).toBe(nextRun('45 4 * * *', 'UTC', lab.now));
  });

  test('of backups is not late before it has had the time for two runs', () => {
    const lab = labWith({ backupTo: 'usb', cron: '0 0 * * 0' });
    lab.now += 24 * hourMs;
    change(lab, { cron: '0 * * * *' });
    const fired = () => {
      const { dueAt } = schedule(lab);
      lab.now = dueAt + 1;
      const { stream } = lab.lab.byName('schedule', 'default', 'nightly')!;
      return lab.types('fire-schedule', { schedule: stream, dueAt }, 'policy:schedules');
    };
    expect(fired()).not.toContain('schedule.fell-behind');
    expect([fired(), fired(), fired()].flat()).toContain('schedule.fell-behind');
  });

  test.each<[string, Change, string]>([
    ['to a time that is none', { cron: '61 2 * * *' }, 'INVALID'],
    ['to a time zone that is none', { timeZone: 'Mars/Base' }, 'INVALID'],
    ['from snapshots to backups', { backupTo: 'usb' }, 'INVALID'],
    ['to how long snapshots stay', { keep: 'last:3' }, 'INVALID'],
  ])('is not changed %s', (_, input, code) => {
    const lab = labWith();
    expect(lab.run('change-schedule', { name: 'nightly', ...input }).rejected).toMatchObject({ code });
  });

  test('goes to a target that is there, and is there itself', () => {
    const lab = labWith({ backupTo: 'usb' });
    const refused = (input: CommandInputs['change-schedule']) => lab.run('change-schedule', input).rejected?.code;
    expect(refused({ name: 'nightly', backupTo: 'nowhere' })).toBe('NOT_FOUND');
    expect(refused({ name: 'weekly', cron: '0 0 * * 0' })).toBe('NOT_FOUND');
  });

  test('is not one that a compose file asks for: the next deploy would undo it', () => {
    const lab = TestLab.ready();
    lab.running(
      'name: photos\nservices: { web: { image: nginx, volumes: ["data:/d"] } }\nvolumes: { data: }\nx-floatlab: { snapshot: { schedule: "0 * * * *" } }\n',
    );
    const name = 'photos-data-snapshot';
    expect(lab.run('change-schedule', { name, cron: '0 3 * * *' }).rejected).toMatchObject({
      code: 'FIXED',
      explain: expect.stringContaining('compose file'),
    });
    expect(lab.types('change-schedule', { name, cron: '0 * * * *' })).toEqual([]);
  });
});

test('a new schedule of backups says how long they stay; one of snapshots has no say in that', () => {
  const lab = labWith({ backupTo: 'usb', keep: '14d:1d', testRestoreEveryMs: 30 * 24 * hourMs });
  expect(schedule(lab).spec).toMatchObject({ keep: '14d:1d', testRestoreEveryMs: 30 * 24 * hourMs });
  const plain = { name: 'plain', volume: 'photos', cron: '0 3 * * *', keep: 'last:3' };
  expect(lab.run('create-schedule', plain).rejected?.code).toBe('INVALID');
});
