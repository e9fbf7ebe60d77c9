/**
 * The same groups with the real storage under each member: log, watermark and history on simulated disks, which are
 * damaged for real. A failure names the seed, and how to see it again.
 */
import { describe, expect, test } from 'vitest';
import { keeps, storedKeeps, storedTitle } from './many.ts';
import { seedsOfEveryDay } from './seeds.ts';
import { simulateStored } from './simulate.ts';

/** The others are in `more-seeds.thorough.test.ts`. */
keeps(storedTitle, { from: 1, to: seedsOfEveryDay.stored, perTest: 20 }, storedKeeps);

describe('the simulation with real storage', () => {
  test('gives the same trace for the same seed, to the last byte', async () => {
    for (const seed of [4, 18, 47]) {
      const lines: string[][] = [[], []];
      const results = [];
      for (const mine of lines) results.push(await simulateStored({ seed, log: (line) => mine.push(line) }));
      expect(results[0]).toEqual(results[1]);
      expect(lines[0]).toEqual(lines[1]);
    }
  });

  test('damages histories, which are repaired from others; newcomers fetch theirs; all are verified', async () => {
    const lines: string[] = [];
    let fetched = 0;
    let verified = 0;
    for (let seed = 1000; seed < 1025; seed++) {
      const { segments } = await simulateStored({ seed, log: (line) => lines.push(line) });
      fetched += segments.fetched;
      verified += segments.verified;
    }
    expect(verified).toBeGreaterThan(25 * 20);
    expect(fetched).toBeGreaterThan(5);
    const count = (what: string): number => lines.filter((line) => line.includes(what)).length;
    expect(count('finds its history broken')).toBeGreaterThan(0);
    // Of what others send some is wrong, and refused.
    expect(count('did not come')).toBeGreaterThan(0);
  });
});
