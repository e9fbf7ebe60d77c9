/** How long backups stay, and how often one is restored as a test: by the schedule of their volume, else by their target. */
import type { TargetSpec } from '#events/backup-target.ts';
import type { ActorState, LabView } from '../actor.ts';
import { volumesIn } from '../schedule/backups.ts';

type Target = ActorState<'backup-target'>;

/** @param series backups of one volume in this target */
export function termsOf(
  series: readonly ActorState<'backup'>[],
  { stream, context }: Target,
  lab: LabView,
): Pick<TargetSpec, 'keep' | 'testRestoreEveryMs'> {
  const volumes = new Set(series.flatMap((backup) => backup.context.volume ?? []));
  const own = lab
    .referrers(stream, 'schedule')
    .map((schedule) => schedule.context.spec)
    .find((spec) => spec.target === stream && volumesIn(spec, lab).some((volume) => volumes.has(volume.stream)));
  const keep = own?.keep ?? context.spec.keep;
  const testRestoreEveryMs = own?.testRestoreEveryMs ?? context.spec.testRestoreEveryMs;
  return {
    ...(keep === undefined ? {} : { keep }),
    ...(testRestoreEveryMs === undefined ? {} : { testRestoreEveryMs }),
  };
}

/** Whether anything is ever restored from it as a test. */
export const isTested = ({ stream, context }: Target, lab: LabView): boolean =>
  context.spec.testRestoreEveryMs !== undefined ||
  lab.referrers(stream, 'schedule').some((schedule) => schedule.context.spec.testRestoreEveryMs !== undefined);
