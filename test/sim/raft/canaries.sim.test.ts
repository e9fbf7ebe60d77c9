/** Each deliberate bug is found. A simulation that would not find them proves nothing by finding none. */
import { describe, expect, test } from 'vitest';
import { bundleWith } from './bundle.ts';
import { canaries } from './canaries.ts';

/** About four times what the rarest needs, should the seed that is known for it find nothing any more. */
const budget = 2500;

describe('the simulation finds out when', () => {
  test.for(canaries)('$name', async (canary) => {
    const simulate = await bundleWith(canary);
    let found: readonly string[] = [];
    const seeds = [canary.seed ?? 1, ...Array.from({ length: budget }, (_, at) => at + 1)];
    for (const seed of seeds) {
      found = simulate({ seed }).wrong;
      if (found.length > 0) break;
    }
    expect(found, `${budget} seeds did not notice`).not.toEqual([]);
  });
});
