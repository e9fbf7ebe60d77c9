/** What btrfs says about its devices, as it really said it. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import {
  parseDeviceStats,
  parseDeviceUsage,
  parseFilesystemShow,
  parseProfileList,
  parseReplaceStatus,
  parseScrubStatus,
} from '#io/devices/pools/btrfs/parse.ts';
import type { BtrfsAnswers } from '#io/devices/pools/btrfs/report.ts';
import { btrfsReport } from '#io/devices/pools/btrfs/report.ts';
import { deviceAt, disksOf } from '#io/devices/pools/report.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/pools/btrfs-${name}`, import.meta.url), 'utf8');
const answers = (of: 'fresh' | 'repaired' | 'missing' | 'replaced', stats: 'txt' | 'json' = 'json'): BtrfsAnswers => ({
  show: fixture(`${of}-show.txt`),
  usage: fixture(`${of}-usage.txt`),
  devices: fixture(`${of}-devices.txt`),
  stats: fixture(`${of}-stats.${stats}`),
  scrub: fixture(`${of}-scrub.txt`),
  replace: 'Never started\n',
});
const report = (of: Parameters<typeof answers>[0], more: Partial<BtrfsAnswers> = {}) =>
  btrfsReport('tank', { ...answers(of), ...more });

describe('the report of a btrfs pool', () => {
  test('of a new mirror has two disks, no errors and no scrub', () => {
    expect(report('fresh')).toEqual({
      name: 'tank',
      driver: 'btrfs',
      state: 'online',
      layout: 'mirror',
      remarks: {},
      scans: [],
      root: {
        name: 'tank',
        role: 'data',
        state: 'online',
        errors: { reads: 0, writes: 0, checksums: 0 },
        members: ['/dev/loop1', '/dev/loop2'].map((name) => ({
          name,
          role: 'data',
          state: 'online',
          errors: { reads: 0, writes: 0, checksums: 0 },
          sizeBytes: 314_572_800,
          unallocatedBytes: 71_303_168,
          members: [],
        })),
      },
      dataErrors: { count: 0, files: [] },
      sizeBytes: 314_572_800,
      usedBytes: 125_829_120,
      mixedRedundancy: false,
    });
  });

  test('is the same from both forms of the counters', () => {
    for (const of of ['fresh', 'repaired', 'missing', 'replaced'] as const) {
      const asText = report(of, { stats: fixture(`${of}-stats.txt`) });
      expect(disksOf(asText).map(({ errors }) => errors)).toEqual(disksOf(report(of)).map(({ errors }) => errors));
    }
  });

  test('says which disk a scrub has repaired, and that nothing was lost', () => {
    const repaired = report('repaired');
    expect(deviceAt(repaired, '/dev/loop2')?.errors).toEqual({ reads: 0, writes: 0, checksums: 6400 });
    expect(repaired.dataErrors.count).toBe(0);
    expect(repaired.scans).toEqual([
      {
        kind: 'scrub',
        state: 'finished',
        startedAt: Date.UTC(2026, 10, 22, 4, 13, 31),
        durationMs: 0,
        endedAt: Date.UTC(2026, 10, 22, 4, 13, 31),
        errors: 0,
      },
    ]);
  });

  test('is degraded while a disk is missing, which goes by its number', () => {
    const missing = report('missing');
    expect(missing.state).toBe('degraded');
    expect(missing.root.members[1]).toMatchObject({ name: '2', state: 'unavailable', note: 'cannot open' });
  });

  test('is degraded too where btrfs only hints at the missing disk', () => {
    const show = fixture('missing-show.txt').replace(/\n\tdevid {4}2.*\n/, '\n\t*** Some devices missing\n');
    expect(show).not.toContain('MISSING');
    const missing = report('missing', { show });
    expect(missing.state).toBe('degraded');
    expect(missing.root.members[1]).toMatchObject({ name: 'missing', state: 'unavailable' });
  });

  test('says that copies are uneven after a disk was missing', () => {
    expect(report('replaced')).toMatchObject({ state: 'online', mixedRedundancy: true });
    expect(parseProfileList(fixture('replaced-usage.txt'))).toEqual({ data: ['raid1'], metadata: ['single', 'raid1'] });
  });

  test('tells a scrub that was paused from one that was canceled only by what was noted', () => {
    const scrub = fixture('scrub-aborted.txt');
    expect(report('fresh', { scrub, isPaused: true }).scans[0]).toMatchObject({ state: 'paused' });
    expect(report('fresh', { scrub }).scans[0]).toMatchObject({
      state: 'canceled',
      progress: { done: expect.any(Number) },
    });
  });

  test('shows a disk that is being filled', () => {
    const replace = '42.5% done, 0 write errs, 0 uncorr. read errs\n';
    expect(report('fresh', { replace }).scans).toEqual([
      { kind: 'resilver', state: 'running', errors: 0, progress: { done: 0.425 } },
    ]);
  });

  test.each(['show', 'usage', 'devices', 'stats', 'scrub', 'replace'] as const)(
    'is refused when %s is garbage',
    (part) => {
      for (const garbage of ['', 'ERROR: not a btrfs filesystem', '{"device-stats": [{"device": 1}]}', '\0\0']) {
        if (garbage === '' && (part === 'stats' || part === 'devices')) continue;
        expect(() => report('fresh', { [part]: garbage }), garbage).toThrow(IoError);
      }
    },
  );
});

describe('a scrub of btrfs', () => {
  test('that has only just begun runs, although there are no figures yet', () => {
    expect(parseScrubStatus(fixture('scrub-just-begun.txt'))).toMatchObject({
      state: 'running',
      totalBytes: 168_263_680,
      leftMs: 0,
    });
  });

  test('that never was is no scrub', () => {
    expect(parseScrubStatus(fixture('fresh-scrub.txt'))).toMatchObject({ state: 'never' });
  });

  test('that was resumed and ended is finished', () => {
    expect(parseScrubStatus(fixture('scrub-resumed.txt'))).toMatchObject({ state: 'finished', uncorrectable: 0 });
  });

  test('is read from either of its two forms', () => {
    const both = fixture('repaired-scrub.txt');
    const [raw = '', counted = ''] = both.split(/(?<=\n)(?=UUID)/);
    for (const form of [raw, counted, both])
      expect(parseScrubStatus(form)).toMatchObject({ state: 'finished', corrected: 6400 });
  });

  test('that could not repair everything counts what is lost', () => {
    const text = fixture('repaired-scrub.txt').replaceAll('uncorrectable_errors: 0', 'uncorrectable_errors: 20');
    expect(parseScrubStatus(text)?.uncorrectable).toBe(20);
    expect(parseScrubStatus(text.replaceAll('finished', 'polished'))).toBeUndefined();
  });

  test('that runs says how far it is', () => {
    const text =
      'UUID:             d2a61acf-8ce7-45fc-beb4-402354bbbd7b\nScrub started:    Sun Nov 22 04:01:07 2026\nStatus:           running\n' +
      'Duration:         0:01:40\nTime left:        1:02:03\nETA:              Sun Nov 22 05:04:50 2026\nTotal to scrub:   1000\n' +
      'Bytes scrubbed:   250  (25.00%)\nRate:             2/s\nError summary:    csum=3\n  Corrected:      2\n  Uncorrectable:  1\n  Unverified:     0\n';
    expect(parseScrubStatus(text)).toEqual({
      state: 'running',
      startedAt: Date.UTC(2026, 10, 22, 4, 1, 7),
      durationMs: 100_000,
      doneBytes: 250,
      totalBytes: 1000,
      leftMs: 3_723_000,
      corrected: 2,
      uncorrectable: 1,
    });
  });
});

describe('lists of btrfs', () => {
  test('of file systems name each with its disks', () => {
    const two = fixture('fresh-show.txt') + fixture('missing-show.txt').replace("'tank'", 'none');
    expect(parseFilesystemShow(two)).toMatchObject([
      {
        label: 'tank',
        deviceCount: 2,
        devices: [
          { id: 1, path: '/dev/loop1' },
          { id: 2, path: '/dev/loop2' },
        ],
      },
      { label: undefined, devices: [{ path: '/dev/loop1' }, { path: undefined }] },
    ]);
  });

  test('with a line that nobody knows are refused', () => {
    expect(parseFilesystemShow(fixture('fresh-show.txt').replace('devid    2', 'device 2'))).toBeUndefined();
    expect(parseDeviceStats(fixture('fresh-stats.txt').replace('flush', 'flash'))).toBeUndefined();
    expect(parseDeviceUsage(fixture('fresh-devices.txt').replace('ID: 2', 'Id 2'))).toBeUndefined();
  });

  test.each([
    ['Never started', { state: 'never', errors: 0 }],
    ['12.3% done, 0 write errs, 1 uncorr. read errs', { state: 'running', done: 0.123, errors: 1 }],
    [
      'Started on 22.Nov 04:01:43, finished on 22.Nov 04:01:43, 0 write errs, 2 uncorr. read errs',
      { state: 'finished', done: 1, errors: 2 },
    ],
    [
      'Started on 22.Nov 04:01:43, canceled on 22.Nov 04:01:44 at 3.0%, 0 write errs, 0 uncorr. read errs',
      { state: 'canceled', done: 0.03, errors: 0 },
    ],
    [
      'Started on 22.Nov 04:01:43, suspended on 22.Nov 04:01:44 at 3.0%, 0 write errs, 0 uncorr. read errs',
      { state: 'suspended', done: 0.03, errors: 0 },
    ],
    ['anything else', undefined],
  ])('of exchanges: %s', (text, expected) => {
    expect(parseReplaceStatus(text)).toEqual(expected);
  });
});
