/** Snapshots on schedule: what a run takes, when they have fallen behind, and when they have caught up. */
import type { AnyDraft } from '#events/envelope.ts';
import type { ScheduleSpec } from '#events/schedule.ts';
import type { ActorState, Ask, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';
import { isAway } from '../node/known.ts';
import { requestSnapshot } from '../snapshot/request.ts';
import { readyVolumesOf, requestSet } from '../snapshot/sets.ts';

type Volume = ActorState<'volume'>;
type Schedule = ActorState<'schedule'>;

/** Those that can be snapshotted now. */
function volumesOf(spec: ScheduleSpec, lab: LabView): readonly Volume[] {
  if (spec.app !== undefined) return readyVolumesOf(spec.app, lab);
  const volume = spec.volume && lab.get(spec.volume);
  return volume?.state === 'ready' ? [volume] : [];
}

export function snapshotRun(
  spec: ScheduleSpec,
  { id, now }: { readonly id: Ask<unknown>['id']; readonly now: number },
  lab: LabView,
): readonly AnyDraft[] {
  const volumes = volumesOf(spec, lab);
  const [first] = volumes;
  if (!first) return [];
  return spec.app === undefined
    ? [requestSnapshot(first, id(0), now, 'schedule', lab)]
    : requestSet(volumes, { id, from: 0, now, reason: 'schedule' }, lab);
}

/**
 * Once, when the newest snapshot of a volume is older than twice the interval although all that time it could have been
 * snapshotted. Whatever else keeps snapshots away, a node that is down or a volume that failed, is told by itself.
 * @param intervalMs from one run to the next
 */
export function snapshotLag(
  { stream, createdAt, since, context }: Schedule,
  intervalMs: number,
  now: number,
  lab: LabView,
): readonly AnyDraft[] {
  const { spec, behindSince, changedAt } = context;
  const hadTime = (from: number): boolean => now - from > 2 * intervalMs;
  if (behindSince !== null || ![createdAt, since, changedAt ?? 0].every(hadTime)) return [];
  const newest = volumesOf(spec, lab)
    .filter((volume) => hadTime(volume.since) && !isOutOfReach(volume, lab))
    .map((volume) => newestOf(volume, lab));
  const oldest = Math.min(...newest);
  return newest.length > 0 && hadTime(oldest) ? [draft(stream, 'schedule.fell-behind', { since: oldest })] : [];
}

/** Schedules that were late for these volumes alone, by a report that they have been snapshotted. */
export function snapshotsCaughtUp(taken: readonly Volume[], lab: LabView): readonly AnyDraft[] {
  const late = new Map<string, Schedule>();
  for (const { stream, context } of taken)
    for (const of of [stream, ...(context.app === null ? [] : [context.app])])
      for (const schedule of lab.referrers(of, 'schedule'))
        if (schedule.context.behindSince !== null && schedule.context.spec.action === 'snapshot')
          late.set(schedule.stream, schedule);
  const streams = new Set(taken.map(({ stream }) => stream));
  return [...late.values()]
    .filter(({ context: { spec, behindSince } }) =>
      volumesOf(spec, lab).every(
        (volume) =>
          streams.has(volume.stream) || newestOf(volume, lab) > (behindSince ?? 0) || isOutOfReach(volume, lab),
      ),
    )
    .map(({ stream }) => draft(stream, 'schedule.caught-up', {}));
}

/** Of a node that does not answer nobody knows more. */
function isOutOfReach({ context: { node } }: Volume, lab: LabView): boolean {
  const known = node === null ? undefined : lab.get(node);
  return known === undefined || isAway(known);
}

/** 0: it has none. */
const newestOf = ({ stream }: Volume, lab: LabView): number =>
  lab
    .referrers(stream, 'snapshot')
    .reduce(
      (newest, { state, context }) => (state === 'available' ? Math.max(newest, context.takenAt ?? 0) : newest),
      0,
    );
