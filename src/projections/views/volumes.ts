/** One row a volume, with how many snapshots it has and how fresh the newest is. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { defineProjection } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';

export interface VolumeRow {
  readonly id: StreamId<'volume'>;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly state: string;
  readonly since: number;
  readonly createdAt: number;
  readonly sizeBytes: number;
  readonly keep: string | null;
  readonly app: Ref | null;
  readonly node: Ref | null;
  readonly pool: string | null;
  readonly path: string | null;
  readonly problem: Problem | null;
  /** Why it has no place yet. */
  readonly delay: Problem | null;
  /** Available ones. */
  readonly snapshots: number;
  readonly lastSnapshotAt: number | null;
}

export const volumesView = defineProjection<VolumeRow>({
  name: 'volumes',
  version: 2,
  keeps: 'table',
  apply: (rows, { event, before, after }, lab) => {
    if (after?.kind === 'volume') {
      if (after.final) rows.delete(event.stream);
      else
        rows.put(event.stream, { ...rowOf(after as ActorState<'volume'>, lab), ...countsOf(rows.get(event.stream)) });
    } else if (after?.kind === 'snapshot') {
      const snapshot = after as ActorState<'snapshot'>;
      const row = rows.get(snapshot.context.volume);
      const change = Number(snapshot.state === 'available') - Number(before?.state === 'available');
      if (!row || change === 0) return;
      const lastSnapshotAt = change > 0 ? snapshot.context.takenAt : row.lastSnapshotAt;
      rows.put(row.id, { ...row, snapshots: row.snapshots + change, lastSnapshotAt });
    } else if (event.type === 'app.created') {
      // Its volumes came before it, and could not name it yet.
      for (const volume of lab.referrers(event.stream, 'volume')) {
        const row = rows.get(volume.stream);
        if (row) rows.put(row.id, { ...row, app: refTo(lab, event.stream) });
      }
    }
  },
  scope: (row) => ({ verb: 'read', kind: 'volume', namespace: row.namespace }),
});

const countsOf = (row: VolumeRow | undefined): Pick<VolumeRow, 'snapshots' | 'lastSnapshotAt'> => ({
  snapshots: row?.snapshots ?? 0,
  lastSnapshotAt: row?.lastSnapshotAt ?? null,
});

function rowOf(volume: ActorState<'volume'>, lab: LabView): Omit<VolumeRow, 'snapshots' | 'lastSnapshotAt'> {
  const { context } = volume;
  return {
    id: volume.stream,
    namespace: context.metadata.namespace,
    name: context.metadata.name,
    labels: context.metadata.labels,
    state: volume.state,
    since: volume.since,
    createdAt: volume.createdAt,
    sizeBytes: context.spec.sizeBytes,
    keep: context.spec.keep ?? null,
    app: refTo(lab, context.app),
    node: refTo(lab, context.node),
    pool: context.pool,
    path: context.path,
    problem: context.problem,
    delay: context.delay,
  };
}
