/** Leases in all weathers, seed by seed. A failure names the seed, and how to see it again. */
import { describe, expect, test } from 'vitest';
import { simulateLeases } from './simulate.ts';

const perTest = 50;

export function leasesAreKept(from: number, to: number): void {
  describe('whom a leader takes for stopped is stopped, whatever strikes the lab', () => {
    for (let first = from; first <= to; first += perTest) {
      const last = Math.min(to, first + perTest - 1);
      test(`seeds ${first} to ${last}`, () => {
        for (let seed = first; seed <= last; seed++) {
          const { wrong } = simulateLeases({ seed });
          expect(wrong, `replay it: npm run sim -- --of leases --seed ${seed}`).toEqual([]);
        }
      });
    }
  });
}
