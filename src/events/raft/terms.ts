/**
 * What a message's term says, before its content is looked at (§5.1).
 *
 *   higher  the member adopts it and follows; except that a question before an election (and its grant) changes no term,
 *           and that voters who hear a leader protect it from elections that it did not ask for (§6.2, §9.6)
 *   lower   the sender is behind. It is told the term where it might not learn it otherwise: a leader that is heard by a
 *           member with a higher term, who does not follow it and may not campaign (both would be stuck), and whoever
 *           asks before an election
 */
import { learnCommitted } from './election.ts';
import type { Message } from './message.ts';
import { leaderOf, type Core } from './state.ts';
import { becomeFollower } from './transitions.ts';

/** @returns whether the message counts */
export function admit(core: Core, message: Message): boolean {
  if (message.type === 'pre-vote' || message.type === 'vote') learnCommitted(core, message);
  if (message.term > core.term) return admitHigher(core, message);
  if (message.term < core.term) {
    // What is committed is so in every term.
    if (message.type === 'pre-vote-response' || message.type === 'vote-response') learnCommitted(core, message);
    answerLower(core, message);
  }
  return message.term === core.term;
}

function admitHigher(core: Core, message: Message): boolean {
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      if (!message.transfer && protectsLeader(core)) return false;
      if (message.type === 'vote') followCandidate(core, message.term);
      return true;
    case 'pre-vote-response':
      if (!message.granted) becomeFollower(core, message.term, undefined);
      return true;
    case 'append':
    case 'heartbeat':
    case 'snapshot':
      becomeFollower(core, message.term, message.from);
      return true;
    default:
      becomeFollower(core, message.term, undefined);
      return true;
  }
}

/**
 * Only a vote that is given makes this member wait for the candidate (§5.2). Else candidates that cannot win would keep
 * the one from campaigning that can, for ever.
 */
function followCandidate(core: Core, term: number): void {
  const { electionElapsed } = core;
  becomeFollower(core, term, undefined);
  core.electionElapsed = electionElapsed;
}

const protectsLeader = (core: Core): boolean =>
  core.settings.checkQuorum && leaderOf(core) !== undefined && core.electionElapsed < core.settings.electionTicks;

function answerLower(core: Core, { type, from: to }: Message): void {
  const { id: from, term, outbox } = core;
  if (type === 'pre-vote') {
    const suspect = core.suspect !== undefined;
    const committed = core.log.lastCommitted;
    outbox.send.push({ type: 'pre-vote-response', from, to, term, granted: false, suspect, committed });
  } else if (type === 'append' || type === 'heartbeat') {
    outbox.send.push({ type: 'append-response', from, to, term, index: 0, hint: undefined, suspect: false });
  }
}
