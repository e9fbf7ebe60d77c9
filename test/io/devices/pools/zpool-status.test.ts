/** `zpool status` as real pools and all versions write it. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { deviceAt, devicesOf, disksOf } from '#io/devices/pools/report.ts';
import type { PoolReport } from '#io/devices/pools/report.ts';
import { parseZpoolStatus } from '#io/devices/pools/zfs/status.ts';
import { writeZpoolStatus, zpoolStatuses } from './zpool-writer.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/pools/${name}.txt`, import.meta.url), 'utf8');
const only = (text: string): PoolReport => {
  const [report, ...others] = parseZpoolStatus(text);
  if (!report || others.length > 0) throw new Error('expected one pool');
  return report;
};
const captured = (name: string): readonly PoolReport[] => fixture(name).split('\n----\n').map(only);
const shape = (report: PoolReport) => [...devicesOf(report.root)].map(({ name, role }) => `${role} ${name}`);

describe('the status of a zfs pool', () => {
  test('whatever a tool of any generation writes is read back as it was', () => {
    fc.assert(
      fc.property(zpoolStatuses, ({ words, reports }) => {
        expect(parseZpoolStatus(writeZpoolStatus(reports, words))).toEqual(reports);
      }),
      { numRuns: 250 },
    );
  });

  test('a clean scrub says how long it took and when it ended', () => {
    expect(only(fixture('zpool-scrub-clean')).scans).toEqual([
      {
        kind: 'scrub',
        state: 'finished',
        repairedBytes: 0,
        durationMs: 332_000,
        errors: 0,
        endedAt: Date.UTC(2026, 8, 1, 3, 5, 34),
      },
    ]);
  });

  test('a running scrub says how far it is and how long it still takes', () => {
    const report = only(fixture('zpool-scrub-running'));
    expect(report.scans[0]).toMatchObject({
      kind: 'scrub',
      state: 'running',
      startedAt: Date.UTC(2026, 5, 7, 12, 43, 45),
      repairedBytes: 0,
      progress: { done: 0.2387, totalBytes: Math.round(12.8 * 2 ** 40), leftMs: 48_534_000 },
    });
    expect(report.root.members[0]).toMatchObject({ name: 'sda', note: '(repairing)' });
  });

  test('a paused scrub and a canceled one are told apart', () => {
    expect(only(fixture('zpool-scrub-paused')).scans[0]).toMatchObject({
      state: 'paused',
      startedAt: Date.UTC(2026, 5, 7, 12, 43, 45),
      endedAt: Date.UTC(2026, 5, 7, 17, 0, 20),
      progress: { done: 0.2387 },
    });
    expect(only(fixture('zpool-scrub-canceled')).scans[0]).toMatchObject({ state: 'canceled' });
  });

  test('a disk that is being replaced stands beside its successor', () => {
    const report = only(fixture('zpool-replacing'));
    expect(shape(report)).toEqual([
      'data vz',
      'data mirror-0',
      'data replacing-0',
      'data old-disk',
      'data sdh',
      'data sdg',
    ]);
    expect(report.scans[0]).toMatchObject({ kind: 'resilver', state: 'running', progress: { leftMs: 91_478_000 } });
    expect(deviceAt(report, '/dev/sdg')).toMatchObject({
      state: 'degraded',
      errors: { reads: 0, writes: 0, checksums: Math.round(1.88 * 1024) },
      note: 'too many errors',
    });
  });

  test('the words of version 0.6 are understood', () => {
    expect(only(fixture('zpool-resilver-old-words')).scans[0]).toMatchObject({
      kind: 'resilver',
      state: 'running',
      repairedBytes: Math.round(9.29 * 2 ** 40),
      progress: { done: 0.4704, totalBytes: 235 * 2 ** 40, leftMs: (110 * 60 + 18) * 60_000 },
    });
  });

  test('a scrub and the rebuild of a spare are two scans, and the spare is not counted twice', () => {
    const report = only(fixture('zpool-spare-in-use'));
    expect(report.scans.map(({ kind, of }) => [kind, of])).toEqual([
      ['scrub', undefined],
      ['resilver', 'draid1:2d:10c:5s-0'],
    ]);
    expect(report.root.members.at(-1)).toEqual({
      name: 'draid1-0-3',
      role: 'spare',
      state: 'in-use',
      note: 'currently in use',
      members: [],
    });
    expect(deviceAt(report, '/dev/sdb')).toMatchObject({ state: 'faulted', errors: { reads: 12, writes: 3 } });
  });

  test('a disk that is gone is found by the path that it had', () => {
    const report = only(fixture('zpool-unavailable'));
    expect(report).toMatchObject({ state: 'unavailable', scans: [], see: expect.stringContaining('ZFS-8000-3C') });
    expect(deviceAt(report, '/dev/sdc1')).toMatchObject({ name: '13567233188994713433', state: 'unavailable' });
    expect(report.root.note).toBe('insufficient replicas');
  });

  test('a suspended pool is not online, although it cannot list its errors', () => {
    const report = only(fixture('zpool-suspended'));
    expect(report).toMatchObject({ state: 'suspended', scans: [], dataErrors: { count: 5, files: [] } });
    expect(report.root.state).toBe('degraded');
  });

  test('files that are lost are named, with their blanks', () => {
    expect(only(fixture('zpool-data-errors')).dataErrors).toEqual({
      count: 5,
      files: [
        '/tank/app/data with spaces.db',
        'tank/app@auto-2026:/f',
        'tank/app:<0x2a>',
        '<metadata>:<0x0>',
        '<0x1f3>:<0x7>',
      ],
    });
  });

  test('what stands apart from the data keeps its role, and sentences are one line', () => {
    const report = only(fixture('zpool-upgrade-and-sections'));
    expect(shape(report)).toEqual([
      'data tank',
      'data sda',
      'special mirror-1',
      'special nvme0',
      'special nvme1',
      'log nvme2',
      'cache nvme3',
    ]);
    expect(report.status).toBe(
      'Some supported and requested features are not enabled on the pool. The pool can still be used, but some features are unavailable.',
    );
    expect(report.remarks).toEqual({ checkpoint: 'created Tue Sep  1 04:00:00 2026, consumes 1.20M' });
  });

  test('everything that OpenZFS 2.1 said is read', () => {
    const reports = captured('zpool-2.1-captured');
    expect(reports).toHaveLength(13);
    expect(reports.filter(({ state }) => state === 'degraded')).toHaveLength(3);
    expect(
      reports.flatMap((report) => disksOf(report)).filter(({ errors }) => (errors?.checksums ?? 0) > 0),
    ).toHaveLength(6);
    expect(reports.find(({ name }) => name === 'solo')?.dataErrors).toEqual({
      count: 5,
      files: ['solo:<0x0>', 'solo:<0x1>', 'solo:<0x24>', 'solo/x:<0x1>', 'solo/x:<0x24>'],
    });
  });

  test('everything that zfs-fuse said is read', () => {
    const reports = captured('zpool-fuse-captured');
    expect(reports).toHaveLength(14);
    expect(reports[0]?.scans).toEqual([
      { kind: 'scrub', state: 'finished', durationMs: 0, errors: 0, endedAt: Date.UTC(2026, 10, 20, 20, 17, 21) },
    ]);
    expect(reports.filter(({ scans }) => scans.some(({ kind }) => kind === 'resilver'))).not.toHaveLength(0);
    expect(reports.find(({ dataErrors }) => dataErrors.count === 1)?.root.errors?.checksums).toBe(66);
    const missing = reports.find((report) => deviceAt(report, '/srv/disks/d/v1')?.note);
    expect(missing && deviceAt(missing, '/srv/disks/d/v1')).toMatchObject({ state: 'unavailable' });
  });

  test('a machine without pools has none', () => {
    expect(parseZpoolStatus('no pools available\n')).toEqual([]);
  });

  test('many pools are read in order', () => {
    const text = [fixture('zpool-scrub-clean'), fixture('zpool-replacing'), fixture('zpool-suspended')].join('\n');
    expect(parseZpoolStatus(text).map(({ name }) => name)).toEqual(['tank', 'vz', 'datapool']);
  });
});

describe('an answer that is damaged', () => {
  const isDamaged = (text: string) => {
    try {
      parseZpoolStatus(text);
      return false;
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      return error.code === 'DAMAGED';
    }
  };
  const clean = fixture('zpool-scrub-clean');

  test.each([
    ['nothing', ''],
    ['another language', 'Fehler: unbekannt\n'],
    ['a pool of no known state', clean.replace('state: ONLINE', 'state: SPLENDID')],
    ['a device of no known state', clean.replace('sdb     ONLINE', 'sdb     SPLENDID')],
    ['a device without counters', clean.replace('sdb     ONLINE       0     0     0', 'sdb     ONLINE')],
    ['a scan of no known kind', clean.replace('scrub repaired', 'polished')],
    ['a date that is none', clean.replace('Sep  1', 'Sep 31')],
    ['an end that is missing', clean.slice(0, clean.indexOf('errors:'))],
    ['no devices', clean.replace(/\n\tNAME[^]*\n\n/, '\n')],
    ['the devices of another pool', clean.replace('\ttank ', '\tbank ')],
    ['a level that is skipped', clean.replace('\t    sda', '\t        sda')],
    ['two states', clean.replace(' state: ONLINE', ' state: ONLINE\n state: DEGRADED')],
    ['the same pool twice', `${clean}\n${clean}`],
    ['errors that nobody knows', clean.replace('No known data errors', 'Some')],
  ])('is refused: %s', (_, text) => {
    expect(isDamaged(text)).toBe(true);
  });

  test('is refused wherever it was cut', () => {
    const text = fixture('zpool-spare-in-use');
    const end = text.indexOf('errors: No known data errors') + 'errors: No known data errors'.length;
    for (let length = 1; length < end; length++) expect(isDamaged(text.slice(0, length)), `at ${length}`).toBe(true);
  });

  test('never counts as well when a line of its devices was lost or changed', () => {
    const lines = fixture('zpool-replacing').split('\n');
    fc.assert(
      fc.property(fc.nat({ max: lines.length - 1 }), fc.string(), (index, junk) => {
        const text = lines.with(index, junk).join('\n');
        if (isDamaged(text)) return;
        const [report] = parseZpoolStatus(text);
        expect([report?.state, report?.root.state]).toContain('degraded');
      }),
      { numRuns: 300 },
    );
  });
});
