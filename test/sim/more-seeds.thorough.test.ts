/** The second half of the seeds of which `npm test` tries the first. */
import { test } from 'vitest';
import { keepsItsPromises, seeds } from './scripted.ts';

test(
  `a lab under faults keeps its promises for ${seeds / 2} seeds more`,
  () => keepsItsPromises(seeds / 2 + 1, seeds),
  600_000,
);
