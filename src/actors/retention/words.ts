/** Rules of retention in words, for reasons. A rule is written back in its largest whole units: `336h:24h` reads `14d:1d`. */
import type { KeepRule } from '#events/values/keep.ts';
import type { Interval } from './buckets.ts';

const hourMs = 3_600_000;
/** Those of the grammar; a span in months is of 31 days, one in years of 366. */
const units = [
  ['y', 8784 * hourMs],
  ['mo', 744 * hourMs],
  ['w', 168 * hourMs],
  ['d', 24 * hourMs],
  ['h', hourMs],
  ['m', 60_000],
] as const;
const names: Readonly<Record<string, string>> = { y: 'year', mo: 'month', w: 'week', d: 'day', h: 'hour', m: 'minute' };

export function ruleText(rule: KeepRule): string {
  if ('last' in rule) return `last:${rule.last}`;
  const every = rule.every === 'all' ? 'all' : shortest(rule.every).join('');
  return `${largest(rule.spanMs).join('')}:${every}`;
}

/** `hour`, `2 weeks`, `month`. */
export function bucketName(every: Interval): string {
  const [count, unit] = shortest(every);
  return count === 1 ? `${names[unit]}` : `${count} ${names[unit]}s`;
}

function shortest(every: Interval): readonly [count: number, unit: string] {
  if ('ms' in every) return largest(every.ms);
  return every.months % 12 === 0 ? [every.months / 12, 'y'] : [every.months, 'mo'];
}

function largest(ms: number): readonly [count: number, unit: string] {
  const [unit, size] = units.find(([, each]) => ms % each === 0) ?? ['m', 60_000];
  return [ms / size, unit];
}
