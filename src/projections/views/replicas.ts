/** One row a replica: what it holds, what it is on its way to, and what keeps it from that. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { ReplicaPoint } from '#events/replica.ts';
import type { Problem } from '#events/values/metadata.ts';
import { defineProjection, type Rows } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';

export interface ReplicaRow {
  readonly id: StreamId<'replica'>;
  readonly namespace: string;
  readonly name: string;
  readonly volume: Ref;
  readonly node: Ref;
  readonly pool: string;
  readonly state: string;
  readonly since: number;
  readonly createdAt: number;
  /** Whether a person asked for it. */
  readonly manual: boolean;
  /** The snapshot that it holds. */
  readonly holds: ReplicaPoint | null;
  /** What it is being brought to. */
  readonly to: ReplicaPoint | null;
  readonly syncedAt: number | null;
  readonly retryAt: number | null;
  readonly failures: number;
  /** Since when it has been behind, of one that is for longer than it should be. */
  readonly behindSince: number | null;
  readonly problem: Problem | null;
}

export const replicasView = defineProjection<ReplicaRow>({
  name: 'replicas',
  version: 1,
  keeps: 'table',
  apply: (rows, { event, before, after }, lab) => {
    if (after?.kind === 'replica') put(rows, after as ActorState<'replica'>, lab);
    else if (after?.kind === 'volume' && event.type === 'volume.renamed')
      for (const replica of lab.referrers(event.stream, 'replica')) put(rows, replica, lab);
    else if (after?.kind === 'volume' && after.final && before)
      for (const replica of lab.referrers(event.stream, 'replica')) {
        // It is known by what it was called.
        const row = rows.get(replica.stream);
        if (row) rows.put(row.id, { ...row, volume: { ...row.volume, name: before.context.metadata.name } });
      }
  },
  scope: (row) => ({ verb: 'read', kind: 'replica', namespace: row.namespace }),
});

function put(rows: Rows<ReplicaRow>, replica: ActorState<'replica'>, lab: LabView): void {
  const { stream, state, since, createdAt, context, final } = replica;
  if (final) return rows.delete(stream);
  const known = rows.get(stream);
  const { metadata, volume, node, pool, manual, cursor, sync, syncedAt, retryAt, failures, behindSince, problem } =
    context;
  rows.put(stream, {
    id: stream,
    namespace: metadata.namespace,
    name: metadata.name,
    volume: (lab.get(volume) && refTo(lab, volume)) ?? known?.volume ?? { id: volume, name: volume },
    node: refTo(lab, node) ?? { id: node, name: node },
    ...{ pool, state, since, createdAt, manual, holds: cursor, to: sync?.to ?? null },
    ...{ syncedAt, retryAt, failures, behindSince, problem },
  });
}
