/** The figures by which people judge a group: of its voters, how many answer. The same in every face. Pure. */
import type { ClusterStatus } from '#io/contract/cluster.ts';

export interface Quorum {
  readonly voters: number;
  /** Voters that are not known to be silent. */
  readonly answering: number;
}

export function quorumOf({ members }: Pick<ClusterStatus, 'members'>): Quorum {
  const voters = members.filter(({ votes }) => votes === 'voter');
  return { voters: voters.length, answering: voters.filter((one) => one.isSelf || one.isReachable !== false).length };
}
