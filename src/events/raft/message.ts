/**
 * What peers say to one another. Every message carries its sender's term; `terms.ts` judges that before anything else.
 * The bytes of a snapshot travel beside its message, in a stream that the driver owns.
 */
import type { Entry, PeerId, SnapshotMeta } from './entry.ts';

interface Envelope {
  readonly from: PeerId;
  readonly to: PeerId;
  readonly term: number;
}

interface Ballot extends Envelope {
  /** Of the candidate's log. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** What the candidate knows to be committed: a voter that has that entry may not have heard of it. */
  readonly committed: { readonly index: number; readonly term: number };
  /** The leader asked for this election (§3.10): a voter need not protect it. */
  readonly transfer: boolean;
}

/** "Would you vote for me in this term?", without anybody changing theirs (§9.6). `term` is the one to come. */
export interface PreVote extends Ballot {
  readonly type: 'pre-vote';
}

export interface Vote extends Ballot {
  readonly type: 'vote';
}

interface Answer extends Envelope {
  readonly granted: boolean;
  /** What the voter knows to be committed: a candidate that has that entry may not have heard of it. */
  readonly committed: { readonly index: number; readonly term: number };
  /** The voter does not trust its own disk; its vote counts only where every voter gave theirs (see `tally.ts`). */
  readonly suspect: boolean;
}

/** Granted: `term` is the one that was asked about. Refused: the voter's own. */
export interface PreVoteResponse extends Answer {
  readonly type: 'pre-vote-response';
}

export interface VoteResponse extends Answer {
  readonly type: 'vote-response';
}

/** Entries that follow (`prevIndex`, `prevTerm`); without entries a probe, or news of the commit index. */
export interface Append extends Envelope {
  readonly type: 'append';
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

export interface AppendResponse extends Envelope {
  readonly type: 'append-response';
  /** Accepted: the follower's durable log equals the leader's up to here. Rejected: the `prevIndex` it does not have. */
  readonly index: number;
  /** Where the leader should look next: the follower's newest entry that can match, and its term. */
  readonly hint: { readonly index: number; readonly term: number } | undefined;
  /** The follower's disk lost entries: it may reject what it had acknowledged. */
  readonly suspect: boolean;
}

export interface Heartbeat extends Envelope {
  readonly type: 'heartbeat';
  /** No further than what this follower is known to have, */
  readonly commit: number;
  /** and the term of the entry there; undefined when the leader has compacted it. */
  readonly commitTerm: number | undefined;
  /** Of the newest round in which the leader asks whether it still leads. Made by the leader, grows within its term. */
  readonly token: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly type: 'heartbeat-response';
  readonly token: number;
  /** Where the follower's log ends: less than what it acknowledged when its disk lost that. */
  readonly lastIndex: number;
  readonly lastTerm: number;
}

export interface Snapshot extends Envelope {
  readonly type: 'snapshot';
  readonly snapshot: SnapshotMeta;
}

/** Campaign at once, you are to lead (§3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: 'timeout-now';
}

/** Up to where must I have applied, so that I read nothing stale? */
export interface Read extends Envelope {
  readonly type: 'read';
  /** The asker's name for it, echoed: good once, or a late answer would be taken for another one's. To the leader it proves nothing. */
  readonly request: string;
}

export interface ReadResponse extends Envelope {
  readonly type: 'read-response';
  readonly request: string;
  readonly index: number;
}

/** There will be no answer: ask again. */
export interface ReadRefusal extends Envelope {
  readonly type: 'read-refusal';
  readonly request: string;
  readonly why: ReadRefused;
}

/**
 * `no-leader`: nobody is known to lead. `too-many`: more reads wait already than may (`maxPendingReads`).
 * `leader-changed`: whoever was asked does not lead any more. `unanswered`: nothing was heard for an election time-out.
 */
export type ReadRefused = 'no-leader' | 'too-many' | 'leader-changed' | 'unanswered';

export type Message =
  | PreVote
  | PreVoteResponse
  | Vote
  | VoteResponse
  | Append
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | Snapshot
  | TimeoutNow
  | Read
  | ReadResponse
  | ReadRefusal;

export type MessageType = Message['type'];

export type MessageOf<T extends MessageType> = Extract<Message, { type: T }>;
