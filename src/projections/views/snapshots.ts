import type { ActorState } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { HookOutcomes, SnapshotReason, SnapshotSet } from '#events/snapshot.ts';
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
  /** Of one of a set: which one, and of how many. */
  readonly set: SnapshotSet | null;
  /** All of its set are of one moment. */
  readonly together: boolean | null;
  /** How the commands of the app around it ended. */
  readonly hooks: HookOutcomes | null;
  readonly requestedAt: number;
  readonly takenAt: number | null;
  /** The line of its volume's history in which it was taken, see `VolumeRow.lineages`. */
  readonly lineage: number;
  readonly guid: string | null;
  readonly problem: Problem | null;
  /** Why it is still there although it was to go, of one that something else holds. */
  readonly held: Problem | null;
}

/** Key: volume, then time of the request, then id: a range of keys is a volume's timeline. */
const snapshotKey = (row: Pick<SnapshotRow, 'id' | 'volume' | 'requestedAt'>): string =>
  `${row.volume.id}|${String(row.requestedAt).padStart(15, '0')}|${row.id}`;

const keyOf = ({ stream, context }: ActorState<'snapshot'>): string =>
  snapshotKey({ id: stream, volume: { id: context.volume, name: '' }, requestedAt: context.requestedAt });

export const snapshotsView = defineProjection<SnapshotRow>({
  name: 'snapshots',
  version: 3,
  keeps: 'table',
  apply: (rows, { before, after }, lab) => {
    if (after?.kind !== 'snapshot') return;
    // Its volume may have moved and left it to another one.
    const known = before as ActorState<'snapshot'> | undefined;
    if (known && known.context.volume !== (after as ActorState<'snapshot'>).context.volume) rows.delete(keyOf(known));
    const { context, state, stream } = after as ActorState<'snapshot'>;
    const row: SnapshotRow = {
      id: stream as StreamId<'snapshot'>,
      namespace: context.metadata.namespace,
      name: context.metadata.name,
      volume: refTo(lab, context.volume) ?? { id: context.volume, name: context.volume },
      state,
      reason: context.reason,
      note: context.note,
      set: context.set,
      together: context.together,
      hooks: context.hooks,
      requestedAt: context.requestedAt,
      takenAt: context.takenAt,
      lineage: context.lineage,
      guid: context.guid,
      problem: context.problem,
      held: context.held?.problem ?? null,
    };
    if (after.final) rows.delete(snapshotKey(row));
    else rows.put(snapshotKey(row), row);
  },
  scope: (row) => ({ verb: 'read', kind: 'snapshot', namespace: row.namespace }),
});
