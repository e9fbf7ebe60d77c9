/** More lives of replicas between pools of all kinds. */
import { expect, test } from 'vitest';
import { swarmAcross } from './replicas-across.ts';

const seeds = Array.from({ length: 16 }, (_, n) => n + 3);

test.each(seeds)('replicas between pools of all kinds are always a snapshot of their volume: seed %i', async (seed) => {
  expect((await swarmAcross(seed)).wrong).toBeUndefined();
});
