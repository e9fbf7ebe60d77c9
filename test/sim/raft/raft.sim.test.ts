/** Groups of all sizes in all weathers. A failure names the seed, and how to see it again. */
import { describe, expect, test } from 'vitest';
import { seedsTried } from './seeds.ts';
import { simulateRaft } from './simulate.ts';

/** Together about a minute on one core; `npm run sim` goes on for ever. */
const seeds = seedsTried.modelled;
const perTest = 100;

describe('a group of members keeps every law of consensus, whatever strikes it', () => {
  for (let from = 1; from <= seeds; from += perTest) {
    test(`seeds ${from} to ${from + perTest - 1}`, () => {
      for (let seed = from; seed < from + perTest; seed++) {
        const { wrong } = simulateRaft({ seed });
        expect(wrong, `replay it: npm run sim -- --of consensus --seed ${seed}`).toEqual([]);
      }
    });
  }
});

describe('the simulation', () => {
  test('gives the same trace for the same seed, to the last byte', () => {
    for (const seed of [3, 14, 159, 265]) {
      const lines: string[][] = [[], []];
      const results = lines.map((mine) => simulateRaft({ seed, log: (line) => mine.push(line) }));
      expect(results[0]).toEqual(results[1]);
      expect(lines[0]).toEqual(lines[1]);
      expect(simulateRaft({ seed }).trace).toBe(results[0]?.trace);
    }
  });

  test('demands life from most groups, and gets much done in them', () => {
    const results = Array.from({ length: 60 }, (_, at) => simulateRaft({ seed: 5000 + at }));
    expect(results.filter(({ mustLive }) => mustLive).length).toBeGreaterThan(45);
    expect(results.reduce((sum, { answered }) => sum + answered, 0)).toBeGreaterThan(60 * 150);
  });
});
