/** One row a volume, with how many snapshots it has and how fresh the newest is. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { VolumeConstraints } from '#events/volume.ts';
import { mendHint } from '#actors/volume/mending.ts';
import type { Lineage } from '#actors/volume/lineage.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { VolumeReplicas } from '#events/values/replication.ts';
import type { SnapshotHooks, SnapshotOnChange } from '#events/values/snapshotting.ts';
import { defineProjection, type Rows } from '../projection.ts';
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
  /** Null: it is not snapshotted when it changes. */
  readonly snapshotOnChange: SnapshotOnChange | null;
  readonly hooks: SnapshotHooks | null;
  readonly owner: { readonly uid: number; readonly gid: number } | null;
  /** Permission bits of the top folder. */
  readonly mode: number | null;
  readonly recordSizeBytes: number | null;
  readonly compression: string | null;
  /** So far it can grow where it is. */
  readonly growToBytes: number | null;
  readonly constraints: VolumeConstraints | null;
  /** What its file system calls it, of one that was adopted. */
  readonly adopted: string | null;
  /** What is wrong with it although its data is there. */
  readonly drift: Problem | null;
  /** Where it moves; without a node within its own. */
  readonly move: { readonly pool: string; readonly node?: Ref } | null;
  /** Name of the snapshot that it goes back to, until that is done or given up. */
  readonly rollback: string | null;
  /** The lines of its history, the present one last: each but the first was opened by a roll-back. */
  readonly lineages: readonly Lineage[];
  readonly app: Ref | null;
  readonly node: Ref | null;
  readonly pool: string | null;
  readonly path: string | null;
  readonly problem: Problem | null;
  /** Why it has no place yet. */
  readonly delay: Problem | null;
  /** Of one that was deleted: what it was called, and until when it can be recovered. */
  readonly discarded: { readonly name: string; readonly purgeAt: number } | null;
  /** Of a clone: what it began with. */
  readonly origin: Ref | null;
  /** Available ones. */
  readonly snapshots: number;
  readonly lastSnapshotAt: number | null;
  /** What is asked of its replicas; null: the lab makes none by itself. */
  readonly replication: VolumeReplicas | null;
  readonly replicas: readonly VolumeReplica[];
}

/** A copy of it on another node. */
export interface VolumeReplica {
  readonly id: StreamId<'replica'>;
  readonly name: string;
  readonly node: Ref;
  readonly state: string;
  /** The snapshot that it holds: how old its content is. */
  readonly holds: { readonly name: string; readonly takenAt: number } | null;
  /** Since when it has been behind, of one that is for longer than it should be. */
  readonly behindSince: number | null;
}

export const volumesView = defineProjection<VolumeRow>({
  name: 'volumes',
  version: 8,
  keeps: 'table',
  apply: (rows, { event, before, after }, lab) => {
    if (after?.kind === 'volume') {
      if (after.final) rows.delete(event.stream);
      else
        rows.put(event.stream, { ...rowOf(after as ActorState<'volume'>, lab), ...countsOf(rows.get(event.stream)) });
    } else if (event.type === 'snapshot.left-behind') {
      leave(rows, before as ActorState<'snapshot'>, event.data.volume);
    } else if (after?.kind === 'snapshot') {
      const snapshot = after as ActorState<'snapshot'>;
      const row = rows.get(snapshot.context.volume);
      const change = Number(snapshot.state === 'available') - Number(before?.state === 'available');
      if (!row || change === 0) return;
      const lastSnapshotAt =
        change > 0
          ? snapshot.context.takenAt
          : snapshot.context.takenAt === row.lastSnapshotAt
            ? newestOf(snapshot.context.volume, lab)
            : row.lastSnapshotAt;
      rows.put(row.id, { ...row, snapshots: row.snapshots + change, lastSnapshotAt });
    } else if (after?.kind === 'replica') {
      const { volume } = (after as ActorState<'replica'>).context;
      const row = rows.get(volume);
      const replicas = row && replicasOf(volume, lab);
      if (row && JSON.stringify(replicas) !== JSON.stringify(row.replicas))
        rows.put(row.id, { ...row, replicas: replicas ?? [] });
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

/** A snapshot stays with what its volume was, and is that one's from now on. */
function leave(rows: Rows<VolumeRow>, { state, context }: ActorState<'snapshot'>, to: StreamId<'volume'>): void {
  if (state !== 'available') return;
  const [from, into] = [rows.get(context.volume), rows.get(to)];
  if (from) {
    const snapshots = from.snapshots - 1;
    rows.put(from.id, { ...from, snapshots, ...(snapshots === 0 ? { lastSnapshotAt: null } : {}) });
  }
  const newest = Math.max(into?.lastSnapshotAt ?? 0, context.takenAt ?? 0);
  if (into) rows.put(into.id, { ...into, snapshots: into.snapshots + 1, lastSnapshotAt: newest });
}

/** Of those that are left: that for a backup goes with it, and nothing is behind it then. */
function newestOf(volume: StreamId<'volume'>, lab: LabView): number | null {
  const taken = lab
    .referrers(volume, 'snapshot')
    .filter(({ state }) => state === 'available')
    .map(({ context }) => context.takenAt ?? 0);
  return taken.length === 0 ? null : Math.max(...taken);
}

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
    snapshotOnChange: context.spec.snapshotOnChange ?? null,
    hooks: context.spec.hooks ?? null,
    owner: context.spec.owner ?? null,
    mode: context.spec.mode ?? null,
    recordSizeBytes: context.spec.recordSizeBytes ?? null,
    compression: context.spec.compression ?? null,
    growToBytes: context.spec.growToBytes ?? null,
    constraints: context.spec.constraints ?? null,
    adopted: context.adopted,
    drift: context.drift,
    move: moveOf(context, lab),
    rollback: context.rollback && (lab.get(context.rollback.to)?.context.metadata.name ?? '–'),
    lineages: context.lineages,
    app: refTo(lab, context.app),
    node: refTo(lab, context.node),
    pool: context.pool,
    path: context.path,
    problem: problemOf(volume),
    delay: context.delay,
    discarded: context.discarded,
    origin: refTo(lab, context.origin?.volume ?? null),
    replication: context.spec.replicas ?? null,
    replicas: replicasOf(volume.stream, lab),
  };
}

/** With what repairs it. */
function problemOf(volume: ActorState<'volume'>): Problem | null {
  const { problem } = volume.context;
  const hint = mendHint(volume);
  return problem && hint !== null ? { ...problem, hint } : problem;
}

function moveOf({ move, handover }: ActorState<'volume'>['context'], lab: LabView): VolumeRow['move'] {
  if (!handover) return move && { pool: move.pool };
  return { pool: handover.pool, node: refTo(lab, handover.node) ?? { id: handover.node, name: handover.node } };
}

const replicasOf = (volume: StreamId<'volume'>, lab: LabView): readonly VolumeReplica[] =>
  lab.referrers(volume, 'replica').map(({ stream, state, context: { metadata, node, cursor, behindSince } }) => ({
    id: stream,
    name: metadata.name,
    node: refTo(lab, node) ?? { id: node, name: node },
    state,
    holds: cursor && { name: cursor.name, takenAt: cursor.takenAt },
    behindSince,
  }));
