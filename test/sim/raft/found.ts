/** Each deliberate bug is found. A simulation that would not find them proves nothing by finding none. */
import { describe, expect, test } from 'vitest';
import { bundleWith } from './bundle.ts';
import { canaries } from './canaries.ts';
import { furtherSeeds, seedsTried } from './seeds.ts';

type Canary = (typeof canaries)[number];

/** One in three is looked for by `npm test`, the others by `npm run test:thorough`. */
export const isOfEveryDay = (_: unknown, at: number): boolean => at % 3 === 0;

export function areFound(which: (canary: Canary, at: number) => boolean): void {
  describe('the simulation finds out when', () => {
    test.for(canaries.filter(which))('$name', async (canary) => {
      const { simulateRaft, simulateStored } = await bundleWith(canary);
      const [simulate, budget] = canary.isStored
        ? [simulateStored, seedsTried.stored]
        : [simulateRaft, seedsTried.modelled];
      const { seed: known = 1 } = canary;
      const isTried = known <= budget || (!canary.isStored && furtherSeeds.includes(known));
      expect(isTried, 'the seed that is known for it is not tried otherwise').toBe(true);
      let found: readonly string[] = [];
      const seeds = [known, ...Array.from({ length: budget }, (_, at) => at + 1)];
      for (const seed of seeds) {
        found = (await simulate({ seed })).wrong;
        if (found.length > 0) break;
      }
      expect(found, `${budget} seeds did not notice`).not.toEqual([]);
    });
  });
}
