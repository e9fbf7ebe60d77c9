import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSort, matches, parseSort, sorted } from '#ui/web/format/filter.ts';
import { marksFor, nearest, placeOf, spanFor } from '#ui/web/format/timeline.ts';
import { listSearch } from '#ui/web/format/list-search.ts';
import { momentIn } from '#ui/web/format/moment.ts';

describe('filters', () => {
  it('find every word somewhere in the row, whatever the case', () => {
    expect(matches('Photos atlas', ['photos', null, 'Atlas'])).toBe(true);
    expect(matches('photos vega', ['photos', 'atlas'])).toBe(false);
    expect(matches('  ', [])).toBe(true);
  });
});

describe('sorting', () => {
  it('puts what is not known last, in both directions', () => {
    const rows = [3, null, 1, undefined, 2];
    expect(sorted(rows, (row) => row, false)).toEqual([1, 2, 3, null, undefined]);
    expect(sorted(rows, (row) => row, true)).toEqual([3, 2, 1, null, undefined]);
  });

  it('counts numbers in names', () => {
    expect(sorted(['app-10', 'app-9', 'App-1'], (row) => row, false)).toEqual(['App-1', 'app-9', 'app-10']);
  });

  it('is kept in the address', () => {
    const fallback = { column: 'name', descending: false };
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]+$/), fc.boolean(), (column, descending) => {
        expect(parseSort(formatSort({ column, descending }), fallback)).toEqual({ column, descending });
      }),
    );
    expect(parseSort(undefined, fallback)).toBe(fallback);
    expect(parseSort('-', fallback)).toBe(fallback);
  });

  it('takes from the address only what a list understands', () => {
    expect(listSearch({ q: 'x', state: '', sort: '-since', other: 1 })).toEqual({ q: 'x', sort: '-since' });
    expect(listSearch({ q: 42 })).toEqual({ q: '42' });
  });
});

describe('the snapshot timeline', () => {
  const day = 86_400_000;

  it('begins at the oldest and ends now', () => {
    expect(placeOf(0, day)).toBe(1);
    expect(placeOf(day, day)).toBe(0);
    expect(placeOf(2 * day, day)).toBe(0);
    expect(placeOf(-5, day)).toBe(1);
  });

  it('never turns two snapshots around', () => {
    fc.assert(
      fc.property(fc.nat(10 * day), fc.nat(10 * day), (a, b) => {
        expect(Math.sign(placeOf(a, 10 * day) - placeOf(b, 10 * day)) * Math.sign(b - a)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('gives the last hour more room than an hour of last week', () => {
    const recent = placeOf(0, 7 * day) - placeOf(day / 24, 7 * day);
    const old = placeOf(6 * day, 7 * day) - placeOf(6 * day + day / 24, 7 * day);
    expect(recent).toBeGreaterThan(20 * old);
  });

  it('has marks that do not run into one another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3_600_000, max: 3000 * day }), (spanMs) => {
        const places = marksFor(spanMs).map(({ place }) => place);
        for (const [n, place] of places.entries()) expect((places[n - 1] ?? 1) - place).toBeGreaterThanOrEqual(0.1);
      }),
    );
    expect(marksFor(2 * day).map(({ label }) => label)).toContain('1 d');
  });

  it('shows at least an hour, and a little more than the oldest snapshot', () => {
    expect(spanFor(0)).toBe(3_600_000);
    expect(spanFor(day)).toBeGreaterThan(day);
  });

  it('finds the snapshot that is pointed at', () => {
    const items = [{ place: 0.1 }, { place: 0.5 }, { place: 0.9 }];
    expect(nearest(items, 0.65)).toEqual({ place: 0.5 });
    expect(nearest([], 0.5)).toBeUndefined();
  });
});

describe('a moment that somebody wrote', () => {
  it('is the number of an event or a time', () => {
    expect(momentIn('812')).toBe(812);
    expect(momentIn('2026-11-21T14:00:00Z')).toBe('2026-11-21T14:00:00.000Z');
    expect(momentIn('2026-11-21')).toBe('2026-11-21T00:00:00.000Z');
    expect(momentIn('yesterday')).toBeUndefined();
    expect(momentIn('-3')).toBeUndefined();
    expect(momentIn('')).toBeUndefined();
  });
});
