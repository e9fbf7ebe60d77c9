import type { ActorState, LabView } from '#actors/actor.ts';
import { poolTitle } from '#actors/pool/stream.ts';
import type { StreamId } from '#events/envelope.ts';
import type { ScheduleSpec } from '#events/schedule.ts';
import { defineProjection } from '../projection.ts';
import { refTo, type Ref } from '../refs.ts';

export interface ScheduleRow {
  readonly id: StreamId<'schedule'>;
  readonly namespace: string;
  readonly name: string;
  readonly state: string;
  readonly cron: string;
  /** Null: the lab's. */
  readonly timeZone: string | null;
  readonly action: ScheduleSpec['action'];
  /** What it is of: a volume, all volumes of an app, or a pool. */
  readonly of: Ref;
  /** The same where it is a volume. */
  readonly volume: Ref | null;
  readonly app: Ref | null;
  /** Of an app: only these of its volumes, as its compose file calls them; null: all. */
  readonly only: readonly string[] | null;
  readonly dueAt: number;
  readonly lastRunAt: number | null;
  readonly missed: number;
  /** Of backups: where they go, */
  readonly target: Ref | null;
  /** and what is said of them there; null: what their target says. */
  readonly keep: string | null;
  readonly testRestoreEveryMs: number | null;
  /** Of backups: when the newest that was read back was taken, once that is too old; 0: there is none. */
  readonly behindSince: number | null;
}

export const schedulesView = defineProjection<ScheduleRow>({
  name: 'schedules',
  version: 5,
  keeps: 'table',
  apply: (rows, { event, after }, lab) => {
    if (event.type === 'app.created') {
      // Its schedules came before it, and could not name it yet.
      for (const schedule of lab.referrers(event.stream, 'schedule')) {
        const row = rows.get(schedule.stream);
        if (row) rows.put(row.id, { ...row, app: refTo(lab, event.stream) });
      }
      return;
    }
    if (after?.kind !== 'schedule') return;
    const { context, state, stream } = after as ActorState<'schedule'>;
    if (after.final) return rows.delete(stream);
    rows.put(stream, {
      id: stream as StreamId<'schedule'>,
      namespace: context.metadata.namespace,
      name: context.metadata.name,
      state,
      cron: context.spec.cron,
      timeZone: context.spec.timeZone ?? null,
      action: context.spec.action,
      of: targetOf(context.spec, lab),
      volume: refTo(lab, context.spec.volume),
      app: refTo(lab, context.app),
      only: context.spec.volumes ?? null,
      dueAt: context.dueAt,
      lastRunAt: context.lastRunAt,
      missed: context.missed,
      target: refTo(lab, context.spec.target),
      keep: context.spec.keep ?? null,
      testRestoreEveryMs: context.spec.testRestoreEveryMs ?? null,
      behindSince: context.behindSince,
    });
  },
  scope: (row) => ({ verb: 'read', kind: 'schedule', namespace: row.namespace }),
});

function targetOf({ volume, app, pool }: ScheduleSpec, lab: LabView): Ref {
  const target = volume ?? app ?? pool;
  if (target === undefined) throw new Error('a schedule of nothing');
  const known = pool && lab.get(pool);
  if (known) return { id: known.stream, name: poolTitle(known, lab) };
  return refTo(lab, target) ?? { id: target, name: target };
}
