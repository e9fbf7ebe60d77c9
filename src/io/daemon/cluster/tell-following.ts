/** Lets all nodes know whom this one follows, and how far it is behind, while it is no peer of the consensus group. */
import type { FollowingRow } from '#io/contract/live.ts';
import { streamOf } from '#events/envelope.ts';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import type { Observed } from '../../lab/observed.ts';
import type { NodeLog } from '../../log/raft/node-log.ts';

export interface TellingParts {
  /** Id of this node. */
  readonly self: string;
  readonly nodeLog: Pick<NodeLog, 'following'>;
  readonly observed: Pick<Observed, 'put' | 'delete'>;
  readonly clock: Clock;
}

/** As often as observed rows are told at most. */
const lookMs = 1000;

/** @returns the way out */
export function tellFollowing({ self, nodeLog, observed, clock }: TellingParts): () => void {
  const key = streamOf('node', self);
  let told = '';
  let timer: Timer | undefined;
  const look = (): void => {
    timer = clock.setTimeout(look, lookMs);
    const { following } = nodeLog;
    const now = JSON.stringify(following ?? null);
    if (now === told) return;
    told = now;
    if (!following) return observed.delete('following', key);
    const { source = null, behind, isFetching } = following;
    observed.put('following', key, { source, behind, isFetching } satisfies FollowingRow);
  };
  look();
  return () => {
    if (timer) clock.clearTimeout(timer);
  };
}
