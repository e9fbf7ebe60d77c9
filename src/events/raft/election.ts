/** Campaigns, votes and their outcome (§5.2, §5.4.1; pre-vote §9.6; transfer §3.10). */
import { isVoter, votersOf } from './configuration.ts';
import { isUpToDate, type PeerId } from './entry.ts';
import type { PreVote, PreVoteResponse, Vote, VoteResponse } from './message.ts';
import { leaderOf, type Candidate, type Core, type PreCandidate } from './state.ts';
import { tally } from './tally.ts';
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from './transitions.ts';

/** Nobody leads, as far as this member knows. */
export function campaign(core: Core): void {
  if (!mayCampaign(core)) return;
  if (core.settings.preVote) askBefore(core);
  else stand(core, false);
}

/** The leader wants this member to lead: no need to ask before, and nobody protects the leader. */
export function campaignAsSuccessor(core: Core): void {
  if (mayCampaign(core)) stand(core, true);
}

/**
 * A voter may, unless its configuration is about to change (the entry is committed and not applied: it may not even be a
 * voter any more), its state is being replaced, or its disk hangs (it could not store a vote).
 */
function mayCampaign(core: Core): boolean {
  const { log } = core;
  if (core.role.name === 'leader' || !isVoter(core.configuration, core.id)) return false;
  if (log.installing || core.outbox.stalledTicks > core.settings.electionTicks) return false;
  // Even everybody's vote could not bring back what this member's own log is known to lack.
  if (core.suspect && !isUpToDate(log.end, core.suspect)) return false;
  // A suspect may have forgotten what is committed: any change in its log may be in force.
  const known = core.suspect ? log.last : log.committed;
  for (let index = log.applied + 1; index <= known; index++) if (log.at(index)?.type === 'change') return false;
  return true;
}

function askBefore(core: Core): void {
  becomePreCandidate(core);
  for (const to of others(core)) core.outbox.send.push({ type: 'pre-vote', to, ...ballot(core, core.term + 1, false) });
  if (core.role.name === 'pre-candidate') count(core, core.role, core.id, true, core.suspect !== undefined);
}

function stand(core: Core, transfer: boolean): void {
  becomeCandidate(core, transfer);
  // Not before term and vote are durable: a voter might count this member for a log that a crash takes back from it.
  for (const to of others(core)) core.outbox.thenSend.push({ type: 'vote', to, ...ballot(core, core.term, transfer) });
}

const ballot = ({ id, log }: Core, term: number, transfer: boolean) =>
  ({ from: id, term, lastIndex: log.last, lastTerm: log.lastTerm, committed: log.lastCommitted, transfer }) as const;

const others = (core: Core): readonly PeerId[] => votersOf(core.configuration).filter((peer) => peer !== core.id);

/** Somebody asks before an election. Binds nobody, and is forgotten at once. */
export function onPreVote(core: Core, message: PreVote): void {
  const granted = (message.term > core.term || isFree(core, message.from)) && mayHave(core, message);
  const term = granted ? message.term : core.term;
  const suspect = core.suspect !== undefined;
  const committed = core.log.lastCommitted;
  const answer = { from: core.id, to: message.from, term, granted, suspect, committed } as const;
  core.outbox.send.push({ type: 'pre-vote-response', ...answer });
}

/** Whoever is asked answers, a learner too: it may be a voter already without having heard of it. */
export function onVote(core: Core, message: Vote): void {
  const granted = isFree(core, message.from) && mayHave(core, message);
  const suspect = core.suspect !== undefined;
  const committed = core.log.lastCommitted;
  const verdict = { granted, suspect, committed };
  const answer = { type: 'vote-response', from: core.id, to: message.from, term: core.term, ...verdict } as const;
  if (!granted) {
    core.outbox.send.push(answer);
    return;
  }
  core.electionElapsed = 0;
  core.vote = message.from;
  core.outbox.thenSend.push(answer);
}

/** Its vote of this term is not given, or was given to the same candidate. */
const isFree = (core: Core, candidate: PeerId): boolean =>
  core.vote === candidate || (core.vote === undefined && leaderOf(core) === undefined);

/** Whether the candidate's log has all that this member ever acknowledged. */
function mayHave(core: Core, ballot: PreVote | Vote): boolean {
  if (!isUpToDate(ballot, core.log.end)) return false;
  const mark = core.suspect;
  if (!mark) return true;
  // It may have voted in the term of its watermark without knowing it.
  return ballot.term > mark.term && isUpToDate(ballot, mark);
}

export function onPreVoteResponse(core: Core, message: PreVoteResponse, role: PreCandidate): void {
  if (message.granted && message.term !== core.term + 1) return;
  if (!learnCommitted(core, message)) count(core, role, message.from, message.granted, message.suspect);
}

/**
 * Somebody who asks for a vote, or was asked for one, knows that an entry is committed which this member has too. It must
 * hear of it: the entry may be a change after which it needs fewer votes, and those that it needs until then may be of
 * members who left with a longer log, who refuse for ever and do not campaign themselves. Or this member is a suspect
 * who does not campaign because it does not know whether a change in its log is in force.
 * @returns whether there is a change to apply now before it may campaign
 */
export function learnCommitted(core: Core, { committed }: PreVote | PreVoteResponse | Vote | VoteResponse): boolean {
  const { log, role } = core;
  if (role.name === 'leader' || committed.index <= log.committed || !log.has(committed.index, committed.term))
    return false;
  log.commitTo(committed.index);
  if (role.name === 'follower' || mayCampaign(core)) return false;
  becomeFollower(core, core.term, undefined);
  return true;
}

export function onVoteResponse(core: Core, message: VoteResponse, role: Candidate): void {
  if (!learnCommitted(core, message)) count(core, role, message.from, message.granted, message.suspect);
}

/** Its own vote, as soon as that is durable. */
export function onOwnVoteDurable(core: Core, role: Candidate): void {
  count(core, role, core.id, true, core.suspect !== undefined);
}

/** What a member says counts once. */
function count(core: Core, role: PreCandidate | Candidate, from: PeerId, granted: boolean, suspect: boolean): void {
  if (role.votes.has(from)) return;
  role.votes.set(from, granted ? (suspect ? 'suspect' : 'granted') : 'refused');
  const outcome = tally(core.configuration, role.votes);
  if (outcome === 'lost') becomeFollower(core, core.term, undefined);
  else if (outcome !== 'open' && role.name === 'pre-candidate') stand(core, false);
  else if (outcome !== 'open') becomeLeader(core, outcome === 'won-by-all');
}
