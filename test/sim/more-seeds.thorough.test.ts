/** The seeds that `npm test` leaves out. */
import { test } from 'vitest';
import { keepsItsPromises, seeds, seedsOfEveryDay } from './scripted.ts';

test(
  `a lab under faults keeps its promises for ${seeds - seedsOfEveryDay} seeds more`,
  () => keepsItsPromises(seedsOfEveryDay + 1, seeds),
  900_000,
);
