/** Backups in words: what counts, what belongs together, how far behind a place is. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BackupRow } from '#projections/views/backups.ts';
import {
  backupStateWords,
  backupTone,
  behindSince,
  freeNameFor,
  isRestorable,
  newestGood,
  newestOfEach,
  roomOf,
  setsOf,
  targetTone,
} from '#ui/web/format/backup-words.ts';
import { isName } from '#events/values/name.ts';

const backup = (more: Partial<BackupRow> = {}): BackupRow => ({
  ...{ id: 'backup:b1', namespace: 'default', name: 'photos-db-1', state: 'verified', since: 0 },
  ...{ target: { id: 'backup-target:usb', name: 'usb' }, object: 'b1', volumeName: 'photos-db' },
  ...{ volume: { id: 'volume:v1', name: 'photos-db' }, app: null, set: null, lab: null, reason: 'manual' },
  ...{ requestedAt: 1000, takenAt: 1000, sizeBytes: 100, addedBytes: 10, verifiedAt: 2000, isGood: true },
  ...{ node: null, failures: 0, retryAt: null, problem: null, restoreTest: null, failedTest: null },
  ...more,
});
const ofApp = (volume: string, more: Partial<BackupRow> = {}): BackupRow =>
  backup({
    ...{
      id: `backup:${volume}`,
      name: `${volume}-1`,
      volumeName: volume,
      volume: { id: `volume:${volume}`, name: volume },
    },
    ...{ app: { name: 'photos', key: volume }, set: { id: 's1', size: 2 } },
    ...more,
  });

describe('a backup', () => {
  it('counts once it was read back, and goes on counting while it is looked at again', () => {
    expect([backupTone(backup()), backupStateWords(backup())]).toEqual(['running', 'good']);
    const again = backup({ state: 'verifying' });
    expect([backupTone(again), backupStateWords(again)]).toEqual(['running', 'good, read back again']);
    const first = backup({ state: 'verifying', isGood: false });
    expect([backupTone(first), backupStateWords(first)]).toEqual(['changing', 'being read back']);
  });

  it('that failed is worth a look while it tries again, and failed when it does not', () => {
    expect(backupTone(backup({ state: 'failed', isGood: false, retryAt: 5 }))).toBe('attention');
    expect(backupTone(backup({ state: 'failed', isGood: false }))).toBe('failed');
    expect(backupTone(backup({ state: 'damaged', isGood: false }))).toBe('failed');
  });

  it('can be restored when it was written, read back or not, and never when it is damaged', () => {
    const states = [
      'waiting',
      'writing',
      'verifying',
      'verified',
      'unverified',
      'testing',
      'damaged',
      'failed',
      'removing',
    ];
    expect(states.filter((state) => isRestorable({ state }))).toEqual([
      'verifying',
      'verified',
      'unverified',
      'testing',
    ]);
  });

  it('the newest that is good is what a restore takes, whatever came after it', () => {
    const rows = [backup({ name: 'old', takenAt: 1 }), backup({ name: 'good', takenAt: 2 })];
    expect(newestGood([...rows, backup({ name: 'bad', takenAt: 3, isGood: false, state: 'damaged' })])?.name).toBe(
      'good',
    );
    expect(newestGood([])).toBeUndefined();
  });
});

describe('a set', () => {
  it('is good when all of it is there and was read back', () => {
    const [set] = setsOf([ofApp('db'), ofApp('web', { takenAt: 900 })]);
    expect(set).toMatchObject({ app: 'photos', isGood: true, takenAt: 900, size: 2, words: 'good' });
    expect(set?.backups.map(({ volumeName }) => volumeName)).toEqual(['db', 'web']);
  });

  it('is as bad as the worst of it', () => {
    const [set] = setsOf([ofApp('db'), ofApp('web', { state: 'damaged', isGood: false })]);
    expect(set).toMatchObject({ isGood: false, tone: 'failed', words: 'damaged' });
  });

  it('of which something is gone is no whole one', () => {
    expect(setsOf([ofApp('db')])).toMatchObject([{ isGood: false, tone: 'attention', words: '1 of 2 volumes' }]);
  });

  it('of an app with one volume is that backup; what is of no app is in none', () => {
    expect(setsOf([ofApp('db', { set: null }), backup()])).toMatchObject([{ size: 1, isGood: true }]);
  });

  it('of another lab, or in another target, is another one', () => {
    const rows = [
      ofApp('db', { lab: 'home/1' }),
      ofApp('db', { target: { id: 'backup-target:x', name: 'x' } }),
      ofApp('db'),
    ];
    expect(setsOf(rows)).toHaveLength(3);
  });
});

const present = (...names: readonly string[]) => new Map(names.map((name) => [`volume:${name}`, { discarded: null }]));

describe('a place', () => {
  it('is as far behind as the volume that is worst off there', () => {
    const rows = [ofApp('db', { takenAt: 10 }), ofApp('db', { takenAt: 30 }), ofApp('web', { takenAt: 20 })];
    expect(behindSince(rows, present('db', 'web'))).toBe(20);
    expect(behindSince(rows, present('db'))).toBe(30);
    expect(behindSince(rows, new Map())).toBeUndefined();
    expect(behindSince([...rows, ofApp('new', { isGood: false })], present('db', 'new'))).toBeNull();
    expect(behindSince([backup({ volume: null, lab: 'other/1' })], present('v1'))).toBeUndefined();
  });

  it('is never behind less than any of its volumes, whatever was backed up in which order', () => {
    const row = fc.record({ volume: fc.constantFrom('a', 'b', 'c'), takenAt: fc.nat(1000), isGood: fc.boolean() });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1 }), (made) => {
        const rows = made.map(({ volume, ...more }) => ofApp(volume, more));
        const of = (volume: string) => rows.filter(({ volumeName }) => volumeName === volume);
        const newest = [...new Set(made.map(({ volume }) => volume))].map(
          (volume) => newestGood(of(volume))?.takenAt ?? null,
        );
        const worst = newest.includes(null) ? null : Math.min(...newest.map((at) => at ?? 0));
        expect(behindSince(rows, present('a', 'b', 'c'))).toBe(worst);
      }),
    );
  });

  it('needs somebody when it cannot be used, or could not be pruned', () => {
    const problem = { code: 'POOL_MISSING', message: 'there is no folder /mnt/usb' };
    expect(targetTone({ state: 'ready', problem: null })).toBe('running');
    expect(targetTone({ state: 'ready', problem })).toBe('attention');
    expect(targetTone({ state: 'unreachable', problem })).toBe('failed');
  });

  it('holds what is in its backups, in less room', () => {
    expect(roomOf([backup(), backup({ sizeBytes: null, addedBytes: null })])).toEqual({
      contentBytes: 100,
      storedBytes: 10,
    });
  });

  it('is read back by the newest of each volume', () => {
    const rows = [
      ofApp('db', { name: 'a', takenAt: 1 }),
      ofApp('db', { name: 'b', takenAt: 2 }),
      ofApp('web', { name: 'c' }),
    ];
    expect(newestOfEach(rows).map(({ name }) => name)).toEqual(['b', 'c']);
  });
});

it('a volume that comes back beside another one gets a name that is free, and allowed', () => {
  expect(freeNameFor('photos-db', [])).toBe('photos-db');
  expect(freeNameFor('photos-db', ['photos-db'])).toBe('photos-db-restored');
  expect(freeNameFor('photos-db', ['photos-db', 'photos-db-restored'])).toBe('photos-db-restored-2');
  const long = 'v'.repeat(63);
  expect(isName(freeNameFor(long, [long]))).toBe(true);
});
