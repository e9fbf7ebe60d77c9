/** The lab as a group of nodes that agree: who leads, who votes, how far each is, and what that promises. */

/**
 * Whether a node may run what must run once. `ending`: it was not renewed in time, and the node may hold it still.
 * `refused`: the lab takes the node for dead, or is about to.
 */
export interface MemberLease {
  readonly state: 'held' | 'ending' | 'lapsed' | 'refused' | 'none';
  /** Until one that is held or ending is over, from the moment of the answer. */
  readonly leftMs?: number;
}

export interface ClusterMember {
  /** Id of the node, and its name where the lab knows one. */
  readonly node: string;
  readonly name: string;
  readonly incarnation: string;
  /**
   * `leaving`: it was a voter, and the group is about to go on without its vote. `follower`: it is none of the nine nodes
   * of the group, and follows one of them. `none`: there is no group, and nobody votes (`simulated`).
   */
  readonly votes: 'voter' | 'learner' | 'leaving' | 'follower' | 'none';
  /** Name of the node that a follower follows; absent while there is none, or it is not known. */
  readonly follows?: string;
  readonly isLeader: boolean;
  readonly isSelf: boolean;
  /** Undefined where that is not known: only the leader hears of everybody. */
  readonly isReachable: boolean | undefined;
  /** Its daemon was ended on purpose, and said so. */
  readonly isStopped?: boolean;
  /**
   * It runs, and its clock is so far ahead of the lab's that no link to it holds; less than 0: behind. Not there where that
   * is not so, or not known.
   */
  readonly clockAheadMs?: number;
  /** Entries that it is behind the leader; a follower, behind whom it follows. */
  readonly behind: number | undefined;
  /** It fetches a snapshot, being too far behind for entries. */
  readonly isFetching: boolean;
  /** Not there where that is not known: a node knows its own, the leader everybody's. */
  readonly lease?: MemberLease;
}

export interface ClusterStatus {
  /**
   * Of a simulated lab: what stands in for a group there, as a sentence. Nobody leads and nobody votes then, because one
   * process decides for all nodes; `hasQuorum` says whether it does.
   */
  readonly simulated?: string;
  /** Id of the lab. */
  readonly lab: string;
  /** SHA-256 of the certificate of the lab's authority, hex: by this a machine without a token knows the lab. */
  readonly authority?: string;
  /** Raised by every recovery and restore. */
  readonly generation: number;
  readonly term: number;
  /** Id of the node that leads; undefined when nobody is known to. */
  readonly leader: string | undefined;
  /** Since when this node has known no leader, or since its start; ms since 1970. Not there while it knows one. */
  readonly leaderlessSince?: number;
  /** A majority of the voters answers. */
  readonly hasQuorum: boolean;
  /**
   * Why no link between this node and the others holds: it was removed, replaced, or missed a recovery; it runs another
   * version, or its clock is wrong. Not there as long as nobody says so; where it is there, a leader will not be known here
   * before a person does something.
   */
  readonly outcast?: { readonly code: string; readonly message: string; readonly hint: string };
  /** The group is between two configurations. */
  readonly isChanging: boolean;
  /** This node's own log lost something that it had promised: it does not vote until it is whole again. */
  readonly isSuspect: boolean;
  /** Last entry of the consensus log that is committed, as this node knows it. */
  readonly committed: number;
  /** Index of the last event that is folded here. */
  readonly index: number;
  readonly members: readonly ClusterMember[];
  /** Sentences: what a lab of this size cannot promise. */
  readonly promises: readonly string[];
}
