/**
 * Nodes that fell silent. A leader that has just started has heard of nobody yet: what was not observed is unknown,
 * so a node gets the whole time from the first moment at which it could have been heard.
 */
import type { StreamId } from '#events/envelope.ts';
import type { Policy } from './policy.ts';

/** Three missed heartbeats of five seconds. */
export const silenceMs = 15_000;

export const livenessPolicy: Policy = {
  name: 'liveness',
  subjects: ['node'],
  wakes: ({ event, after }) => (after?.kind === 'node' ? [event.stream] : []),
  dueAt: (subject, lab, seen) => {
    if (lab.get(subject as StreamId<'node'>)?.state !== 'up') return undefined;
    const heard = seen.get('heartbeat', subject);
    return heard && heard.at + silenceMs;
  },
  propose: (subject, lab, seen, now) => {
    const node = lab.get(subject as StreamId<'node'>);
    const heard = seen.get('heartbeat', subject);
    if (node?.state !== 'up' || !heard || now < heard.at + silenceMs) return [];
    return [
      {
        name: 'report-node-down',
        input: { node: node.stream, lastSeenAt: heard.at },
        because: { lastSeenAt: heard.at, silenceMs },
      },
    ];
  },
};
