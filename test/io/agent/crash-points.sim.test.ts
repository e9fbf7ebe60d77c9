/** Some of the points at which daemons die; `crash-points.thorough.test.ts` has all of them. */
import { describe, test } from 'vitest';
import { canceledStory, handoverStory, replicaStory } from './crash-points.ts';

describe('nothing is lost and no two can be written when daemons die', () => {
  test.each([2])('%d ms into each step of a hand-over', handoverStory, 60_000);
  test.each([1])('%d ms into each step of one that is given up', canceledStory, 60_000);
  test.each([4])('%d ms into each step of a replica', replicaStory, 60_000);
});
