import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { homeOf } from '#actors/backup-target/known.ts';
import { counts } from '#actors/backup/known.ts';
import { leftOf } from '#actors/placement/capacity.ts';
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

describe('a restore as a test', () => {
  const tested = { files: 1, folders: 1, bytes: 1, digest: '0f'.repeat(32) };
  const proposed = (lab: TestLab, target: StreamId<'backup-target'>) =>
    backupsPolicy.propose(target, lab.lab, nothing, lab.now).filter(({ name }) => name === 'begin-restore-test');

  test('is due when nothing of the volume ever came back, and then after its interval; one at a time', () => {
    const { lab, target } = labWithTarget({ testRestoreEveryMs: 24 * hourMs });
    const first = begun(lab);
    ended(lab, first, 'good');
    expect(proposed(lab, target)).toMatchObject([{ input: { backup: first } }]);
    lab.must('begin-restore-test', { backup: first }, 'policy:backups');
    const second = begun(lab);
    ended(lab, second, 'good');
    expect(proposed(lab, target)).toEqual([]);
    lab.must('report-restore-tested', { ...told(lab, first), ...tested }, node);
    expect(proposed(lab, target)).toEqual([]);
    lab.now = (lab.lab.get(first)?.context.restoreTest?.at ?? 0) + 24 * hourMs;
    expect(proposed(lab, target)).toMatchObject([{ input: { backup: second } }]);
  });

  test('that fails leaves the backup as good as it was, tells whoever asked, and is tried again', () => {
    const { lab, target } = labWithTarget({ testRestoreEveryMs: 24 * hourMs });
    const backup = begun(lab);
    ended(lab, backup, 'good');
    const { name = '' } = lab.lab.get(backup)?.context.metadata ?? {};
    const asked = lab.must('verify-backup', { name, restore: true });
    lab.must('report-restore-test-failed', { ...told(lab, backup), problem }, node);
    const after = lab.lab.get(backup);
    expect(after).toMatchObject({ state: 'verified', context: { scratchPool: null, failedTest: { problem } } });
    expect(after && counts(after as never)).toBe(true);
    const operation = asked.find(({ type }) => type === 'operation.started')?.stream as StreamId<'operation'>;
    expect(lab.lab.get(operation)).toBeUndefined();
    expect(proposed(lab, target)).toEqual([]);
    lab.now = after?.context.failedTest?.retryAt ?? 0;
    expect(proposed(lab, target)).toMatchObject([{ input: { backup } }]);
  });

  test('takes room while it lasts, and nothing removes the backup, or its target, under it', () => {
    const { lab } = labWithTarget();
    const backup = begun(lab);
    ended(lab, backup, 'good');
    const { name = '' } = lab.lab.get(backup)?.context.metadata ?? {};
    const pool = lab.lab.get(node)?.context.facts.pools.find((one) => one.name === 'main');
    const left = () => leftOf(pool ?? { name: '', sizeBytes: 0 }, lab.lab.get(node) as never, lab.lab);
    const before = left();
    lab.must('verify-backup', { name, restore: true });
    expect(left()).toBeLessThan(before);
    expect(lab.run('remove-backup', { name }).rejected?.code).toBe('NOT_NOW');
    expect(lab.run('remove-backup', { name, forget: true }).rejected?.code).toBe('NOT_NOW');
    expect(lab.run('remove-backup-target', { name: 'usb' }).rejected?.code).toBe('NOT_NOW');
    lab.must('report-restore-tested', { ...told(lab, backup), ...tested }, node);
    expect(left()).toBe(before);
    lab.must('remove-backup', { name });
  });

  test('ends with the pool that it was made in', () => {
    const { lab } = labWithTarget();
    lab.join('vega');
    const backup = begun(lab);
    ended(lab, backup, 'good');
    const { name = '' } = lab.lab.get(backup)?.context.metadata ?? {};
    lab.must('verify-backup', { name, restore: true });
    const asks = () => backupsPolicy.propose(backup, lab.lab, nothing, lab.now);
    expect(asks()).toEqual([]);
    lab.must('report-node-down', { node, lastSeenAt: lab.now }, 'policy:liveness');
    expect(asks()).toEqual([]);
    lab.must('remove-node', { name: 'atlas', force: true });
    lab.must('finish-departure', { node }, 'policy:group');
    expect(asks()).toMatchObject([{ name: 'fail-restore-test', input: { problem: { code: 'POOL_MISSING' } } }]);
  });
});

describe('a target in a pool', () => {
  const inPool = { kind: 'pool' as const, node: 'vega', pool: 'main', sizeBytes: 2 ** 30 };
  function withPoolTarget() {
    const { lab } = labWithTarget();
    lab.join('vega');
    lab.must('add-backup-target', { name: 'attic', store: inPool });
    const target = lab.lab.byName('backup-target', 'system', 'attic')?.stream ?? 'backup-target:none';
    const looked = { target, visit: lab.visit(target), repository: '0e'.repeat(16), backups: 0 };
    lab.must('report-backup-target-checked', looked, 'node:vega');
    return { lab, target };
  }

  test('takes the room of its size, and no more than there is', () => {
    const { lab } = withPoolTarget();
    const vega = lab.lab.get('node:vega');
    const [pool] = vega?.context.facts.pools ?? [];
    const left = () => leftOf(pool ?? { name: '', sizeBytes: 0 }, lab.lab.get('node:vega') as never, lab.lab);
    const before = left();
    lab.must('change-backup-target', { name: 'attic', sizeBytes: 2 ** 31 });
    expect(before - left()).toBe(2 ** 30);
    expect(lab.run('change-backup-target', { name: 'attic', sizeBytes: 2 ** 31 + left() + 1 }).rejected?.code).toBe(
      'NO_NODE_FITS',
    );
    expect(lab.run('add-backup-target', { name: 'more', store: { ...inPool, pool: 'none' } }).rejected?.code).toBe(
      'NOT_FOUND',
    );
    expect(lab.run('change-backup-target', { name: 'usb', sizeBytes: 2 ** 31 }).rejected?.code).toBe('INVALID');
  });

  test('takes no backups of volumes beside it, and those of others', () => {
    const { lab } = withPoolTarget();
    lab.must('create-volume', { name: 'beside', spec: { sizeBytes: 2 ** 30 } });
    lab.must('place-volume', { volume: lab.volume('beside'), node: 'node:vega', pool: 'main' }, 'policy:placement');
    const volume = lab.volume('beside');
    lab.must(
      'report-volume-provisioned',
      { volume, visit: lab.visit(volume), dataset: 'beside', path: '/pool/beside' },
      'node:vega',
    );
    expect(lab.run('create-backup', { name: 'beside', to: 'attic' }).rejected?.explain).toContain('lost together');
    const schedule = { name: 's', volume: 'beside', backupTo: 'attic', cron: '0 3 * * *' };
    expect(lab.run('create-schedule', schedule).rejected?.explain).toContain('lost together');
    lab.must('create-backup', { name: 'photos', to: 'attic' });
  });

  test('is worked with by its own node', () => {
    const { lab, target } = withPoolTarget();
    const found = lab.lab.get(target);
    expect(found && homeOf(found as never)).toBe('node:vega');
  });
});

describe('a target that is lent', () => {
  const lent = { tokenHash: 'ab'.repeat(32), quotaBytes: 2 ** 34, appendOnly: true };
  const folder = { kind: 'directory' as const, path: '/srv/lent', node: 'atlas' };

  test('is not used by this lab, and holds no token that a view would show', () => {
    const { lab } = labWithTarget();
    lab.must('add-backup-target', { name: 'attic', store: folder, lent });
    const target = lab.lab.byName('backup-target', 'system', 'attic')?.stream ?? 'backup-target:none';
    lab.must('report-backup-target-checked', { target, visit: lab.visit(target), backups: 0 }, node);
    expect(lab.run('create-backup', { name: 'photos', to: 'attic' }).rejected?.explain).toContain('lent');
    const schedule = { name: 's', volume: 'photos', backupTo: 'attic', cron: '0 3 * * *' };
    expect(lab.run('create-schedule', schedule).rejected?.code).toBe('UNSUPPORTED');
    expect(lab.run('prune-backup-target', { name: 'attic' }).rejected?.code).toBe('UNSUPPORTED');
    lab.now += 100 * 24 * hourMs;
    expect(backupsPolicy.propose(target, lab.lab, nothing, lab.now)).toEqual([]);
    expect(lab.run('change-backup-target', { name: 'usb', lent: { quotaBytes: 2 ** 30 } }).rejected?.code).toBe(
      'INVALID',
    );
    lab.must('change-backup-target', { name: 'attic', lent: { appendOnly: false } });
    expect(lab.lab.get(target)?.context.spec.lent).toEqual({ ...lent, appendOnly: false });
  });

  test('is never a bucket, nor a place that was lent itself', () => {
    const lab = TestLab.ready();
    const store = { kind: 's3' as const, endpoint: 'https://s3.example.net', bucket: 'home' };
    const secrets = { accessKeyId: 'a', secretAccessKey: 'b' };
    expect(lab.run('add-backup-target', { name: 'a', store, secrets, lent }).rejected?.code).toBe('INVALID');
  });
});

describe('a target in another lab', () => {
  const store = {
    ...{ kind: 'lab' as const, endpoint: 'https://attic.example:7400', fingerprint: 'cd'.repeat(32), vault: 'attic' },
    appendOnly: true,
  };

  test('needs a token, which stays out of the log', () => {
    const lab = TestLab.ready();
    expect(lab.run('add-backup-target', { name: 'out', store }).rejected?.explain).toContain('token');
    lab.must('add-backup-target', { name: 'out', store, secrets: { token: 'hush-hush' } });
    expect(JSON.stringify(lab.entries)).not.toContain('hush');
  });

  test('that is append-only keeps everything: nothing is thinned out, pruned or removed from here', () => {
    const { lab } = labWithTarget();
    const secrets = { token: 'hush-hush' };
    expect(lab.run('add-backup-target', { name: 'out', store, secrets, keep: 'last:1' }).rejected?.code).toBe(
      'INVALID',
    );
    lab.must('add-backup-target', { name: 'out', store, secrets });
    const target = lab.lab.byName('backup-target', 'system', 'out')?.stream ?? 'backup-target:none';
    const looked = { target, visit: lab.visit(target), repository: '0d'.repeat(16), backups: 0 };
    lab.must('report-backup-target-checked', looked, node);
    lab.must('create-backup', { name: 'photos', to: 'out' });
    const backup = lab.lab.referrers(target, 'backup')[0]?.stream ?? 'backup:none';
    const snapshot = lab.lab.get(backup)?.context.snapshot ?? 'snapshot:none';
    const taken = { snapshot, visit: lab.visit(snapshot), guid: 'g', takenAt: lab.now };
    lab.must('report-snapshot-taken', taken, node);
    lab.must('begin-backup', { backup }, 'policy:backups');
    ended(lab, backup, 'good');
    lab.now += 100 * 24 * hourMs;
    expect(backupsPolicy.propose(target, lab.lab, nothing, lab.now)).toEqual([]);
    const { name = '' } = lab.lab.get(backup)?.context.metadata ?? {};
    expect(lab.run('remove-backup', { name }).rejected?.code).toBe('UNSUPPORTED');
    lab.must('remove-backup', { name, forget: true });
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
