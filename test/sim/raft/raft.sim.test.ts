/** Groups of all sizes in all weathers, and what the simulation of them is worth. */
import { describe, expect, test } from 'vitest';
import { keeps, modelledKeeps, modelledTitle } from './many.ts';
import { furtherSeeds, seedsOfEveryDay } from './seeds.ts';
import { simulateRaft } from './simulate.ts';

/** The others are in `more-seeds.thorough.test.ts`. */
keeps(modelledTitle, { from: 1, to: seedsOfEveryDay.modelled, perTest: 100 }, modelledKeeps);

describe('a group that finds what none of these finds', () => {
  test.each(furtherSeeds)('seed %i', modelledKeeps);
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
