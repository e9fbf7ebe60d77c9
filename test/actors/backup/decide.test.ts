import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { counts } from '#actors/backup/known.ts';
import { backupsPolicy } from '#actors/policies/backups.ts';
import type { Observations } from '#actors/observations.ts';
import type { StreamId } from '#events/envelope.ts';
import { TestLab } from '../test-lab.ts';

const node = 'node:atlas';
const nothing = {} as Observations;
const hourMs = 3_600_000;

function labWithTarget(more: object = {}): { lab: TestLab; target: StreamId<'backup-target'> } {
  const lab = TestLab.ready();
  lab.must('create-volume', { name: 'photos', spec: { sizeBytes: 2 ** 30 } });
  lab.must('place-volume', { volume: lab.volume('photos'), node, pool: 'main' }, 'policy:placement');
  lab.provision();
  lab.must('add-backup-target', { name: 'usb', store: { kind: 'directory', path: '/mnt/usb' }, ...more });
  const target = lab.lab.byName('backup-target', 'system', 'usb')?.stream ?? 'backup-target:none';
  const looked = { target, visit: lab.visit(target), repository: '0f'.repeat(16), backups: 0 };
  lab.must('report-backup-target-checked', looked, node);
  return { lab, target };
}

/** Up to where it is being written. */
function begun(lab: TestLab): StreamId<'backup'> {
  lab.must('create-schedule', { name: `s${lab.index}`, volume: 'photos', backupTo: 'usb', cron: '0 * * * *' });
  const schedule = lab.lab.list('schedule')[0];
  lab.now = (schedule?.context.dueAt ?? 0) + 1;
  const fired = lab.must(
    'fire-schedule',
    { schedule: schedule?.stream ?? 'schedule:none', dueAt: schedule?.context.dueAt ?? 0 },
    'policy:schedules',
  );
  lab.must('remove-schedule', { name: schedule?.context.metadata.name ?? '' });
  const backup = fired.find(({ type }) => type === 'backup.requested')?.stream as StreamId<'backup'>;
  const snapshot = lab.lab.get(backup)?.context.snapshot ?? 'snapshot:none';
  const taken = { snapshot, visit: lab.visit(snapshot), guid: `g-${lab.index}`, takenAt: lab.now };
  lab.must('report-snapshot-taken', taken, node);
  lab.must('begin-backup', { backup }, 'policy:backups');
  return backup;
}

const told = (lab: TestLab, backup: StreamId<'backup'>) => ({ backup, visit: lab.visit(backup) });
const problem = { code: 'FAILED', message: 'It did not work.' };

function ended(lab: TestLab, backup: StreamId<'backup'>, how: 'good' | 'damaged' | 'failed'): void {
  if (how === 'failed') {
    lab.must('fail-backup', { backup, problem }, 'policy:backups');
    return;
  }
  lab.must('report-backup-written', { ...told(lab, backup), sizeBytes: 1, addedBytes: 1, takenAt: lab.now }, node);
  if (how === 'good') lab.must('report-backup-verified', { ...told(lab, backup), readBytes: 1 }, node);
  else lab.must('report-backup-damaged', { ...told(lab, backup), problem }, node);
}

describe('retention of backups', () => {
  test('never takes the newest that can be restored, whatever became of the others', () => {
    const ends = fc.array(fc.constantFrom('good', 'damaged', 'failed'), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(ends, fc.integer({ min: 1, max: 3 }), (how, last) => {
        const { lab, target } = labWithTarget({ keep: `last:${last}` });
        for (const end of how) ended(lab, begun(lab), end);
        const good = lab.lab.list('backup').filter((backup) => counts(backup));
        const newest = good.toSorted((a, b) => (b.context.takenAt ?? 0) - (a.context.takenAt ?? 0))[0];
        const proposed = backupsPolicy.propose(target, lab.lab, nothing, lab.now);
        const gone = proposed.flatMap((one) => (one.name === 'expire-backups' ? one.input.backups : []));
        expect(gone.map(({ backup }) => backup)).not.toContain(newest?.stream);
        expect(good.length - gone.filter(({ backup }) => good.some(({ stream }) => stream === backup)).length).toBe(
          Math.min(last, good.length),
        );
      }),
      { numRuns: 30 },
    );
  });
});

describe('a backup', () => {
  test('does not count before it was read back, and no longer once it was found damaged', () => {
    const { lab } = labWithTarget();
    const backup = begun(lab);
    lab.must('report-backup-written', { ...told(lab, backup), sizeBytes: 1, addedBytes: 1, takenAt: lab.now }, node);
    const state = () => lab.lab.get(backup);
    expect(state() && counts(state() as never)).toBe(false);
    lab.must('report-backup-verified', { ...told(lab, backup), readBytes: 1 }, node);
    expect(state() && counts(state() as never)).toBe(true);
    lab.must('reverify-backup', { backup }, 'policy:backups');
    // It could not be read this time: that says nothing against it.
    lab.must('report-backup-verify-failed', { ...told(lab, backup), problem }, node);
    expect(state() && counts(state() as never)).toBe(true);
    lab.must('reverify-backup', { backup }, 'policy:backups');
    lab.must('report-backup-damaged', { ...told(lab, backup), problem }, node);
    expect(state() && counts(state() as never)).toBe(false);
  });

  test('is tried again later after each failure, and at once no more when a person has to look', () => {
    const { lab } = labWithTarget();
    const backup = begun(lab);
    const waits: number[] = [];
    for (let n = 0; n < 8; n++) {
      lab.must('report-backup-failed', { ...told(lab, backup), problem }, node);
      waits.push((lab.lab.get(backup)?.context.retryAt ?? 0) - lab.now);
      lab.now = lab.lab.get(backup)?.context.retryAt ?? 0;
      lab.must('begin-backup', { backup }, 'policy:backups');
    }
    expect(waits[0]).toBeGreaterThanOrEqual(30_000);
    expect(Math.max(...waits)).toBeLessThanOrEqual(hourMs);
    expect(waits.at(-1)).toBeGreaterThan(waits[0] ?? 0);
    const refused = { code: 'PERMISSION', message: 'The store does not let us.' };
    lab.must('report-backup-failed', { ...told(lab, backup), problem: refused }, node);
    expect(lab.lab.get(backup)?.context).toMatchObject({ retryAt: null, snapshot: null });
  });

  test('says an older outcome of nothing', () => {
    const { lab } = labWithTarget();
    const backup = begun(lab);
    const old = told(lab, backup);
    lab.must('report-backup-failed', { ...old, problem }, node);
    expect(lab.run('report-backup-failed', { ...old, problem }, node).rejected?.code).toBe('STALE');
  });
});

describe('a target', () => {
  test('keeps its keys out of the log', () => {
    const lab = TestLab.ready();
    const secrets = { accessKeyId: 'AKIA-VISIBLE', secretAccessKey: 'hush-hush' };
    const store = { kind: 's3' as const, endpoint: 'https://s3.example.net', bucket: 'home' };
    lab.must('add-backup-target', { name: 'offsite', store, secrets });
    expect(JSON.stringify(lab.entries)).not.toMatch(/VISIBLE|hush/);
    expect(lab.blobs.map((bytes) => new TextDecoder().decode(bytes)).join('')).toContain('hush-hush');
  });

  test('of another lab takes no backups, and one that a schedule uses is not forgotten', () => {
    const { lab } = labWithTarget();
    lab.must('create-schedule', { name: 'nightly', volume: 'photos', backupTo: 'usb', cron: '0 3 * * *' });
    expect(lab.run('remove-backup-target', { name: 'usb' }).rejected?.explain).toContain('nightly');
    const key = 'ab'.repeat(32);
    lab.must('add-backup-target', { name: 'old', store: { kind: 'directory', path: '/mnt/old' }, secrets: { key } });
    expect(lab.run('create-backup', { name: 'photos', to: 'old' }).rejected?.code).toBe('UNSUPPORTED');
    expect(
      lab.run('add-backup-target', { name: 'twin', store: { kind: 'directory', path: '/mnt/usb' } }).rejected?.code,
    ).toBe('NAME_TAKEN');
  });
});
