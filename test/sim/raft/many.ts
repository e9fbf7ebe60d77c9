/** Groups of all sizes in all weathers, seed by seed. A failure names the seed, and how to see it again. */
import { describe, expect, test } from 'vitest';
import { simulateRaft, simulateStored } from './simulate.ts';

/** With the modelled disk. */
export async function modelledKeeps(seed: number): Promise<void> {
  const { wrong } = simulateRaft({ seed });
  expect(wrong, `replay it: npm run sim -- --of consensus --seed ${seed}`).toEqual([]);
}

/** With the real storage under each member, on simulated disks that are damaged for real. */
export async function storedKeeps(seed: number): Promise<void> {
  const { wrong } = await simulateStored({ seed });
  expect(wrong, `replay it: npm run sim -- --of storage --seed ${seed}`).toEqual([]);
}

export function keeps(
  title: string,
  { from, to, perTest }: { readonly from: number; readonly to: number; readonly perTest: number },
  keepsFrom: (seed: number) => Promise<void>,
): void {
  describe(title, () => {
    for (let first = from; first <= to; first += perTest) {
      const last = Math.min(to, first + perTest - 1);
      test(`seeds ${first} to ${last}`, async () => {
        for (let seed = first; seed <= last; seed++) await keepsFrom(seed);
      });
    }
  });
}

export const modelledTitle = 'a group of members keeps every law of consensus, whatever strikes it';
export const storedTitle = 'a group whose disks are damaged keeps every law of consensus, and its history';
