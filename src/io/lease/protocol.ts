/** What is said about leases between the thread of consensus, where they are, and the one that decides about them. */
import type { LeaseFacts, LeaseRow } from '#events/lease/grantor.ts';
import type { LeaseStatus } from '#events/lease/holder.ts';
import type { PeerId } from '#events/raft/entry.ts';

export type ToLeases =
  | { readonly do: 'know'; readonly facts: LeaseFacts }
  | { readonly do: 'open'; readonly term: number }
  | { readonly do: 'refuse' | 'curtail'; readonly id: number; readonly node: string }
  | { readonly do: 'allow'; readonly node: string }
  | { readonly do: 'want'; readonly lengthMs: number }
  /** Of a node whose own member does not know it. */
  | { readonly do: 'follow'; readonly leader: PeerId | undefined };

export type FromLeases =
  | { readonly say: 'report'; readonly report: LeaseReport }
  /** By boot time; undefined: this member does not grant. */
  | { readonly say: 'expires'; readonly id: number; readonly byMs: number | undefined };

/** Told when this node's own lease changes, and otherwise once in a while. Times are boot time. */
export interface LeaseReport {
  readonly own: LeaseStatus;
  /** In which this member leads, and what it knows then of the others' leases. */
  readonly term: number | undefined;
  readonly rows: readonly LeaseRow[];
}
