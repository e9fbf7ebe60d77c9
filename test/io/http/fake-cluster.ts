/** A group of nodes that is as a test says: who leads, who answers, where others can join. */
import type { ClusterMember, ClusterStatus } from '#io/contract/cluster.ts';
import type { ClusterPort } from '#io/lab/port.ts';

export const member = (name: string, more: Partial<ClusterMember> = {}): ClusterMember => ({
  node: `${name}-1`,
  name,
  incarnation: 'a1',
  votes: 'voter',
  isLeader: false,
  isSelf: false,
  isReachable: true,
  behind: 0,
  isFetching: false,
  ...more,
});

export class FakeCluster implements ClusterPort {
  members: readonly ClusterMember[] = [
    member('atlas', { isLeader: true, isSelf: true }),
    member('polaris', { votes: 'learner' }),
    member('vega'),
  ];
  door: ClusterPort['door'] = { addresses: ['192.0.2.7:7401'], caSha256: 'ab'.repeat(32) };
  readonly asked: string[] = [];
  /** What becomes of a transfer; by default the other one leads. */
  onTransfer: (node: string, signal: AbortSignal) => Promise<void> = async (node) => this.lead(node);

  /** @param node its id; undefined: nobody leads */
  lead(node: string | undefined): void {
    this.members = this.members.map((one) => ({ ...one, isLeader: one.node === node }));
  }

  status(): ClusterStatus {
    const leader = this.members.find(({ isLeader }) => isLeader)?.node;
    return {
      lab: 'lab-1',
      generation: 1,
      term: 3,
      leader,
      hasQuorum: leader !== undefined,
      isChanging: false,
      isSuspect: false,
      committed: 812,
      index: 800,
      members: this.members,
      promises: ['Three nodes decide.'],
    };
  }

  transfer(node: string, signal: AbortSignal): Promise<void> {
    this.asked.push(node);
    return this.onTransfer(node, signal);
  }
}
