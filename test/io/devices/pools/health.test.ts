/** Whether a pool is well, told from real reports. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { HealthContext } from '#io/devices/pools/health.ts';
import { health } from '#io/devices/pools/health.ts';
import type { PoolDevice, PoolReport, Scan } from '#io/devices/pools/report.ts';
import type { Smart } from '#io/devices/pools/smart.ts';
import { parseZpoolStatus } from '#io/devices/pools/zfs/status.ts';

const fixture = (name: string): PoolReport => {
  const [report] = parseZpoolStatus(
    readFileSync(new URL(`../../../fixtures/pools/zpool-${name}.txt`, import.meta.url), 'utf8'),
  );
  if (!report) throw new Error('expected a pool');
  return report;
};
const day = 86_400_000;
const now = Date.UTC(2026, 8, 2);
const codes = (report: PoolReport, more: Partial<HealthContext> = {}): readonly string[] => {
  const { state, problems } = health(report, { now, ...more });
  return [state, ...problems.map(({ code }) => code)];
};

const disk = (name: string, checksums = 0): PoolDevice => ({
  name,
  role: 'data',
  state: 'online',
  errors: { reads: 0, writes: 0, checksums },
  members: [],
});
const pool = (more: Partial<PoolReport> = {}, members: readonly PoolDevice[] = [disk('sda')]): PoolReport => ({
  name: 'tank',
  driver: 'zfs',
  state: 'online',
  remarks: {},
  scans: [],
  root: { ...disk('tank'), members },
  dataErrors: { count: 0, files: [] },
  ...more,
});
const scrub = (daysAgo: number): Scan => ({
  kind: 'scrub',
  state: 'finished',
  endedAt: now - daysAgo * day,
  errors: 0,
});

describe('a pool', () => {
  test('that was scrubbed lately is healthy', () => {
    expect(codes(fixture('scrub-clean'))).toEqual(['healthy']);
  });

  test('that only advertises new features is healthy', () => {
    expect(codes(fixture('upgrade-and-sections'))).toEqual(['healthy']);
  });

  test('that is being scrubbed, or whose scrub was canceled or paused, is healthy until a scrub is due', () => {
    for (const name of ['scrub-running', 'scrub-canceled', 'scrub-paused'])
      expect(codes(fixture(name))).toEqual(['healthy']);
    expect(codes(fixture('scrub-paused'), { knownSince: 0 })).toEqual(['warning', 'scrub-paused']);
    expect(codes(fixture('scrub-canceled'), { knownSince: 0 })).toEqual(['warning', 'scrub-old']);
    expect(codes(fixture('scrub-running'), { knownSince: 0 })).toEqual(['healthy']);
  });

  test('whose last scrub is long ago is told to be scrubbed', () => {
    expect(codes(pool({ scans: [scrub(34)] }))).toEqual(['healthy']);
    expect(codes(pool({ scans: [scrub(36)] }))).toEqual(['warning', 'scrub-old']);
    expect(codes(pool({ scans: [scrub(8)] }), { limits: { scrubAgeMs: 7 * day } })).toEqual(['warning', 'scrub-old']);
  });

  test('whose resilver hides the last scrub is judged by what was known before', () => {
    const resilvered: Scan = { kind: 'resilver', state: 'finished', endedAt: now - day, errors: 0 };
    const after = pool({ scans: [resilvered] });
    expect(codes(after, { knownSince: 0, previous: pool({ scans: [scrub(10)] }) })).toEqual(['healthy']);
    expect(codes(after, { knownSince: 0 })).toEqual(['warning', 'scrub-old']);
  });

  test('that replaces a disk waits for it, and has another one that makes errors', () => {
    expect(codes(fixture('replacing'))).toEqual(['warning', 'device-offline', 'device-errors', 'resilvering']);
  });

  test('with a broken disk is faulty, also while a spare stands in for it', () => {
    const { problems } = health(fixture('spare-in-use'), { now });
    expect(problems.map(({ code, device }) => [code, device])).toEqual([
      ['device-failed', 'sdb'],
      ['spare-in-use', 'spare-2'],
      ['device-errors', 'sdb'],
      ['scrub-old', undefined],
    ]);
    expect(problems[0]?.text).toBe('sdb of the pool tank is faulted (external device fault).');
    expect(problems[1]?.text).toBe('A spare stands in for sdb in the pool tank.');
  });

  test('that misses too many disks, or has stopped, is faulty before anything else', () => {
    expect(codes(fixture('unavailable'))).toEqual(['faulty', 'pool-unavailable', 'device-failed']);
    expect(codes(fixture('suspended')).slice(0, 4)).toEqual(['faulty', 'pool-stopped', 'data-lost', 'device-failed']);
  });

  test('names a disk that is gone by the path that it had', () => {
    expect(health(fixture('unavailable'), { now }).problems[1]?.text).toBe(
      '/dev/sdc1 of the pool tank is unavailable.',
    );
  });

  test('that is online may have lost data', () => {
    const { state, problems } = health(fixture('data-errors'), { now: Date.UTC(2022, 11, 25) });
    expect(state).toBe('faulty');
    expect(problems[0]).toMatchObject({
      code: 'data-lost',
      text: 'The pool tank has lost data in 5 places, among them /tank/app/data with spaces.db, tank/app@auto-2026:/f, tank/app:<0x2a>.',
    });
  });

  test('whose errors grow says how many more there are, and that the disk goes on failing', () => {
    const before = pool({}, [disk('sda', 3)]);
    const after = pool({}, [disk('sda', 10)]);
    expect(health(after, { now, previous: before }).problems[0]).toMatchObject({
      code: 'device-errors',
      text: 'sda of the pool tank has had errors: 10 of checksums; 7 more since the last look.',
      repair: 'It goes on failing: replace it, or at least its cable.',
    });
    expect(health(after, { now, previous: after }).problems[0]?.text).toBe(
      'sda of the pool tank has had errors: 10 of checksums.',
    );
  });

  test('blames a group only for errors that none of its disks had', () => {
    const group = (own: number, ...members: readonly PoolDevice[]) => ({ ...disk('mirror-0', own), members });
    expect(health(pool({}, [group(4, disk('sda'), disk('sdb'))]), { now }).problems[0]?.device).toBe('mirror-0');
    expect(
      health(pool({}, [group(4, disk('sda', 4), disk('sdb'))]), { now }).problems.map(({ device }) => device),
    ).toEqual(['sda']);
  });

  test('that is nearly full is told so', () => {
    expect(codes(pool({ sizeBytes: 100, usedBytes: 89 }))).toEqual(['healthy']);
    expect(codes(pool({ sizeBytes: 100, usedBytes: 90 }))).toEqual(['warning', 'nearly-full']);
  });

  test('with uneven copies is told so', () => {
    expect(codes(pool({ driver: 'btrfs', mixedRedundancy: true }))).toEqual(['warning', 'mixed-redundancy']);
  });

  test('loses no data with a cache or a spare', () => {
    const cache: PoolDevice = { ...disk('nvme0'), role: 'cache', state: 'faulted' };
    const spare: PoolDevice = { name: 'sdz', role: 'spare', state: 'unavailable', members: [] };
    expect(codes(pool({}, [disk('sda'), cache, spare]))).toEqual(['warning', 'spare-failed', 'spare-failed']);
  });
});

describe('a disk that speaks of itself', () => {
  const of = (smart: Smart, before?: Smart) =>
    codes(pool(), { smart: new Map([['sda', { now: smart, ...(before === undefined ? {} : { before }) }]]) });

  test('and is well changes nothing', () => {
    expect(of({ passed: true, temperature: 40, reallocated: 8, pending: 0, wear: 0.2 }, { reallocated: 8 })).toEqual([
      'healthy',
    ]);
    expect(of({})).toEqual(['healthy']);
  });

  test.each<[Smart, Smart | undefined, readonly string[]]>([
    [{ passed: false }, undefined, ['faulty', 'disk-failing']],
    [{ passed: true, pending: 1 }, undefined, ['warning', 'disk-failing']],
    [{ reallocated: 9 }, { reallocated: 8 }, ['warning', 'disk-failing']],
    [{ wear: 0.9 }, undefined, ['warning', 'disk-worn']],
    [{ temperature: 60 }, undefined, ['warning', 'disk-hot']],
  ])('%j after %j', (smart, before, expected) => {
    expect(of(smart, before)).toEqual(expected);
  });
});
