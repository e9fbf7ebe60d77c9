/** Each rule of leases is needed: the simulation finds out when it is missing. */
import { describe, expect, test } from 'vitest';
import { bundleOf } from '../raft/bundle.ts';
import { leaseCanaries } from './canaries.ts';
import { leaseSeedsTried } from './seeds.ts';
import type { simulateLeases } from './simulate.ts';

interface Simulation {
  readonly simulateLeases: typeof simulateLeases;
}

export function areFound(which: (canary: (typeof leaseCanaries)[number], at: number) => boolean): void {
  describe('the simulation of leases finds out when', () => {
    test.for(leaseCanaries.filter(which))('$name', async (canary) => {
      const { simulateLeases: simulate } = await bundleOf<Simulation>('test/sim/lease/simulate.ts', canary);
      expect(canary.seed ?? 1, 'the seed that is known for it is not tried otherwise').toBeLessThanOrEqual(
        leaseSeedsTried,
      );
      let found: readonly string[] = [];
      const seeds = [canary.seed ?? 1, ...Array.from({ length: leaseSeedsTried }, (_, at) => at + 1)];
      for (const seed of seeds) {
        found = simulate({ seed }).wrong;
        if (found.length > 0) break;
      }
      expect(found, `${leaseSeedsTried} seeds did not notice`).not.toEqual([]);
    });
  });
}
