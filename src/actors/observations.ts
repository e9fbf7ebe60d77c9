/**
 * What the nodes tell the leader that no log keeps. Undefined is unknown (a new leader knows nothing yet): a policy
 * never reads it as zero.
 */
import type { StreamId } from '#events/envelope.ts';

export interface Observables {
  /** The agent of a node is there. */
  heartbeat: Record<never, never>;
  /** It asked what time it is, with a clock that no certificate bears; less than 0: behind the lab's. */
  clock: { readonly aheadMs: number };
  /** Of the lab itself: the term of this leader began. From then on it could have heard of everybody. */
  leading: Record<never, never>;
  /** How much of a volume is used; without a size it is the one that was asked for. */
  fill: { readonly usedBytes: number; readonly sizeBytes?: number };
  /** What would be lost with a replica, as of then; absent: its node does not know. */
  loss: { readonly lossMs?: number };
  /** How much of each pool of a node is used. */
  pools: Readonly<Record<string, { readonly usedBytes: number; readonly sizeBytes: number }>>;
}

export interface Observations {
  get<K extends keyof Observables>(
    what: K,
    of: StreamId,
  ): { readonly value: Observables[K]; readonly at: number } | undefined;
}
