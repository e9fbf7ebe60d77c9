/** A lab under the faults that a seed draws, for so long. */
import { expect } from 'vitest';
import { seededRandom } from '#io/devices/random/sim.ts';
import type { World } from '#io/world/world.ts';
import { simulate } from './simulate.ts';
import { drawScript } from './swarm.ts';

const seconds = 300;
/** Tried by all tests; among as many each canary has to be found. */
export const seeds = 40;
/** The first so many of them are tried by `npm test`, the others by `npm run test:thorough`. */
export const seedsOfEveryDay = 3;

export const scripted = (seed: number, sabotage?: (world: World) => void) =>
  simulate({ seed, script: drawScript(seededRandom(seed), seconds), ...(sabotage ? { sabotage } : {}) });

export const replay = (seed: number): string => `replay it: npm run sim -- --seed ${seed} --seconds ${seconds}`;

export async function keepsItsPromises(from: number, to: number): Promise<void> {
  for (let seed = from; seed <= to; seed++) {
    const { wrong } = await scripted(seed);
    expect(wrong, replay(seed)).toEqual([]);
  }
}
