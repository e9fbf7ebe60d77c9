/** Every point at which daemons can die: a millisecond from the next, and two where one step is like the other. */
import { describe, test } from 'vitest';
import { canceledStory, handoverStory, replicaStory } from './crash-points.ts';

const everyMs = Array.from({ length: 24 }, (_, ms) => ms);
const everySecondMs = everyMs.filter((ms) => ms % 2 === 0);

describe('nothing is lost and no two can be written when daemons die', () => {
  test.each(everyMs)('%d ms into each step of a hand-over', handoverStory, 120_000);
  test.each(everySecondMs)('%d ms into each step of one that is given up', canceledStory, 120_000);
  test.each(everySecondMs)('%d ms into each step of a replica', replicaStory, 120_000);
});
