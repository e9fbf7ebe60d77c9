/** One row a replica: what it holds, what it is on its way to, and what keeps it from that. */
import type { ActorState, LabView, Step } from '#actors/actor.ts';
import { waitOf, type ReplicaWait } from '#actors/replica/waits.ts';
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
  /** All of its volume is being sent, because it held nothing. */
  readonly full: boolean;
  /** What it waits for; null: for nothing. */
  readonly waits: ReplicaWait | null;
}

export const replicasView = defineProjection<ReplicaRow>({
  name: 'replicas',
  version: 2,
  keeps: 'table',
  apply: (rows, { event, before, after }, lab) => {
    if (after?.kind === 'replica') put(rows, after as ActorState<'replica'>, lab);
    else if (after?.kind === 'volume' && after.final && before)
      for (const replica of lab.referrers(event.stream, 'replica')) {
        // It is known by what it was called.
        const row = rows.get(replica.stream);
        if (row) rows.put(row.id, { ...row, volume: { ...row.volume, name: before.context.metadata.name } });
      }
    for (const replica of waiting(event, before, after, lab)) put(rows, replica, lab);
  },
  scope: (row) => ({ verb: 'read', kind: 'replica', namespace: row.namespace }),
});

/** Those whose name of the volume, or whose wait, what happened to something else may have changed. */
function waiting(
  event: Step['event'],
  before: ActorState | undefined,
  after: ActorState | undefined,
  lab: LabView,
): readonly ActorState<'replica'>[] {
  const actor = after ?? before;
  switch (actor?.kind) {
    case 'volume':
      return actor.final ? [] : lab.referrers(actor.stream, 'replica');
    case 'snapshot':
      return ['snapshot.taken', 'snapshot.removed', 'snapshot.found-gone'].includes(event.type)
        ? lab.referrers((actor as ActorState<'snapshot'>).context.volume, 'replica')
        : [];
    case 'node': {
      if (before?.state === after?.state) return [];
      const sent = lab.referrers(actor.stream, 'volume').flatMap(({ stream }) => lab.referrers(stream, 'replica'));
      return [...lab.referrers(actor.stream, 'replica'), ...sent];
    }
    case 'replica': {
      // One that has received what it wanted makes room for the others of its node.
      if ((before?.state === 'syncing') === (after?.state === 'syncing')) return [];
      const { node } = (actor as ActorState<'replica'>).context;
      return lab.referrers(node, 'replica').filter(({ stream }) => stream !== actor.stream);
    }
    default:
      return [];
  }
}

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
    full: sync?.full ?? false,
    waits: waitOf(replica, lab),
  });
}
