import { describe, expect, it } from 'vitest';
import { ago, clockOf, dateOf, dayOf, exact, inDays, isZone, roughly, until } from '#ui/web/format/time.ts';

const at = Date.UTC(2026, 10, 21, 13, 2, 11);

describe('relative times', () => {
  it('have one unit, the largest', () => {
    expect(roughly(3 * 86_400_000 + 4 * 3_600_000)).toBe('3 d');
    expect(roughly(12 * 60_000 + 59_000)).toBe('12 m');
    expect(roughly(41_900)).toBe('41 s');
    expect(roughly(999)).toBe('0 s');
  });

  it('look back and ahead', () => {
    expect(ago(at - 61_000, at)).toBe('1 m ago');
    expect(ago(at, at)).toBe('just now');
    expect(until(at + 12 * 60_000, at)).toBe('in 12 m');
    expect(until(at - 5, at)).toBe('due now');
  });

  it('do not count into the future when the clock of the lab is ahead', () => {
    expect(ago(at + 5000, at)).toBe('just now');
  });
});

describe('how long something is kept', () => {
  it('is in days where it is whole days, as people think of it', () => {
    expect(inDays(7 * 86_400_000)).toBe('7 days');
    expect(inDays(86_400_000)).toBe('1 day');
    expect(inDays(36 * 3_600_000)).toBe('1 d 12 h');
    expect(inDays(3_600_000)).toBe('1 h');
  });
});

describe('exact times', () => {
  it('are in the time zone of the lab and name it', () => {
    expect(exact(at, 'Europe/Berlin')).toBe('2026-11-21 14:02:11 Europe/Berlin');
    expect(exact(at, 'UTC')).toBe('2026-11-21 13:02:11 UTC');
  });

  it('begin a new day at midnight there, with hour 00', () => {
    const midnight = Date.UTC(2026, 6, 1, 22, 0, 0);
    expect(dateOf(midnight, 'Europe/Berlin')).toBe('2026-07-02');
    expect(clockOf(midnight, 'Europe/Berlin')).toBe('00:00:00');
  });

  it('are in UTC where the browser does not know the zone', () => {
    expect(isZone('Mars/Base')).toBe(false);
    expect(clockOf(at, 'Mars/Base')).toBe('13:02:11');
  });

  it('name today and yesterday by the days of the lab', () => {
    expect(dayOf(at, at, 'Europe/Berlin')).toBe('Today');
    expect(dayOf(at - 86_400_000, at, 'Europe/Berlin')).toBe('Yesterday');
    expect(dayOf(at - 3 * 86_400_000, at, 'Europe/Berlin')).toBe('2026-11-18');
  });
});
