/** Who takes leadership over, of a leader that gives it away. */
import { nearlyAll } from '../../lab/contact.ts';
import { nodeOf } from '../../log/raft/engine/peer.ts';
import type { MemberStatus } from '../../log/raft/member/protocol.ts';

/**
 * Nodes that could lead now: voters that answer and have everything, or nearly. The one that has most comes first.
 * None where this node does not lead.
 */
export function heirsOf(
  status: Pick<MemberStatus, 'role' | 'peers' | 'configuration' | 'committed'>,
): readonly string[] {
  if (status.role !== 'leader') return [];
  return status.peers
    .filter(
      ({ peer, isActive, match }) =>
        isActive && status.configuration.voters.includes(peer) && match + nearlyAll >= status.committed,
    )
    .toSorted((a, b) => b.match - a.match)
    .map(({ peer }) => nodeOf(peer));
}
