import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideRetention, type RetainedSnapshot } from '#actors/retention/decide.ts';
import { parseKeep, type KeepRule } from '#events/values/keep.ts';

const keep = (text: string): readonly KeepRule[] => {
  const rules = parseKeep(text);
  if (typeof rules === 'string') throw new Error(rules);
  return rules;
};
const at = (iso: string): number => Date.parse(`${iso}Z`);
const taken = (...times: string[]): RetainedSnapshot[] => times.map((id) => ({ id, takenAt: at(id) }));
const kept = (rules: string, snapshots: readonly RetainedSnapshot[], now?: number): string[] =>
  decideRetention(rules === '' ? [] : keep(rules), snapshots, now)
    .filter((verdict) => verdict.keep)
    .map(({ id }) => id);
const reasonOf = (id: string, verdicts: ReturnType<typeof decideRetention>): string | undefined =>
  verdicts.find((verdict) => verdict.id === id)?.reason;

describe('what stays', () => {
  const quarters = taken(
    '2025-06-01T09:45',
    '2025-06-01T10:00',
    '2025-06-01T10:15',
    '2025-06-01T10:30',
    '2025-06-01T10:45',
    '2025-06-01T11:00',
  );

  test('is the oldest of each hour within the span', () => {
    expect(kept('24h:1h', quarters)).toEqual(['2025-06-01T09:45', '2025-06-01T10:00', '2025-06-01T11:00']);
  });

  test('is everything with `all`, and nothing beyond the span but what another rule keeps', () => {
    expect(kept('30m:all', quarters)).toEqual(['2025-06-01T10:30', '2025-06-01T10:45', '2025-06-01T11:00']);
    expect(kept('30m:all 24h:1h', quarters)).toEqual(
      quarters.map(({ id }) => id).filter((id) => !id.endsWith('10:15')),
    );
  });

  test('is the last n, and always the newest', () => {
    expect(kept('last:2', quarters)).toEqual(['2025-06-01T10:45', '2025-06-01T11:00']);
    const tail = taken('2025-06-01T11:00', '2025-06-01T11:15', '2025-06-01T11:30');
    expect(kept('24h:1h', tail)).toEqual(['2025-06-01T11:00', '2025-06-01T11:30']);
    expect(reasonOf('2025-06-01T11:30', decideRetention(keep('24h:1h'), tail))).toBe('the newest');
  });

  test('is everything without a policy', () => {
    expect(kept('', quarters)).toHaveLength(quarters.length);
    expect(kept('24h:1h', [])).toEqual([]);
  });

  test('is one per day, week from Monday, month and year of UTC', () => {
    const days = taken(
      '2024-12-29T23:59',
      '2024-12-30T00:00',
      '2024-12-31T23:59',
      '2025-01-01T00:00',
      '2025-01-05T12:00',
    );
    expect(kept('1y:1d', days)).toHaveLength(5);
    // 30 December 2024 was a Monday.
    expect(kept('52w:1w', days)).toEqual(['2024-12-29T23:59', '2024-12-30T00:00', '2025-01-05T12:00']);
    expect(kept('12mo:1mo', days)).toEqual(['2024-12-29T23:59', '2025-01-01T00:00', '2025-01-05T12:00']);
    expect(kept('5y:1y', days)).toEqual(['2024-12-29T23:59', '2025-01-01T00:00', '2025-01-05T12:00']);
    const leap = taken(
      '2024-02-28T12:00',
      '2024-02-29T23:00',
      '2024-03-01T00:00',
      '2024-03-31T23:59',
      '2024-04-01T00:00',
    );
    expect(kept('12mo:1mo', leap)).toEqual(['2024-02-28T12:00', '2024-03-01T00:00', '2024-04-01T00:00']);
  });

  test('has a reason, and so has what goes', () => {
    const verdicts = decideRetention(keep('24h:1h 336h:24h last:1'), [
      ...quarters,
      { id: 'mine', takenAt: at('2025-01-01T00:00'), protected: 'manual' },
      { id: 'old', takenAt: at('2025-01-01T00:00') },
    ]);
    expect(reasonOf('2025-06-01T10:00', verdicts)).toBe('oldest of its hour (1d:1h)');
    expect(reasonOf('2025-06-01T10:15', verdicts)).toBe('an older one stays for the same time (1d:1h, 2w:1d)');
    expect(reasonOf('mine', verdicts)).toBe('manual');
    expect(reasonOf('old', verdicts)).toBe('older than every rule keeps');
  });

  test('is a scheduled one as well when a manual one is older in the same hour', () => {
    const manual = { id: 'mine', takenAt: at('2025-06-01T10:00'), protected: 'manual' };
    const rest = taken('2025-06-01T10:15', '2025-06-01T10:30', '2025-06-01T11:00');
    expect(kept('24h:1h', [manual, ...rest])).toEqual(['mine', '2025-06-01T10:15', '2025-06-01T11:00']);
    expect(kept('last:1', [{ ...manual, takenAt: at('2025-06-01T12:00') }, ...rest])).toEqual([
      '2025-06-01T11:00',
      'mine',
    ]);
  });

  test('is what a year of hourly snapshots leaves', () => {
    const start = at('2024-06-01T00:00');
    const year = Array.from({ length: 8760 }, (_, n) => ({
      id: String(n).padStart(5, '0'),
      takenAt: start + n * 3_600_000,
    }));
    // 25 hours with both ends of the span, 14 more days, 7 more weeks, 12 more months.
    expect(kept('24h:1h 14d:1d 8w:1w 12mo:1mo', year)).toHaveLength(58);
  });
});

describe('a clock that jumps', () => {
  const day = taken('2025-06-01T08:00', '2025-06-01T09:00', '2025-06-01T10:00');

  test('forward cannot drop anything while no snapshot is taken: time counts from the newest', () => {
    expect(kept('24h:1h', day, at('2035-01-01T00:00'))).toHaveLength(3);
  });

  test('back leaves snapshots in the future: they stay, and older ones are not measured from them', () => {
    const future = taken('2035-01-01T00:00', '2035-01-01T00:01');
    expect(kept('24h:1h', [...day, ...future], at('2025-06-01T10:30'))).toHaveLength(5);
    // Without the time of the lab, the one from the future is the newest.
    expect(kept('24h:1h', [...day, ...future])).toEqual(['2035-01-01T00:00', '2035-01-01T00:01']);
  });
});

describe('for any policy and any snapshots', () => {
  const unit = fc.constantFrom('m', 'h', 'd', 'w', 'mo', 'y');
  const rule = fc
    .oneof(
      fc.integer({ min: 1, max: 50 }).map((n) => `last:${n}`),
      fc.tuple(fc.integer({ min: 1, max: 60 }), unit).map(([n, u]) => `${n}${u}:all`),
      fc
        .tuple(fc.integer({ min: 1, max: 60 }), unit, fc.integer({ min: 1, max: 10 }), unit)
        .map(([n, u, m, v]) => `${n}${u}:${m}${v}`),
    )
    .filter((text) => typeof parseKeep(text) !== 'string')
    .map((text) => keep(text)[0] as KeepRule);
  const rules = fc.array(rule, { minLength: 1, maxLength: 5 });
  const base = at('2025-06-01T00:00');
  const snapshots = fc
    .array(
      fc.record({
        // Minutes, hours and years apart; also equal times and times before 1970.
        ago: fc.oneof(
          fc.integer({ min: 0, max: 30 }),
          fc.integer({ min: 0, max: 1e5 }),
          fc.integer({ min: -1e6, max: 4e7 }),
        ),
        protected: fc.option(fc.constantFrom('manual', 'stash'), { freq: 6 }),
      }),
      { maxLength: 60, size: '+1' },
    )
    .map((list) =>
      list.map(({ ago, protected: by }, index): RetainedSnapshot => {
        const snapshot = { id: `s${index}`, takenAt: base - ago * 60_000 };
        return by === null ? snapshot : { ...snapshot, protected: by };
      }),
    );
  const now = fc.constantFrom(undefined, base, base - 864e5);
  const keptOf = (...input: Parameters<typeof decideRetention>): ReadonlySet<string> =>
    new Set(
      decideRetention(...input)
        .filter((verdict) => verdict.keep)
        .map(({ id }) => id),
    );

  test('each snapshot gets one verdict, and never all are dropped', () => {
    fc.assert(
      fc.property(rules, snapshots, now, (policy, all, time) => {
        const verdicts = decideRetention(policy, all, time);
        expect(verdicts.map(({ id }) => id).toSorted()).toEqual(all.map(({ id }) => id).toSorted());
        expect(verdicts.every(({ reason }) => reason !== '')).toBe(true);
        if (all.length > 0) expect(verdicts.some((verdict) => verdict.keep)).toBe(true);
      }),
    );
  });

  test('their order does not matter', () => {
    fc.assert(
      fc.property(rules, snapshots, fc.infiniteStream(fc.nat()), (policy, all, keys) => {
        const shuffled = all
          .map((snapshot) => [keys.next().value as number, snapshot] as const)
          .toSorted((a, b) => a[0] - b[0])
          .map(([, snapshot]) => snapshot);
        expect(decideRetention(policy, shuffled)).toEqual(decideRetention(policy, all));
      }),
    );
  });

  test('another rule never drops more', () => {
    fc.assert(
      fc.property(rules, rule, snapshots, now, (policy, another, all, time) => {
        const more = keptOf([...policy, another], all, time);
        for (const id of keptOf(policy, all, time)) expect(more).toContain(id);
      }),
    );
  });

  test('what was kept is kept again', () => {
    fc.assert(
      fc.property(rules, snapshots, now, (policy, all, time) => {
        const first = keptOf(policy, all, time);
        const left = all.filter(({ id }) => first.has(id));
        expect(keptOf(policy, left, time)).toEqual(first);
      }),
    );
  });

  test('protected ones stay, and protecting one never drops another', () => {
    fc.assert(
      fc.property(rules, snapshots, fc.nat(), now, (policy, all, pick, time) => {
        const before = keptOf(policy, all, time);
        for (const { id, protected: by } of all) if (by !== undefined) expect(before).toContain(id);
        const chosen = all[pick % Math.max(1, all.length)];
        const after = keptOf(
          policy,
          all.map((one) => (one === chosen ? { ...one, protected: 'manual' } : one)),
          time,
        );
        for (const id of before) expect(after).toContain(id);
      }),
    );
  });

  test('one more snapshot in the future drops nothing', () => {
    fc.assert(
      fc.property(rules, snapshots, fc.integer({ min: 1, max: 1e12 }), (policy, all, ahead) => {
        const future = { id: 'future', takenAt: base + ahead };
        const after = keptOf(policy, [...all, future], base);
        for (const id of keptOf(policy, all, base)) expect(after).toContain(id);
      }),
    );
  });
});
