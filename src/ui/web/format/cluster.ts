/** The group of nodes in words. */
import type { ClusterMember, ClusterStatus } from '#io/contract/cluster.ts';
import type { FollowingRow } from '#io/contract/live.ts';
import type { NodeRole } from '#events/values/peer.ts';
import { quorumOf } from '#ui/client/quorum.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import { stateWords, type Tone } from './state.ts';

/** Name of the node that leads; undefined when nobody is known to. */
export const leaderOf = ({ members, leader }: Pick<ClusterStatus, 'members' | 'leader'>): string | undefined =>
  members.find(({ isLeader }) => isLeader)?.name ?? leader;

/** `3 of 3 voters answer`; of a simulated lab, that there is none. */
export function quorumWords(status: ClusterStatus): string {
  if (status.simulated !== undefined) return 'not simulated';
  if (!status.hasQuorum) return 'no majority of the voters answers';
  const { answering, voters } = quorumOf(status);
  if (voters === 1) return 'the one voter answers';
  return `${answering} of ${voters} voters ${answering === 1 ? 'answers' : 'answer'}`;
}

/** `leader`; `voter`; `follows vega`, of a node beside the group. */
export function memberWords({ votes, isLeader, follows }: ClusterMember): string {
  if (isLeader) return 'leader';
  if (votes === 'none') return '–';
  if (votes !== 'follower') return votes;
  return follows === undefined ? 'follows nobody' : `follows ${follows}`;
}

/** Of a node beside the group: `follows vega`; `follows vega, 12 entries behind`. @param source by its name */
export function followingWords({ behind, isFetching }: FollowingRow, source: string | undefined): string {
  const whom = source === undefined ? 'follows nobody' : `follows ${source}`;
  if (isFetching) return `${whom}, fetches history`;
  return behind === 0 ? whom : `${whom}, ${behind.toLocaleString('en')} ${behind === 1 ? 'entry' : 'entries'} behind`;
}

/** `voter`; `learner`; with what it is meant to be where that says more. */
export function voteWords({ member, role }: Pick<NodeRow, 'member' | 'role'>): string {
  if (role === 'any' || role === member) return member ?? '–';
  return member === null ? role : `${member}, ${role}`;
}

/** A node whose daemon was stopped is not `off`: its machine may run, and its apps too. */
export const nodeStateWords = (state: string): string => (state === 'stopped' ? state : stateWords(state));

export function reachOf({ isReachable, isSelf, isStopped, clockAheadMs }: ClusterMember): readonly [Tone, string] {
  if (clockAheadMs !== undefined) return ['failed', 'its clock is wrong'];
  if (isStopped === true) return ['off', 'stopped'];
  if (isSelf || isReachable === true) return ['running', 'answers'];
  return isReachable === undefined ? ['off', 'not known'] : ['failed', 'silent'];
}

export function behindWords({ behind, isFetching, isLeader }: ClusterMember): string {
  if (isFetching) return 'fetches a snapshot';
  if (isLeader || behind === undefined) return '–';
  return behind === 0 ? 'nothing' : `${behind.toLocaleString('en')} ${behind === 1 ? 'entry' : 'entries'}`;
}

/** What a node can be to the group, for whoever chooses. */
export const roleChoices = [
  { value: 'any', label: 'Runs apps, and votes where that helps' },
  { value: 'witness', label: 'Witness: votes, and runs no apps' },
  { value: 'learner', label: 'Runs apps, and never votes' },
] as const satisfies readonly { readonly value: NodeRole; readonly label: string }[];
