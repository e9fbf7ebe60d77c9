/** What people are told of the group. */
import { clusterStream } from '#actors/cluster/stream.ts';
import { streamOf } from '#events/envelope.ts';
import { votersOf } from '#events/raft/configuration.ts';
import type { ClusterMember, ClusterStatus } from '#io/contract/cluster.ts';
import type { FollowingRow } from '#io/contract/live.ts';
import { isPlain, promisesOf } from '#projections/promises.ts';
import type { Others } from '../../lab/others.ts';
import type { RowList } from '../../lab/port.ts';
import type { RunningLab } from '../../lab/running.ts';
import { incarnationOf, nodeOf } from '../../log/raft/engine/peer.ts';
import type { MemberStatus } from '../../log/raft/member/protocol.ts';
import type { NodeIni } from '../node-ini.ts';
import { caSha256 } from './door.ts';
import { followersOf } from './followers.ts';

export interface Seen {
  /** Undefined before the member has said anything. */
  readonly member: MemberStatus | undefined;
  readonly head: number;
  /** Undefined before it is folded. */
  readonly lab: RunningLab | undefined;
  readonly ini: NodeIni;
  /** PEM. */
  readonly caCert: string;
  readonly others: Others;
}

export function statusOf({ member: status, head, lab, ini, caCert, others }: Seen): ClusterStatus {
  const configuration = status?.configuration;
  const voting = configuration ? votersOf(configuration) : [];
  const peers = [...voting, ...(configuration?.learners ?? [])];
  const members = peers.map((peer): ClusterMember => {
    const node = nodeOf(peer);
    const known = lab?.view.get(streamOf('node', node));
    const progress = status?.peers.find((other) => other.peer === peer);
    const isSelf = peer === status?.peer;
    const isLeading = status?.role === 'leader';
    return {
      node,
      name: known?.context.metadata.name ?? node,
      incarnation: incarnationOf(peer),
      votes: !voting.includes(peer) ? 'learner' : configuration?.voters.includes(peer) ? 'voter' : 'leaving',
      isLeader: peer === status?.leader,
      isSelf,
      isReachable: isSelf ? true : isLeading ? (progress?.isActive ?? false) : others.reachable.includes(node),
      ...(known?.state === 'stopped' && !isSelf ? { isStopped: true } : {}),
      behind: isSelf && isLeading ? 0 : isSelf ? undefined : behindOf(progress, status?.lastIndex ?? 0),
      isFetching: progress?.state === 'snapshot',
    };
  });
  const nodes = lab?.view.list('node').filter(({ state }) => state !== 'waiting') ?? [];
  const witnesses = nodes.filter(({ context }) => context.role === 'witness').length;
  const followers = lab ? followersOf(peers, lab.view, lab.observed('following') as RowList<FollowingRow>, others) : [];
  return {
    lab: ini.lab.id,
    authority: caSha256(caCert),
    generation: lab?.view.get(clusterStream)?.context.generation ?? ini.lab.generation,
    term: status?.term ?? 0,
    leader: status?.leader === undefined ? undefined : nodeOf(status.leader),
    hasQuorum: status?.leader !== undefined,
    isChanging: (configuration?.outgoing.length ?? 0) > 0,
    isSuspect: status?.isSuspect ?? false,
    committed: status?.committed ?? 0,
    index: head,
    members: [...members, ...followers],
    promises: promisesOf({
      machines: nodes.length - witnesses,
      witnesses,
      eligible: nodes.filter(({ context }) => context.role !== 'learner').length,
      voters: configuration?.voters.length ?? 1,
      plain: nodes.filter(({ context }) => isPlain(context)).length,
    }),
  };
}

/** A leader does not know how far somebody is who has not said so since it leads. */
function behindOf(progress: MemberStatus['peers'][number] | undefined, lastIndex: number): number | undefined {
  return progress === undefined || progress.match === 0 ? undefined : Math.max(0, lastIndex - progress.match);
}
