/** Leases in all weathers, and what the simulation of them is worth. The other seeds are in `lease/more-seeds.thorough.test.ts`. */
import { describe, expect, test } from 'vitest';
import { leasesAreKept } from './lease/many.ts';
import { leaseSeedsOfEveryDay } from './lease/seeds.ts';
import { simulateLeases } from './lease/simulate.ts';

leasesAreKept(1, leaseSeedsOfEveryDay);

describe('the simulation of leases', () => {
  test('gives the same trace for the same seed', () => {
    for (const seed of [2, 71]) {
      const lines: string[][] = [[], []];
      for (const mine of lines) simulateLeases({ seed, log: (line) => mine.push(line) });
      expect(lines[0]).toEqual(lines[1]);
    }
  });

  test('sees many grants, elections and nodes that were taken for dead', () => {
    const results = Array.from({ length: 30 }, (_, at) => simulateLeases({ seed: 9000 + at }));
    const sum = (what: 'grants' | 'fenced' | 'terms'): number => results.reduce((all, one) => all + one[what], 0);
    expect(sum('grants')).toBeGreaterThan(30 * 100);
    expect(sum('fenced')).toBeGreaterThan(30 * 2);
    expect(sum('terms')).toBeGreaterThan(30 * 3);
  });
});
