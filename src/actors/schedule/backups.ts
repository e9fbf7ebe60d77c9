/** Backups on schedule: what a run begins, and when they have fallen behind. */
import type { AnyDraft } from '#events/envelope.ts';
import type { ScheduleSpec } from '#events/schedule.ts';
import type { ActorState, Ask, LabView } from '../actor.ts';
import { backupsOf as knownBackupsOf, counts, isUnderWay } from '../backup/known.ts';
import { backupsOf, volumesOf } from '../backup/requests.ts';
import { draft } from '../drafting.ts';

type Volume = ActorState<'volume'>;

export const volumesIn = (spec: ScheduleSpec, lab: LabView): readonly Volume[] => {
  if (spec.app !== undefined) return volumesOf(spec.app, lab, spec.volumes);
  const volume = spec.volume && lab.get(spec.volume);
  return volume ? [volume] : [];
};

/** None of a volume whose last one is still under way: a target that is slow or away gathers no queue. */
export function backupRun(
  spec: ScheduleSpec,
  { id, now }: { readonly id: Ask<unknown>['id']; readonly now: number },
  lab: LabView,
): readonly AnyDraft[] {
  const target = spec.target && lab.get(spec.target);
  if (!target) return [];
  const isBusy = ({ stream }: Volume): boolean =>
    knownBackupsOf(stream, lab).some(
      (backup) => backup.context.target === target.stream && backup.context.reason === 'schedule' && isUnderWay(backup),
    );
  const due = volumesIn(spec, lab).filter((volume) => volume.state === 'ready' && !isBusy(volume));
  return due.length === 0 ? [] : backupsOf(due, target, { id, from: 0, now, reason: 'schedule' }, lab);
}

/** Once, when the newest that was read back is older than twice the interval. @param intervalMs from one run to the next */
export function lagOf(
  { stream, createdAt, context }: ActorState<'schedule'>,
  intervalMs: number,
  now: number,
  lab: LabView,
): readonly AnyDraft[] {
  const { spec, behindSince, changedAt } = context;
  // One that runs more often from now on, or goes elsewhere, has had no time yet.
  const asItIsSince = Math.max(createdAt, changedAt ?? 0);
  if (spec.action !== 'backup' || behindSince !== null || now - asItIsSince < 2 * intervalMs) return [];
  const newest = volumesIn(spec, lab).map((volume) =>
    Math.max(
      0,
      ...knownBackupsOf(volume.stream, lab)
        .filter((backup) => backup.context.target === spec.target && counts(backup))
        .map((backup) => backup.context.takenAt ?? 0),
    ),
  );
  const oldest = Math.min(...newest);
  return newest.length > 0 && now - oldest > 2 * intervalMs
    ? [draft(stream, 'schedule.fell-behind', { since: oldest })]
    : [];
}
