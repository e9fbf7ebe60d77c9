/** Leases in all weathers. A failure names the seed, and how to see it again. */
import { describe, expect, test } from 'vitest';
import { simulateLeases } from './lease/simulate.ts';
import { leaseSeedsTried } from './lease/seeds.ts';

const perTest = 50;

describe('whom a leader takes for stopped is stopped, whatever strikes the lab', () => {
  for (let from = 1; from <= leaseSeedsTried; from += perTest) {
    test(`seeds ${from} to ${from + perTest - 1}`, () => {
      for (let seed = from; seed < from + perTest; seed++) {
        const { wrong } = simulateLeases({ seed });
        expect(wrong, `replay it: npm run sim -- --of leases --seed ${seed}`).toEqual([]);
      }
    });
  }
});

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
