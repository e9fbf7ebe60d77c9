/**
 * When a schedule runs next: five cron fields in a time zone. Calculated before anything is appended, never in the
 * fold, so that new time-zone data cannot split the replicas.
 *
 * In a day that lacks an hour, a run in that hour comes an hour later; in a day that has an hour twice, a run of a
 * fixed hour comes once, and one of every hour comes twice. The answer depends only on the moment asked for, not on
 * earlier calls: `nextRun(cron, zone, t)` is the first run after t.
 */
import { CronDate, CronExpressionParser, type CronExpression } from 'cron-parser';

const fields = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of week', min: 0, max: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
] as const;

/** @returns a sentence that says what is wrong, or undefined when the line is a schedule */
export function checkCron(text: string): string | undefined {
  const words = text.trim().split(/\s+/).filter(Boolean);
  if (text.length > 100) return 'A schedule has at most 100 characters.';
  if (words.length !== fields.length) {
    return `A schedule has five fields (minute, hour, day of month, month, day of week), this one has ${words.length}.`;
  }
  for (const [index, field] of fields.entries()) {
    const wrong = checkField(words[index] ?? '', field);
    if (wrong !== undefined) return wrong;
  }
  try {
    // Finds what no field tells alone, such as 30 February.
    expressionFrom(text, 'UTC', 0).next();
    return undefined;
  } catch {
    return `"${words.join(' ')}" never happens.`;
  }
}

type Field = (typeof fields)[number];

function checkField(text: string, field: Field): string | undefined {
  const wrong = (why: string): string =>
    `"${text}" is not ${field.name === 'hour' ? 'an' : 'a'} ${field.name}: ${why}.`;
  const seen = new Set<number>();
  for (const item of text.split(',')) {
    const match = /^(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:\/(\d{1,3}))?$/i.exec(item);
    if (!match) return wrong('use numbers, "*", ranges such as 1-5, lists such as 1,2 and steps such as */15');
    const [, star, first = '', last, stepText] = match;
    const from = star ? field.min : valueOf(first, field);
    const to = star ? field.max : last === undefined ? from : valueOf(last, field);
    if (from === undefined || to === undefined) return wrong(`it goes from ${field.min} to ${field.max}`);
    if (from > to) return wrong('the range runs backwards');
    const step = stepText === undefined ? 1 : Number(stepText);
    if (stepText !== undefined && from === to) return wrong('a step needs a range, such as */15 or 10-50/10');
    if (step < 1 || step > to - from + 1) return wrong('the step does not fit the range');
    if (star && stepText === undefined && text !== '*') return wrong('"*" already means all');
    for (let each = from; each <= to; each += step) {
      // 0 and 7 are both Sunday.
      const value = each === 7 && field.name === 'day of week' && !star ? 0 : each;
      if (seen.has(value)) return wrong(`it names ${value} twice`);
      seen.add(value);
    }
  }
  return undefined;
}

function valueOf(text: string, field: Field): number | undefined {
  const named = (field.names as readonly string[]).indexOf(text.toLowerCase());
  const value = named !== -1 ? named + field.min : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= field.min && value <= field.max ? value : undefined;
}

/** @returns a sentence that says what is wrong, or undefined when it is a time zone that this program knows */
export function checkTimeZone(zone: string): string | undefined {
  // Offsets and the words `local` and `system` mean different things to different programs.
  const isName = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+)*$/.test(zone) && zone.length <= 64;
  if (isName && isKnownZone(zone)) return undefined;
  return `"${zone.slice(0, 64)}" is not a time zone: use a name such as Europe/Berlin or UTC.`;
}

function isKnownZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * The first run after a moment (milliseconds since 1970).
 * @throws when cron or zone are not valid: check them where they come in
 */
export const nextRun = (cron: string, timeZone: string, afterMs: number): number =>
  runsAfter(cron, timeZone, afterMs)();

/** How many runs came after `dueAtMs` up to `nowMs`, counted up to `max`. 0 when only the one that was due came. */
export function missedRuns(cron: string, timeZone: string, dueAtMs: number, nowMs: number, max: number): number {
  const nextOne = runsAfter(cron, timeZone, dueAtMs);
  let missed = 0;
  while (missed < max && nextOne() <= nowMs) missed++;
  return missed;
}

/**
 * @returns a function that gives one run after the other.
 *
 * cron-parser finds the times on the clock on the wall, as if there were only UTC; when that clock shows them is worked
 * out here. (Given a time zone itself it answers differently for a start inside the changed hour, and for zones that
 * change by half an hour it gives up with an error.)
 */
function runsAfter(cron: string, timeZone: string, afterMs: number): () => number {
  const offset = (ms: number): number => new CronDate(ms, timeZone).getUTCOffset() * 60_000;
  const from = afterMs + Math.min(offset(afterMs - reachMs), offset(afterMs), offset(afterMs + reachMs));
  const walls = expressionFrom(cron, 'UTC', from);
  const everyHour = walls.fields.hour.values.length === 24;
  let last = afterMs;
  /** Runs that are found and not given yet: one in a skipped hour comes later than times after that hour. */
  let found: readonly number[] = [];
  let notBefore = Number.NEGATIVE_INFINITY;
  return () => {
    found = found.filter((ms) => ms > last);
    while (found[0] === undefined || found[0] > notBefore) {
      const next = momentsOf(walls.next().getTime(), offset);
      const runs = everyHour ? next.moments : next.moments.slice(0, 1);
      found = [...found, ...runs].filter((ms) => ms > last).toSorted((a, b) => a - b);
      notBefore = next.notBefore;
    }
    last = found[0];
    return last;
  };
}

/** No wall clock is farther from UTC, and no clock changes twice in that time. */
const reachMs = 16 * 3_600_000;

/**
 * When a clock on the wall shows a time: twice where it is set back, and never where it is set forward; there it is
 * the moment at which the clock would have shown it.
 */
function momentsOf(wall: number, offset: (ms: number) => number): { moments: readonly number[]; notBefore: number } {
  const before = offset(wall - reachMs);
  const after = offset(wall + reachMs);
  // Moments of this time and of later ones are not before this.
  const notBefore = wall - Math.max(before, after);
  if (before === after) return { moments: [wall - before], notBefore };
  const moments = [wall - before, wall - after].filter((ms) => offset(ms) === wall - ms);
  return { moments: moments.length === 0 ? [wall - before] : moments, notBefore };
}

function expressionFrom(cron: string, tz: string, currentMs: number): CronExpression {
  return CronExpressionParser.parse(cron, { currentDate: currentMs, tz });
}
