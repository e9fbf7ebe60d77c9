/**
 * How a leader stands with a node of the lab at this moment: by what it hears from it as a member of the group, else by
 * the link for requests. A node that came back with another disk is another member: what is heard, or not, of the one
 * that it was says nothing about it.
 */
import { peerOf } from '../log/raft/engine/peer.ts';
import type { MemberStatus } from '../log/raft/member/protocol.ts';

export interface ContactNow {
  readonly reachable: boolean;
  /** It has everything that is committed, or nearly. */
  readonly caughtUp: boolean;
}

/** Entries that a member may be behind and still be said to have everything: it has them in a moment. */
export const nearlyAll = 1000;

/** @param linked nodes that can be asked something */
export function contactNow(
  node: string,
  incarnation: string,
  { peer: self, peers, committed }: Pick<MemberStatus, 'peer' | 'peers' | 'committed'>,
  linked: readonly string[],
): ContactNow {
  const present = peerOf(node, incarnation);
  if (present === self) return { reachable: true, caughtUp: true };
  const progress = peers.find(({ peer }) => peer === present);
  if (!progress) return { reachable: linked.includes(node), caughtUp: false };
  return { reachable: progress.isActive, caughtUp: progress.match + nearlyAll >= committed };
}
