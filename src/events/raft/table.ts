/**
 * Which role does what with which message, once its term was admitted (`terms.ts`). The paper's Figure 2, as a table.
 *
 * `ignored` is a decision too; beside each stands why.
 */
import { onPreVote, onPreVoteResponse, onVote, onVoteResponse } from './election.ts';
import {
  onAppend,
  onHeartbeat,
  onReadAstray,
  onReadInVain,
  onReadRefusal,
  onReadResponse,
  onSnapshot,
  onTimeoutNow,
} from './follower.ts';
import { onAppendResponse, onHeartbeatResponse, onRead, onRival } from './leader.ts';
import type { Message, MessageOf, MessageType } from './message.ts';
import type { Core, RoleName, RoleOf } from './state.ts';

type Handler<R extends RoleName, T extends MessageType> =
  | ((core: Core, message: MessageOf<T>, role: RoleOf<R>) => void)
  | 'ignored';

type Table = { readonly [R in RoleName]: { readonly [T in MessageType]: Handler<R, T> } };

/** Answers to what this member did not ask, or asked in another role. */
const noAnswersAwaited = {
  'append-response': 'ignored',
  'heartbeat-response': 'ignored',
} as const;

/** It does not follow the leader that it asked: whoever wanted to read was told already. */
const noReadsAwaited = {
  'read-response': 'ignored',
  'read-refusal': 'ignored',
} as const;

/** Of the leader of this term: whoever else campaigned in it has lost. */
const fromTheLeader = {
  append: onAppend,
  heartbeat: onHeartbeat,
  snapshot: onSnapshot,
} as const;

export const table: Table = {
  follower: {
    ...fromTheLeader,
    ...noAnswersAwaited,
    'pre-vote': onPreVote,
    'pre-vote-response': 'ignored',
    vote: onVote,
    'vote-response': 'ignored',
    'timeout-now': onTimeoutNow,
    read: onReadAstray,
    'read-response': onReadResponse,
    'read-refusal': onReadRefusal,
  },
  'pre-candidate': {
    ...fromTheLeader,
    ...noAnswersAwaited,
    ...noReadsAwaited,
    'pre-vote': onPreVote,
    'pre-vote-response': onPreVoteResponse,
    // It has not changed its term, and may have its vote to give.
    vote: onVote,
    'vote-response': 'ignored',
    // It has heard no leader of its term for long: the order is from before that.
    'timeout-now': 'ignored',
    read: onReadInVain,
  },
  candidate: {
    ...fromTheLeader,
    ...noAnswersAwaited,
    ...noReadsAwaited,
    'pre-vote': onPreVote,
    'pre-vote-response': 'ignored',
    // Its vote is its own; it says so.
    vote: onVote,
    'vote-response': onVoteResponse,
    'timeout-now': 'ignored', // campaigns already
    read: onReadInVain,
  },
  leader: {
    append: onRival,
    heartbeat: onRival,
    snapshot: onRival,
    ...noReadsAwaited,
    'append-response': onAppendResponse,
    'heartbeat-response': onHeartbeatResponse,
    'pre-vote': onPreVote,
    'pre-vote-response': 'ignored', // the election is over
    vote: onVote,
    'vote-response': 'ignored',
    'timeout-now': 'ignored', // leads already
    read: onRead,
  },
};

export function dispatch(core: Core, message: Message): void {
  const handler = table[core.role.name][message.type];
  // The compiler has proved each cell of the table; it cannot follow that row and column are those of these values.
  if (handler !== 'ignored')
    (handler as (core: Core, message: Message, role: Core['role']) => void)(core, message, core.role);
}
