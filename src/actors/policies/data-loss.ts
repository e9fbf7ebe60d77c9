/**
 * Replicas with which more may be lost than their volume allows. Only what their nodes have said counts; what nobody says
 * any more grows with the time.
 *
 * What would be lost at an instant is what was written since the last attestation, and that only goes forward. So the
 * moment from which it has been too much is known without a memory: the attestation, and what the volume allows, later.
 */
import { kindOf, type StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import type { Observations } from '../observations.ts';
import type { Policy, Proposal } from './policy.ts';

/** A stream that takes a little longer once is nobody's concern. */
const forMs = 60_000;

export const dataLossPolicy: Policy = {
  name: 'data-loss',
  subjects: ['replica'],
  wakes: ({ event, after }, lab) => {
    if (event.type === 'volume.spec-changed') return lab.referrers(event.stream, 'replica').map(({ stream }) => stream);
    return after?.kind === 'replica' && !after.final ? [event.stream] : [];
  },
  dueAt: (subject, lab, seen) => {
    const replica = replicaOf(subject, lab);
    const over = replica && overOf(replica, lab, seen);
    if (!replica || !over) return undefined;
    if (replica.context.exposed === null) return over.sinceMs + forMs;
    // At once: it is known to be well again.
    return over.isOver ? undefined : 0;
  },
  propose: (subject, lab, seen, now): readonly Proposal[] => {
    const replica = replicaOf(subject, lab);
    const over = replica && overOf(replica, lab, seen);
    if (!replica || !over) return [];
    const { lossMs, maxMs, sinceMs, isOver } = over;
    const because = { lossMs, maxDataLossMs: Number.isFinite(maxMs) ? maxMs : null };
    if (replica.context.exposed !== null)
      return isOver
        ? []
        : [{ name: 'note-replica-loss', input: { replica: replica.stream, lossMs, maxMs: null }, because }];
    if (now < sinceMs + forMs) return [];
    return [{ name: 'note-replica-loss', input: { replica: replica.stream, lossMs, maxMs }, because }];
  },
};

const replicaOf = (subject: StreamId, lab: LabView): ActorState<'replica'> | undefined =>
  kindOf(subject) === 'replica' ? lab.get(subject as StreamId<'replica'>) : undefined;

interface Over {
  /** As told last; null: nobody knows. */
  readonly lossMs: number | null;
  /** Infinity: its volume does not say how much may be lost, or nobody expects the replica to follow. */
  readonly maxMs: number;
  /** From when on, in log time, it is too much; Infinity: never. */
  readonly sinceMs: number;
  /** As it was told last. */
  readonly isOver: boolean;
}

/** @returns undefined while nobody has said anything */
function overOf(
  { stream, state, createdAt, context }: ActorState<'replica'>,
  lab: LabView,
  seen: Observations,
): Over | undefined {
  const isExpected = state !== 'removing' && state !== 'orphaned' && state !== 'paused';
  const allowed = lab.get(context.volume)?.context.spec.replicas?.maxDataLossMs;
  if (allowed === undefined || !isExpected)
    return { lossMs: null, maxMs: Number.POSITIVE_INFINITY, sinceMs: Number.POSITIVE_INFINITY, isOver: false };
  const told = seen.get('loss', stream);
  if (!told) return undefined;
  const lossMs = told.value.lossMs === undefined ? null : Math.ceil(told.value.lossMs);
  // Of what nobody has attested yet it is counted from when the replica last got something.
  const attestedAt = lossMs === null ? Math.max(createdAt, context.syncedAt ?? 0) : told.at - lossMs;
  return { lossMs, maxMs: allowed, sinceMs: attestedAt + allowed, isOver: told.at > attestedAt + allowed };
}
