/**
 * Intervals of UTC, as numbers: two moments have the same number when they lie in the same interval. Weeks begin on
 * Monday; months and years are those of the calendar.
 */
import type { KeepRule } from '#events/values/keep.ts';

export type Interval = Exclude<Extract<KeepRule, { spanMs: number }>['every'], 'all'>;

const dayMs = 86_400_000;
const weekMs = 7 * dayMs;
/** 1 January 1970 was a Thursday. */
const sinceMondayMs = 3 * dayMs;

export function bucketsOf(every: Interval): (ms: number) => number {
  if ('months' in every) return (ms) => Math.floor(monthOf(ms) / every.months);
  const shift = every.ms % weekMs === 0 ? sinceMondayMs : 0;
  return (ms) => Math.floor((ms + shift) / every.ms);
}

/**
 * Months since January of the year 0. Counts in years that begin in March, so that the leap day is the last:
 * H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
 */
function monthOf(ms: number): number {
  const daysSinceMarch0 = Math.floor(ms / dayMs) + 719_468;
  const era = Math.floor(daysSinceMarch0 / 146_097);
  const dayOfEra = daysSinceMarch0 - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  return (era * 400 + yearOfEra) * 12 + monthFromMarch + 2;
}
