/** The nodes beside the consensus group, as people are told of them: by what each of these has told of itself. */
import type { LabView } from '#actors/actor.ts';
import { mostMembers } from '#actors/placement/learners.ts';
import { idOf, streamOf } from '#events/envelope.ts';
import type { ClusterMember } from '#io/contract/cluster.ts';
import type { FollowingRow } from '#io/contract/live.ts';
import type { Others } from '../../lab/others.ts';
import type { RowList } from '../../lab/port.ts';
import { peerOf } from '../../log/raft/engine/peer.ts';

/**
 * A node that has just come, and that the leader is about to take in, is none of them.
 *
 * @param peers all of the group
 */
export function followersOf(
  peers: readonly string[],
  view: LabView,
  rows: RowList<FollowingRow>,
  { self, reachable }: Pick<Others, 'self' | 'reachable'>,
): readonly ClusterMember[] {
  const told = new Map<string, FollowingRow>(rows);
  const nameOf = (node: string): string => view.get(streamOf('node', node))?.context.metadata.name ?? node;
  return view.list('node').flatMap(({ stream, state, context }): readonly ClusterMember[] => {
    const { incarnation, metadata } = context;
    const node = idOf(stream);
    const row = told.get(stream);
    if (state === 'waiting' || incarnation === null || peers.includes(peerOf(node, incarnation))) return [];
    if (!row && peers.length < mostMembers) return [];
    const isSelf = node === self;
    return [
      {
        node,
        name: metadata.name,
        incarnation,
        votes: 'follower',
        ...(row?.source === null || row?.source === undefined ? {} : { follows: nameOf(row.source) }),
        isLeader: false,
        isSelf,
        isReachable: isSelf || reachable.includes(node),
        ...(state === 'stopped' && !isSelf ? { isStopped: true } : {}),
        behind: row?.behind,
        isFetching: row?.isFetching ?? false,
      },
    ];
  });
}
