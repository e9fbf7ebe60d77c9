/**
 * What a member is: its term and vote, its log, who belongs to the group, and the one role that it has.
 *
 *                     times out                 majority would vote             majority voted
 *      follower ───────────────────▶ pre-candidate ──────────────▶ candidate ──────────────▶ leader
 *         ▲                               │                            │                        │
 *         └───────────────────────────────┴────────────────────────────┴────────────────────────┘
 *              a higher term · another leads · refused by a majority · the leader hears no majority,
 *              lost its place among the voters, or waits for its disk too long
 *
 * Invariants of the whole: `term` never falls; in a term at most one `vote`; nothing that rests on term, vote or
 * entries leaves before they are durable (`ready.ts`).
 */
import type { Configuration } from './configuration.ts';
import type { Entry, PeerId } from './entry.ts';
import type { RaftLog } from './log.ts';
import type { Outbox } from './outbox.ts';
import type { HandedOut } from './persistence.ts';
import type { Progress } from './progress.ts';
import type { AskedReads, Reads } from './reads.ts';
import type { RaftSettings } from './settings.ts';

/** Follows a leader, or waits for one. Invariant: `leader` leads in the member's own term. */
export interface Follower {
  readonly name: 'follower';
  leader: PeerId | undefined;
}

/** Asks whether an election would be won. Has not changed its term, and may still have a vote in it. */
export interface PreCandidate {
  readonly name: 'pre-candidate';
  readonly votes: Map<PeerId, CastVote>;
}

/** Has voted for itself in its term. Invariant: its own vote is counted only when that vote is durable. */
export interface Candidate {
  readonly name: 'candidate';
  readonly votes: Map<PeerId, CastVote>;
  /** The leader before wanted this election: voters need not protect it. */
  readonly transfer: boolean;
}

/** `suspect`: granted by somebody who does not trust its own disk. */
export type CastVote = 'granted' | 'suspect' | 'refused';

/**
 * Invariants: appends to its log, never replaces in it; commits only entries of its own term by counting (§5.4.2), and
 * with them what is before; `peers` has everybody in the configuration but itself.
 */
export interface Leader {
  readonly name: 'leader';
  readonly peers: Map<PeerId, Progress>;
  readonly reads: Reads;
  heartbeatElapsed: number;
  /** Who is to lead next. Nothing is proposed meanwhile. */
  transferTo: PeerId | undefined;
  /** No other change of the configuration may be proposed before this entry is applied. */
  pendingChange: number;
  /** Of what it proposed and did not commit yet. */
  uncommittedBytes: number;
  /** It won without a majority of trusted disks. */
  readonly possibleLoss: boolean;
}

export type Role = Follower | PreCandidate | Candidate | Leader;

export type RoleName = Role['name'];

export type RoleOf<N extends RoleName> = Extract<Role, { name: N }>;

/**
 * How far a member that lost part of its log is known to have gone before. What it acknowledged up to there may have
 * been counted, so it neither votes nor leads like others (safety rule 14); `tally.ts` has what it may do instead.
 */
export interface Watermark {
  /** The latest term in which it may have voted or acknowledged something. */
  readonly term: number;
  /** The last entry that was durable, and that entry's term. */
  readonly lastIndex: number;
  readonly lastTerm: number;
}

export interface Core {
  readonly id: PeerId;
  readonly settings: RaftSettings;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  term: number;
  vote: PeerId | undefined;
  readonly log: RaftLog;
  /** As of the last entry that was applied. */
  configuration: Configuration;
  role: Role;
  suspect: Watermark | undefined;
  /** Since this member heard its leader, began its campaign, or (leading) looked whether it has a majority. */
  electionElapsed: number;
  /** Of this member and this term; drawn anew with each, so that candidates seldom collide (§5.2). */
  electionTimeout: number;
  /** Handed out to be applied. */
  applying: readonly Entry[];
  handedOut: HandedOut;
  /** Of the leader of this term. Invariant: empty unless this member is a follower. */
  readonly asked: AskedReads;
  readonly outbox: Outbox;
}

export const leaderOf = (core: Core): PeerId | undefined => {
  if (core.role.name === 'leader') return core.id;
  return core.role.name === 'follower' ? core.role.leader : undefined;
};
