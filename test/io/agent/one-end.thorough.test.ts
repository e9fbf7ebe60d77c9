/** One end of a replication dies at every moment, between all kinds of pools; `one-end.sim.test.ts` has some of them. */
import { describe, test } from 'vitest';
import { oneEndDies } from './one-end-dies.ts';

describe.each(['source', 'target'] as const)('when the daemon of the %s dies at any moment', (victim) => {
  test.each([
    ['btrfs', 'btrfs'],
    ['zfs', 'zfs'],
    ['btrfs', 'zfs'],
    ['zfs', 'dir'],
    ['dir', 'btrfs'],
  ] as const)(
    'on a way from %s to %s, nothing is lost, and the lab says what happened',
    (from, to) => oneEndDies({ victim, from, to, everyMs: 1 }),
    300_000,
  );
});
