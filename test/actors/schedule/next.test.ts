import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkCron, checkTimeZone, missedRuns, nextRun } from '#actors/schedule/next.ts';

const berlin = 'Europe/Berlin';
const at = (iso: string): number => Date.parse(iso);
const runs = (cron: string, zone: string, after: string, count: number): string[] => {
  const found: string[] = [];
  for (let ms = at(after); found.length < count; found.push(new Date(ms).toISOString())) ms = nextRun(cron, zone, ms);
  return found;
};

describe('a schedule is checked before it is used', () => {
  test.each([
    '* * * * *',
    '*/15 * * * *',
    '0 2 * * mon-fri',
    '5,35 0-6,22 1 JAN,jul 7',
    '10-50/10 * * * *',
    ' 0  2 * * * ',
  ])('%j is a schedule', (cron) => expect(checkCron(cron)).toBeUndefined());

  test.each([
    ['', 'has 0'],
    ['* * *', 'has 3'],
    ['0 0 2 * * *', 'has 6'],
    ['@daily', 'has 1'],
    ['60 * * * *', 'it goes from 0 to 59'],
    ['0 24 * * *', 'it goes from 0 to 23'],
    ['0 0 0 * *', 'it goes from 1 to 31'],
    ['0 0 * 13 *', 'it goes from 1 to 12'],
    ['0 0 * * 8', 'it goes from 0 to 7'],
    ['0 0 * * monday', 'it goes from 0 to 7'],
    ['5-1 * * * *', 'backwards'],
    ['*/0 * * * *', 'does not fit'],
    ['*/61 * * * *', 'does not fit'],
    ['5/10 * * * *', 'needs a range'],
    ['1,1 * * * *', 'names 1 twice'],
    ['1,* * * * *', 'already means all'],
    ['1, * * * *', 'use numbers'],
    ['-5 * * * *', 'use numbers'],
    ['H * * * *', 'it goes from'],
    ['0 0 L * *', 'it goes from'],
    ['0 0 ? * *', 'use numbers'],
    ['0 0 * * 5#2', 'use numbers'],
    ['0 25 * * *', 'is not an hour: it goes from 0 to 23'],
    ['0 0 30 2 *', 'never happens'],
    ['0 0 * * 0,7', 'names 0 twice'],
    ['0 0 * * 0-7', 'names 0 twice'],
    [`${'1,'.repeat(60)}2 * * * *`, 'at most 100'],
  ])('%j is refused: %s', (cron, why) => expect(checkCron(cron)).toContain(why));

  test('whatever is written, the answer is a sentence or nothing', () => {
    const word = fc.stringMatching(/^[0-9a-zA-Z*,/?#-]{1,8}$/);
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word, { maxLength: 6 }).map((words) => words.join(' ')),
        ),
        (text) => {
          const wrong = checkCron(text);
          if (wrong === undefined) expect(nextRun(text, 'UTC', 0)).toBeGreaterThan(0);
          else expect(wrong).toMatch(/\.$/);
        },
      ),
    );
  });
});

describe('a time zone has a name', () => {
  test.each(['UTC', berlin, 'America/Argentina/Buenos_Aires', 'Etc/GMT+3'])('%s is one', (zone) =>
    expect(checkTimeZone(zone)).toBeUndefined(),
  );
  test.each(['', 'local', 'system', 'Mars/Olympus', '+02:00', 'UTC+3', '../etc', 'Europe/Berlin\n', 'E'.repeat(200)])(
    '%j is refused',
    (zone) => expect(checkTimeZone(zone)).toContain('is not a time zone'),
  );
});

describe('the next run', () => {
  test('comes strictly after the moment asked for', () => {
    expect(runs('0 * * * *', 'UTC', '2025-06-01T12:00:00Z', 1)).toEqual(['2025-06-01T13:00:00.000Z']);
    expect(runs('0 * * * *', 'UTC', '2025-06-01T11:59:59.999Z', 1)).toEqual(['2025-06-01T12:00:00.000Z']);
  });

  test('is in the time zone of the lab', () => {
    expect(runs('30 2 * * *', berlin, '2025-06-01T12:00:00Z', 1)).toEqual(['2025-06-02T00:30:00.000Z']);
    expect(runs('30 2 * * *', 'Asia/Kolkata', '2025-06-01T12:00:00Z', 1)).toEqual(['2025-06-01T21:00:00.000Z']);
  });

  test('in spring, a run in the hour that Berlin skips comes an hour later', () => {
    expect(runs('30 2 * * *', berlin, '2025-03-29T12:00:00Z', 2)).toEqual([
      '2025-03-30T01:30:00.000Z',
      '2025-03-31T00:30:00.000Z',
    ]);
    // Also for a lab that asks when the clock has jumped already.
    expect(runs('30 2 * * *', berlin, '2025-03-30T01:10:00Z', 1)).toEqual(['2025-03-30T01:30:00.000Z']);
    expect(runs('0,30 2,3 * * *', berlin, '2025-03-29T12:00:00Z', 3)).toEqual([
      '2025-03-30T01:00:00.000Z',
      '2025-03-30T01:30:00.000Z',
      '2025-03-31T00:00:00.000Z',
    ]);
  });

  test('in autumn, a nightly run in the hour that Berlin repeats comes once', () => {
    expect(runs('30 2 * * *', berlin, '2025-10-25T12:00:00Z', 2)).toEqual([
      '2025-10-26T00:30:00.000Z',
      '2025-10-27T01:30:00.000Z',
    ]);
    expect(runs('30 2 * * *', berlin, '2025-10-26T01:05:00Z', 1)).toEqual(['2025-10-27T01:30:00.000Z']);
  });

  test('an hourly schedule leaves no gap in either night', () => {
    for (const [night, zone] of [
      ['2025-03-29T20:00:00Z', berlin],
      ['2025-10-25T20:00:00Z', berlin],
      ['2025-04-05T20:00:00Z', 'America/Santiago'],
    ] as const) {
      const hours = runs('0 * * * *', zone, night, 12).map(at);
      expect(hours.map((ms, i) => ms - (hours[i - 1] ?? ms - 3_600_000))).toEqual(hours.map(() => 3_600_000));
    }
  });

  test('exists where clocks change by half an hour, and where a whole day was skipped', () => {
    expect(runs('0 3 * * *', 'Australia/Lord_Howe', '2025-04-05T12:00:00Z', 1)).toEqual(['2025-04-05T16:30:00.000Z']);
    expect(runs('15 2 * * *', 'Australia/Lord_Howe', '2025-10-04T12:00:00Z', 1)).toEqual(['2025-10-04T15:45:00.000Z']);
    // 02:10 does not exist and comes at 02:40, after 02:35, which does.
    expect(runs('10,35 2 * * *', 'Australia/Lord_Howe', '2025-10-04T12:00:00Z', 2)).toEqual([
      '2025-10-04T15:35:00.000Z',
      '2025-10-04T15:40:00.000Z',
    ]);
    expect(runs('0 12 * * *', 'Pacific/Apia', '2011-12-29T23:00:00Z', 2)).toEqual([
      '2011-12-30T22:00:00.000Z',
      '2011-12-31T22:00:00.000Z',
    ]);
  });

  test('of 29 February may be eight years away', () => {
    expect(runs('0 0 29 2 *', 'UTC', '2096-03-01T00:00:00Z', 1)).toEqual(['2104-02-29T00:00:00.000Z']);
  });

  test('with a day of the month and a day of the week comes on either', () => {
    expect(runs('0 0 13 * 5', 'UTC', '2025-06-01T00:00:00Z', 3)).toEqual([
      '2025-06-06T00:00:00.000Z',
      '2025-06-13T00:00:00.000Z',
      '2025-06-20T00:00:00.000Z',
    ]);
  });

  const zones = ['UTC', berlin, 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Africa/Cairo'];
  const field = (min: number, max: number): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('*') },
      fc.integer({ min, max }).map(String),
      fc
        .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
        .filter(([a, b]) => a < b)
        .map(([a, b]) => `${a}-${b}`),
      fc.integer({ min: 2, max: max - min + 1 }).map((step) => `*/${step}`),
    );
  const cron = fc
    .tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6))
    .map((fields) => fields.join(' '));
  const moment = fc.integer({ min: at('2020-01-01T00:00:00Z'), max: at('2035-01-01T00:00:00Z') });
  /** Half of them within a day of a night in which the clocks of Berlin change. */
  const nearChange = fc
    .tuple(fc.constantFrom('2025-03-30T01:00:00Z', '2025-10-26T01:00:00Z'), fc.integer({ min: -1500, max: 1500 }))
    .map(([iso, minutes]) => at(iso) + minutes * 60_000);

  test('is always later, on a full minute, and at a time that the fields name, unless the clock skipped it', () => {
    fc.assert(
      fc.property(cron, fc.constantFrom(...zones), fc.oneof(moment, nearChange), (text, zone, after) => {
        const run = nextRun(text, zone, after);
        expect(run).toBeGreaterThan(after);
        expect(run % 60_000).toBe(0);
        // A skipped time is shown on the clock as it was before the change.
        const shown = [0, 30, 60].map((minutes) => fieldsAt(run, zone, minutes));
        expect(shown.some((fields) => matches(text, fields))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('does not depend on where the search began', () => {
    fc.assert(
      fc.property(
        cron,
        fc.constantFrom(...zones),
        nearChange,
        fc.integer({ min: 0, max: 300 }),
        (text, zone, after, n) => {
          const run = nextRun(text, zone, after);
          // Any moment between two runs has the same next run.
          const between = Math.min(run - 1, after + n * 60_000);
          expect(nextRun(text, zone, between)).toBe(run);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('missed runs', () => {
  const noon = at('2025-06-01T12:00:00Z');
  const hour = 3_600_000;

  test('are those between the one that was due and now', () => {
    expect(missedRuns('0 * * * *', 'UTC', noon, noon, 100)).toBe(0);
    expect(missedRuns('0 * * * *', 'UTC', noon, noon + hour - 1, 100)).toBe(0);
    expect(missedRuns('0 * * * *', 'UTC', noon, noon + 3 * hour, 100)).toBe(3);
    expect(missedRuns('0 * * * *', 'UTC', noon, noon - 3 * hour, 100)).toBe(0);
  });

  test('are counted only up to a bound', () => {
    expect(missedRuns('* * * * *', 'UTC', noon, noon + 1e11, 50)).toBe(50);
  });

  test('and the next run fit together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: hour - 1 }), (hours, rest) => {
        const now = noon + hours * hour + rest;
        const missed = missedRuns('0 * * * *', berlin, noon, now, 1000);
        expect(nextRun('0 * * * *', berlin, now)).toBe(noon + (missed + 1) * hour);
      }),
    );
  });
});

/** What a clock in the zone shows, `back` minutes earlier: minute, hour, day of month, month, day of week. */
function fieldsAt(ms: number, zone: string, back: number): readonly number[] {
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(ms);
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value);
  const wall = new Date(
    Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute')) - back * 60_000,
  );
  return [wall.getUTCMinutes(), wall.getUTCHours(), wall.getUTCDate(), wall.getUTCMonth() + 1, wall.getUTCDay()];
}

function matches(cron: string, shown: readonly number[]): boolean {
  const fields = cron.split(' ');
  const mins = [0, 0, 1, 1, 0];
  const hit = (index: number): boolean => {
    const field = fields[index] ?? '';
    const value = shown[index] ?? -1;
    if (field === '*') return true;
    if (field.startsWith('*/')) return (value - (mins[index] ?? 0)) % Number(field.slice(2)) === 0;
    const [from, to = from] = field.split('-').map(Number);
    return value >= (from ?? 0) && value <= (to ?? 0);
  };
  const days = fields[2] === '*' ? hit(4) : fields[4] === '*' ? hit(2) : hit(2) || hit(4);
  return hit(0) && hit(1) && hit(3) && days;
}
