/**
 * What a majority says; in a joint configuration, what both majorities say (§4.3).
 *
 * A half without voters agrees with everything: that is the outgoing half outside of a joint configuration.
 */
import type { Configuration } from './configuration.ts';
import type { PeerId } from './entry.ts';

/** The greatest number that a majority of each half has reached; Infinity without voters. Missing ones count as 0. */
export function reached(of: Configuration, numberOf: (peer: PeerId) => number | undefined): number {
  return Math.min(majorityReached(of.voters, numberOf), majorityReached(of.outgoing, numberOf));
}

/** Whether these are a majority of each half. */
export const isQuorum = (of: Configuration, agrees: (peer: PeerId) => boolean): boolean =>
  hasMajority(of.voters, agrees) && hasMajority(of.outgoing, agrees);

/** How an election stands: `lost` as soon as one half cannot reach its majority any more. */
export function electionOf(of: Configuration, voteOf: (peer: PeerId) => boolean | undefined): 'won' | 'lost' | 'open' {
  if (isQuorum(of, (peer) => voteOf(peer) === true)) return 'won';
  if (isQuorum(of, (peer) => voteOf(peer) !== false)) return 'open';
  return 'lost';
}

function majorityReached(voters: readonly PeerId[], numberOf: (peer: PeerId) => number | undefined): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const numbers = voters.map((peer) => numberOf(peer) ?? 0).sort((a, b) => b - a);
  return numbers[Math.floor(voters.length / 2)] as number;
}

function hasMajority(voters: readonly PeerId[], agrees: (peer: PeerId) => boolean): boolean {
  if (voters.length === 0) return true;
  let count = 0;
  for (const peer of voters) if (agrees(peer)) count++;
  return count > voters.length / 2;
}
