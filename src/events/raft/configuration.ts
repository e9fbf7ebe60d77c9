/**
 * Who belongs to the group, and how that changes: one peer at a time, or any number through a joint configuration
 * (Raft dissertation §4.3), in which a majority of the old *and* of the new voters is needed.
 *
 *            simple: at most one voter comes or goes
 *          ┌───────┐
 *          ▼       │            enter: any changes
 *        voters ───┘ ──────────────────────────────▶ voters + outgoing
 *          ▲                                              │
 *          └──────────────────────────────────────────────┘
 *             leave: by itself (autoLeave), or asked for
 *
 * Invariants (`problemOf`): no voter is a learner; whoever will be a learner after leaving (`learnersNext`) is still an
 * outgoing voter; there is a voter; outside a joint configuration nothing waits for leaving. All lists are sorted.
 */
import type { PeerId } from './entry.ts';

export interface Configuration {
  /** Who decides; in a joint configuration the new half. */
  readonly voters: readonly PeerId[];
  /** The old half of a joint configuration; empty otherwise. */
  readonly outgoing: readonly PeerId[];
  /** Follow the log without a say. */
  readonly learners: readonly PeerId[];
  /** Outgoing voters that become learners on leaving. */
  readonly learnersNext: readonly PeerId[];
  /** The leader leaves the joint configuration by itself, as soon as it is applied. */
  readonly autoLeave: boolean;
}

export type ChangeStep = {
  readonly do: 'add-voter' | 'add-learner' | 'remove';
  readonly peer: PeerId;
};

export interface Change {
  /** None: leave the joint configuration. */
  readonly steps: readonly ChangeStep[];
  /**
   * `auto`: without a joint configuration if one voter changes at most, else as `implicit`.
   * `implicit`: through a joint configuration that is left by itself. `explicit`: somebody must ask to leave it.
   */
  readonly transition: 'auto' | 'implicit' | 'explicit';
}

export const leaveJoint: Change = { steps: [], transition: 'auto' };

export const noMembers: Configuration = { voters: [], outgoing: [], learners: [], learnersNext: [], autoLeave: false };

export const configurationOf = (voters: readonly PeerId[], learners: readonly PeerId[] = []): Configuration => ({
  ...noMembers,
  voters: sorted(voters),
  learners: sorted(learners),
});

export const isJoint = (configuration: Configuration): boolean => configuration.outgoing.length > 0;

const isLeave = (change: Change): boolean => change.steps.length === 0;

/** Its vote counts, in one half or the other. */
export const isVoter = (configuration: Configuration, peer: PeerId): boolean =>
  configuration.voters.includes(peer) || configuration.outgoing.includes(peer);

/** It takes part, as a voter or as a learner. */
export const isMember = (configuration: Configuration, peer: PeerId): boolean =>
  isVoter(configuration, peer) || configuration.learners.includes(peer);

/** Everybody, sorted. */
export const membersOf = ({ voters, outgoing, learners }: Configuration): readonly PeerId[] =>
  sorted(new Set([...voters, ...outgoing, ...learners]));

/** Everybody who votes, sorted. */
export const votersOf = ({ voters, outgoing }: Configuration): readonly PeerId[] =>
  outgoing.length === 0 ? voters : sorted(new Set([...voters, ...outgoing]));

/** @returns the configuration after the change, or why it cannot be made, as a sentence. Pure and total. */
export function changed(from: Configuration, change: Change): Configuration | { readonly refused: string } {
  // Whoever starts with an empty disk knows nobody. Were it to follow the log from here, it would soon be a group alone.
  if (from.voters.length === 0) return { refused: 'nobody is there who could decide on it' };
  if (isLeave(change)) return isJoint(from) ? left(from) : { refused: 'there is no joint configuration to leave' };
  if (isJoint(from)) return { refused: 'the joint configuration must be left first' };
  const next = stepped(from, change.steps);
  const voterChanges = difference(from.voters, next.voters);
  if (change.transition === 'auto' && voterChanges <= 1) return judged(withoutNext(next));
  return judged({ ...next, outgoing: from.voters, autoLeave: change.transition !== 'explicit' });
}

/** Why this configuration is impossible; undefined when it is sound. */
export function problemOf(configuration: Configuration): string | undefined {
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
  if (voters.length === 0) return 'no voter would be left';
  const both = learners.find((peer) => voters.includes(peer) || outgoing.includes(peer));
  if (both !== undefined) return `${both} cannot be voter and learner`;
  const lost = learnersNext.find((peer) => !outgoing.includes(peer) || voters.includes(peer));
  if (lost !== undefined) return `${lost} becomes a learner on leaving, but is no outgoing voter`;
  if (outgoing.length === 0 && autoLeave) return 'there is no joint configuration that could be left by itself';
  return undefined;
}

/** The steps one after another, as if the configuration were joint: voters that turn learner wait in `learnersNext`. */
function stepped(from: Configuration, steps: readonly ChangeStep[]): Configuration {
  const voters = new Set(from.voters);
  const learners = new Set(from.learners);
  const learnersNext = new Set<PeerId>();
  for (const step of steps) {
    const { peer } = step;
    if (step.do === 'add-learner' && learners.has(peer)) continue;
    voters.delete(peer);
    learners.delete(peer);
    learnersNext.delete(peer);
    if (step.do === 'add-voter') voters.add(peer);
    else if (step.do === 'add-learner') (from.voters.includes(peer) ? learnersNext : learners).add(peer);
  }
  return {
    ...noMembers,
    voters: sorted(voters),
    learners: sorted(learners),
    learnersNext: sorted(learnersNext),
  };
}

/** Without a joint configuration nobody has to wait to become a learner. */
const withoutNext = (next: Configuration): Configuration => ({
  ...next,
  learners: sorted([...next.learners, ...next.learnersNext]),
  learnersNext: [],
});

const left = (from: Configuration): Configuration => withoutNext({ ...from, outgoing: [], autoLeave: false });

function judged(next: Configuration): Configuration | { readonly refused: string } {
  const problem = problemOf(next);
  return problem === undefined ? next : { refused: problem };
}

/** How many are in one and not in the other. */
const difference = (one: readonly PeerId[], other: readonly PeerId[]): number =>
  one.filter((peer) => !other.includes(peer)).length + other.filter((peer) => !one.includes(peer)).length;

function sorted(peers: Iterable<PeerId>): readonly PeerId[] {
  return [...peers].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
