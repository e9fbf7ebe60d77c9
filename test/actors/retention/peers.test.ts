/**
 * Cases that other tools have met, and test: a year of hourly snapshots and the switch to winter time (sanoid), a grid
 * that slides and leaves its oldest place empty, and what lies exactly on an edge (zrepl), a policy that grows shorter
 * (zettarepl). The cases are theirs, the answers ours: here, intervals are those of UTC.
 */
import { describe, expect, test } from 'vitest';
import { decideRetention, type RetainedSnapshot } from '#actors/retention/decide.ts';
import { parseKeep } from '#events/values/keep.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const keep = (text: string, snapshots: readonly RetainedSnapshot[]): readonly RetainedSnapshot[] => {
  const rules = parseKeep(text);
  if (typeof rules === 'string') throw new Error(rules);
  const kept = new Set(decideRetention(rules, snapshots).flatMap((verdict) => (verdict.keep ? [verdict.id] : [])));
  return snapshots.filter(({ id }) => kept.has(id));
};
const times = (snapshots: readonly RetainedSnapshot[]): string[] =>
  snapshots.map(({ takenAt }) => new Date(takenAt).toISOString().slice(0, 16));
const one = (takenAt: number): RetainedSnapshot => ({ id: new Date(takenAt).toISOString(), takenAt });
const hourly = (from: string, count: number): readonly RetainedSnapshot[] =>
  Array.from({ length: count }, (_, n) => one(Date.parse(`${from}Z`) + n * hourMs));

describe('a year of hourly snapshots', () => {
  const year = hourly('2025-01-01T00:00', 365 * 24);

  test('is 8760 hours, 365 days and 12 months', () => {
    expect(keep('365d:1h', year)).toHaveLength(8760);
    const days = keep('365d:1d', year.slice(0, -23));
    expect(days).toHaveLength(365);
    expect(times(days).every((time) => time.endsWith('T00:00'))).toBe(true);
    const months = times(keep('12mo:1mo', year)).slice(0, -1);
    expect(months).toEqual(
      Array.from({ length: 12 }, (_, month) => `2025-${String(month + 1).padStart(2, '0')}-01T00:00`),
    );
  });

  test('has a leap day like any other', () => {
    const leap = hourly('2024-02-28T00:00', 72);
    expect(times(keep('3d:1d', leap))).toEqual([
      '2024-02-28T00:00',
      '2024-02-29T00:00',
      '2024-03-01T00:00',
      '2024-03-01T23:00',
    ]);
  });
});

describe('daylight saving', () => {
  // Three days in Berlin: that of the switch has 25 hours in autumn, and 23 in spring.
  test('ends, and the hour that there is twice on the wall has a snapshot of its own each time', () => {
    const days = hourly('2025-10-25T22:00', 73);
    expect(keep('4d:1h', days)).toHaveLength(73);
    expect(times(keep('4d:1d', days))).toEqual([
      '2025-10-25T22:00',
      '2025-10-26T00:00',
      '2025-10-27T00:00',
      '2025-10-28T00:00',
      '2025-10-28T22:00',
    ]);
  });

  test('begins, and no hour is missing nor a day short', () => {
    const days = hourly('2025-03-29T23:00', 71);
    expect(keep('4d:1h', days)).toHaveLength(71);
    const kept = keep('4d:1d', days).slice(1, -1);
    expect(kept.slice(1).map(({ takenAt }, n) => takenAt - (kept[n]?.takenAt ?? 0))).toEqual([dayMs, dayMs]);
  });
});

describe('a policy that is applied again and again', () => {
  /** After each snapshot, as in a lab. */
  const applied = (text: string, snapshots: readonly RetainedSnapshot[]): readonly RetainedSnapshot[] =>
    snapshots.reduce<readonly RetainedSnapshot[]>((left, next) => keep(text, [...left, next]), []);
  test('leaves none of its places empty: each month, week and day has its first snapshot', () => {
    // Six a day, from 1 January 2024 to 14 May 2025.
    const snapshots = hourly('2024-01-01T00:30', 500 * 24).filter((_, n) => n % 4 === 0);
    const left = times(applied('24h:1h 14d:1d 8w:1w 12mo:1mo', snapshots));
    for (let month = 5; month <= 16; month++) {
      const [year, number] = month < 12 ? [2024, month + 1] : [2025, month - 11];
      expect(left).toContain(`${year}-${String(number).padStart(2, '0')}-01T00:30`);
    }
    for (let n = 1; n <= 7; n++)
      expect(left).toContain(times([one(Date.parse('2025-05-12T00:30Z') - n * 7 * dayMs)])[0]);
    for (let n = 0; n < 13; n++) expect(left).toContain(times([one(Date.parse('2025-05-14T00:30Z') - n * dayMs)])[0]);
    // 6 more of the last day, and where a month, a week and a day begin at once there is one for all of them.
    expect(left.length).toBeLessThan(12 + 1 + 8 + 14 + 6);
  });

  test('holds when snapshots come at odd times: no interval is passed over, and none has two', () => {
    // Every 50 minutes, so that the minute within the hour wanders.
    const odd = Array.from({ length: 200 }, (_, n) => one(Date.parse('2025-06-01T00:10Z') + n * 50 * 60_000));
    const left = applied('48h:1h', odd);
    const hours = left.map(({ takenAt }) => Math.floor(takenAt / hourMs));
    const last = hours.at(-1) ?? 0;
    const expected = Array.from({ length: 48 }, (_, n) => last - 47 + n);
    expect([...new Set(hours)].filter((hour) => hour > last - 48)).toEqual(expected);
    // The newest stays besides.
    expect(hours.length - new Set(hours).size).toBeLessThanOrEqual(1);
  });

  test('that grows shorter drops what the shorter one does not keep, and a longer one brings nothing back', () => {
    const week = hourly('2025-06-01T00:00', 7 * 24);
    const short = keep('1d:1h', keep('7d:1h', week));
    expect(short).toEqual(week.slice(-25));
    expect(keep('7d:1h', short)).toEqual(short);
  });
});

describe('on the edge', () => {
  const at = Date.parse('2025-06-10T12:00Z');

  test('a snapshot that is exactly as old as the span stays, and one a millisecond older goes', () => {
    const snapshots = [one(at - dayMs - 1), one(at - dayMs), one(at)];
    expect(keep('1d:all', snapshots)).toEqual(snapshots.slice(1));
  });

  test('a snapshot that is taken as an interval begins belongs to it, and one a millisecond before does not', () => {
    const snapshots = [one(at - 1), one(at), one(at + 1), one(at + hourMs)];
    expect(keep('1d:1h', snapshots)).toEqual([snapshots[0], snapshots[1], snapshots[3]]);
  });

  test('the only snapshot stays, however old the policy would have it at most', () => {
    expect(keep('1m:all', [one(0)])).toHaveLength(1);
    expect(keep('1m:all', [])).toEqual([]);
  });

  test('a volume that was idle for longer than every rule keeps what it had', () => {
    const before = hourly('2025-01-01T00:00', 24);
    const after = [...before, one(Date.parse('2025-12-01T00:00Z'))];
    expect(keep('24h:1h last:3', before)).toHaveLength(24);
    expect(keep('24h:1h last:3', after)).toEqual(after.slice(-3));
  });
});
