/**
 * Nodes that fell silent. A leader that has just started has heard of nobody yet: what was not observed is unknown,
 * so a node gets the whole time from the first moment at which it could have been heard. One that died together with
 * the leader before is therefore found, too; when it was last heard of, nobody knows then.
 *
 * And nodes that are heard and cannot be linked, because of their clocks: those are neither silent nor stopped.
 */
import type { StreamId } from '#events/envelope.ts';
import type { ActorState } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { isAway } from '../node/known.ts';
import type { Observations } from '../observations.ts';
import type { Policy } from './policy.ts';

/** Three missed heartbeats of five seconds. */
export const silenceMs = 15_000;

export const livenessPolicy: Policy = {
  name: 'liveness',
  subjects: ['node'],
  wakes: ({ event, after }) => (after?.kind === 'node' ? [event.stream] : []),
  dueAt: (subject, lab, seen) => {
    const node = lab.get(subject as StreamId<'node'>);
    if (!node) return undefined;
    if (isAway(node)) return otherClock(node, seen)?.at;
    if (node.state !== 'up') return undefined;
    const since = silentSince(subject, seen);
    return since && since.at + silenceMs;
  },
  propose: (subject, lab, seen, now) => {
    const node = lab.get(subject as StreamId<'node'>);
    const clock = node && isAway(node) ? otherClock(node, seen) : undefined;
    if (node && clock) {
      const { aheadMs } = clock.value;
      return [{ name: 'report-node-clock', input: { node: node.stream, aheadMs }, because: { aheadMs, at: clock.at } }];
    }
    const since = silentSince(subject, seen);
    if (node?.state !== 'up' || !since || now < since.at + silenceMs) return [];
    const { lastSeenAt } = since;
    return [
      {
        name: 'report-node-down',
        input: { node: node.stream, lastSeenAt },
        because: { lastSeenAt, silentSince: since.at, silenceMs },
      },
    ];
  },
};

/** Heard of a node since it is away, and not noted yet. */
function otherClock({ stream, since, context }: ActorState<'node'>, seen: Observations) {
  const clock = context.clockAheadMs === null ? seen.get('clock', stream) : undefined;
  return clock && clock.at >= since ? clock : undefined;
}

interface Silence {
  readonly at: number;
  readonly lastSeenAt: number | null;
}

function silentSince(node: StreamId, seen: Observations): Silence | undefined {
  const heard = seen.get('heartbeat', node);
  if (heard) return { at: heard.at, lastSeenAt: heard.at };
  const leading = seen.get('leading', clusterStream);
  return leading && { at: leading.at, lastSeenAt: null };
}
