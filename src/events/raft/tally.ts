/**
 * Who has won, from the verdicts so far.
 *
 * Ordinarily a majority decides, and only members count who know all that they ever acknowledged: each majority that
 * committed something shares one of them with it. Members that lost part of their log are suspects. When a power cut
 * has made so many suspects that no majority is left, one more way is open (safety rule 14): *every* voter has to
 * grant. Each grants only to a log at least as up to date as its own, and a suspect only to one that also reaches its
 * watermark; so the winner has the best of what is left. Whether that is everything nobody can know: it is reported.
 */
import { votersOf, type Configuration } from './configuration.ts';
import type { PeerId } from './entry.ts';
import { electionOf } from './quorum.ts';
import type { CastVote } from './state.ts';

export type Outcome = 'won' | 'won-by-all' | 'lost' | 'open';

export function tally(configuration: Configuration, votes: ReadonlyMap<PeerId, CastVote>): Outcome {
  const outcome = electionOf(configuration, (peer) => voteOf(votes.get(peer)));
  if (outcome === 'won') return 'won';
  const isUnanimous = votersOf(configuration).every((peer) => votes.has(peer) && votes.get(peer) !== 'refused');
  return isUnanimous ? 'won-by-all' : outcome;
}

const voteOf = (vote: CastVote | undefined): boolean | undefined =>
  vote === 'granted' ? true : vote === 'refused' ? false : undefined;
