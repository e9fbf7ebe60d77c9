/** What nodes tell of their replicas, as the leader's policies read it. */
import type { Observables } from '#actors/observations.ts';
import type { StreamId } from '#events/envelope.ts';
import type { ReplicaLagRow } from '#io/contract/live.ts';

interface Notes {
  note(what: 'loss', of: StreamId, value: Observables['loss']): void;
}

/** @param key of the row: the stream of the replica */
export function noteLoss(notes: Notes, key: string, { lossMs }: ReplicaLagRow): void {
  notes.note('loss', key as StreamId, lossMs === undefined ? {} : { lossMs });
}
