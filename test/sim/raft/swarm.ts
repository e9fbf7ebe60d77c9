/** What strikes a group in one seed: a random half of all faults, so that rare combinations come up (swarm testing). */
import type { SeededRandom } from '#io/devices/random/sim.ts';

export const faultKinds = [
  'kill',
  'kill-all',
  'pause',
  'cut-one-way',
  'cut-both-ways',
  'isolate',
  'split',
  'clog',
  'loss',
  'replay',
  'slow-network',
  'slow-disk',
  'stalled-disk',
  'failed-write',
  'lost-tail',
  'lost-tail-everywhere',
  'wipe',
  'old-disk',
  'odd-clock',
  'slow-apply',
  'campaign',
  'transfer',
  'forget-leader',
  'unreachable',
  'change',
  'snapshots',
] as const;

/** Of real storage on simulated media. */
export const storageFaultKinds = [
  'bit-rot',
  'misdirected-write',
  'lost-record',
  'lost-file',
  'rotten-history',
  'power-cut',
  'full-disk',
  'failed-sync',
] as const;

export type FaultKind = (typeof faultKinds)[number] | (typeof storageFaultKinds)[number];

export interface Plan {
  readonly voters: number;
  readonly machines: number;
  readonly clients: number;
  readonly faults: readonly FaultKind[];
  /** On average between two faults. */
  readonly everyMs: number;
  readonly preVote: boolean;
  readonly checkQuorum: boolean;
  /** Small windows make flow control work. */
  readonly narrow: boolean;
  /** The real storage is under each member. */
  readonly isStored: boolean;
}

export function drawPlan(random: SeededRandom, isStored: boolean): Plan {
  const voters = random.pick([1, 3, 3, 3, 5, 5, 7]);
  return {
    voters,
    machines: voters + random.below(3),
    clients: 2 + random.below(3),
    faults: [...faultKinds, ...(isStored ? storageFaultKinds : [])].filter(() => random.chance(0.5)),
    everyMs: random.pick([150, 400, 1000]),
    preVote: random.chance(0.8),
    checkQuorum: random.chance(0.8),
    narrow: random.chance(0.5),
    isStored,
  };
}
