import type { ActorState } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { SnapshotReason } from '#events/snapshot.ts';
import type { Problem } from '#events/values/metadata.ts';
import { defineProjection } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';

export interface SnapshotRow {
  readonly id: StreamId<'snapshot'>;
  readonly namespace: string;
  readonly name: string;
  readonly volume: Ref;
  readonly state: string;
  readonly reason: SnapshotReason;
  readonly note: string | null;
  readonly requestedAt: number;
  readonly takenAt: number | null;
  readonly guid: string | null;
  readonly problem: Problem | null;
}

/** Key: volume, then time of the request, then id: a range of keys is a volume's timeline. */
const snapshotKey = (row: Pick<SnapshotRow, 'id' | 'volume' | 'requestedAt'>): string =>
  `${row.volume.id}|${String(row.requestedAt).padStart(15, '0')}|${row.id}`;

export const snapshotsView = defineProjection<SnapshotRow>({
  name: 'snapshots',
  version: 1,
  keeps: 'table',
  apply: (rows, { after }, lab) => {
    if (after?.kind !== 'snapshot') return;
    const { context, state, stream } = after as ActorState<'snapshot'>;
    const row: SnapshotRow = {
      id: stream as StreamId<'snapshot'>,
      namespace: context.metadata.namespace,
      name: context.metadata.name,
      volume: refTo(lab, context.volume) ?? { id: context.volume, name: context.volume },
      state,
      reason: context.reason,
      note: context.note,
      requestedAt: context.requestedAt,
      takenAt: context.takenAt,
      guid: context.guid,
      problem: context.problem,
    };
    if (after.final) rows.delete(snapshotKey(row));
    else rows.put(snapshotKey(row), row);
  },
  scope: (row) => ({ verb: 'read', kind: 'snapshot', namespace: row.namespace }),
});
