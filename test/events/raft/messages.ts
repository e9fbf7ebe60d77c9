/** Messages as tests need them, written from where they come to where they go: `heartbeat('a', 'b', 2)`. */
import { asPeer, type Entry } from '#events/raft/entry.ts';
import type {
  Append,
  AppendResponse,
  Heartbeat,
  HeartbeatResponse,
  PreVote,
  PreVoteResponse,
  Vote,
  VoteResponse,
} from '#events/raft/message.ts';

const envelope = (from: string, to: string, term: number) => ({ from: asPeer(from), to: asPeer(to), term });

export const heartbeat = (
  from: string,
  to: string,
  term: number,
  commit = 0,
  token = 0,
  commitTerm = commit === 0 ? 0 : term,
): Heartbeat => ({ type: 'heartbeat', ...envelope(from, to, term), commit, commitTerm, token });

/** @param log where the follower's ends */
export const heartbeatResponse = (
  from: string,
  to: string,
  term: number,
  token = 0,
  log: { readonly index: number; readonly term: number } = { index: 0, term: 0 },
): HeartbeatResponse => ({
  type: 'heartbeat-response',
  ...envelope(from, to, term),
  token,
  lastIndex: log.index,
  lastTerm: log.term,
});

/** @param after the entry before those that are sent */
export const append = (
  from: string,
  to: string,
  term: number,
  after: { readonly index: number; readonly term: number },
  entries: readonly Entry[] = [],
  commit = 0,
): Append => ({
  type: 'append',
  ...envelope(from, to, term),
  prevIndex: after.index,
  prevTerm: after.term,
  entries,
  commit,
});

export const accepted = (from: string, to: string, term: number, index: number): AppendResponse => ({
  type: 'append-response',
  ...envelope(from, to, term),
  index,
  hint: undefined,
  suspect: false,
});

/** @param log where the candidate's ends */
export const vote = (
  from: string,
  to: string,
  term: number,
  log: { readonly index: number; readonly term: number } = { index: 0, term: 0 },
  transfer = false,
): Vote => ({
  type: 'vote',
  ...envelope(from, to, term),
  lastIndex: log.index,
  lastTerm: log.term,
  committed: { index: 0, term: 0 },
  transfer,
});

export const preVote = (...of: Parameters<typeof vote>): PreVote => ({ ...vote(...of), type: 'pre-vote' });

export const voteResponse = (
  from: string,
  to: string,
  term: number,
  granted: boolean,
  suspect = false,
): VoteResponse => ({
  type: 'vote-response',
  ...envelope(from, to, term),
  granted,
  suspect,
  committed: { index: 0, term: 0 },
});

export const preVoteResponse = (...of: Parameters<typeof voteResponse>): PreVoteResponse => ({
  ...voteResponse(...of),
  type: 'pre-vote-response',
});

/** Entries after `from`, of these terms. */
export const entriesAfter = (from: number, ...terms: readonly number[]): Entry[] =>
  terms.map((term, at) => ({ type: 'data', term, index: from + 1 + at, data: new Uint8Array(0) }));
