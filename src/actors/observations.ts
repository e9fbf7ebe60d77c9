/**
 * What the nodes tell the leader that no log keeps. Undefined is unknown (a new leader knows nothing yet): a policy
 * never reads it as zero.
 */
import type { StreamId } from '#events/envelope.ts';

export interface Observables {
  /** The agent of a node is there. */
  heartbeat: Record<never, never>;
}

export interface Observations {
  get<K extends keyof Observables>(
    what: K,
    of: StreamId,
  ): { readonly value: Observables[K]; readonly at: number } | undefined;
}
