/**
 * What time does to members: tokens expire, who waits at the door for a week is sent away, and an outage that lasts is
 * noted, because a voter is replaced then and somebody should look.
 */
import { kindOf, type StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { isAway } from '../node/known.ts';
import { replacedAfterMs } from '../placement/voters.ts';
import type { Policy, Proposal } from './policy.ts';

export const waitsAtMostMs = 7 * 24 * 3_600_000;

export const membershipPolicy: Policy = {
  name: 'membership',
  subjects: ['cluster', 'node'],

  wakes: ({ event, after }) => (after?.kind === 'cluster' || after?.kind === 'node' ? [event.stream] : []),

  dueAt: (subject, lab) => {
    if (kindOf(subject) === 'cluster') return firstExpiry(lab);
    const node = lab.get(subject as StreamId<'node'>);
    return node && deadlineOf(node);
  },

  propose: (subject, lab, _, now) => {
    if (kindOf(subject) === 'cluster') {
      const first = firstExpiry(lab);
      if (first === undefined || first > now) return [];
      return [{ name: 'expire-tokens', input: {}, because: { expiresAt: first } }];
    }
    const node = lab.get(subject as StreamId<'node'>);
    const dueAt = node && deadlineOf(node);
    return !node || dueAt === undefined || dueAt > now ? [] : overdue(node, dueAt);
  },
};

function firstExpiry(lab: LabView): number | undefined {
  let first: number | undefined;
  for (const { state, expiresAt } of Object.values(lab.get(clusterStream)?.context.tokens ?? {})) {
    if (state === 'open' && (first === undefined || expiresAt < first)) first = expiresAt;
  }
  return first;
}

function deadlineOf({ state, since, createdAt, context }: ActorState<'node'>): number | undefined {
  if (state === 'waiting' && !context.approved) return createdAt + waitsAtMostMs;
  if (isAway({ state }) && !context.downLasts) return (context.downSince ?? since) + replacedAfterMs;
  return undefined;
}

function overdue({ stream, state, context }: ActorState<'node'>, dueAt: number): readonly Proposal[] {
  if (isAway({ state })) return [{ name: 'note-lasting-outage', input: { node: stream }, because: { dueAt } }];
  const because = 'nobody answered it for seven days';
  return [{ name: 'refuse-node', input: { name: context.metadata.name, because }, because: { dueAt } }];
}
