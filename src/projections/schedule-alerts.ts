/** What can be wrong with schedules: what they are for does not come of them. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { Alert } from './alerts.ts';
import { refTo } from './refs.ts';

export const scheduleRules = ['backup-behind', 'snapshots-behind'] as const;

export function scheduleAlerts(schedule: ActorState<'schedule'>, lab: LabView): readonly Alert[] {
  if (schedule.context.behindSince === null) return [];
  return [schedule.context.spec.action === 'backup' ? backupBehind(schedule, lab) : snapshotsBehind(schedule, lab)];
}

function backupBehind({ context }: ActorState<'schedule'>, lab: LabView): Alert {
  const { metadata, behindSince, spec } = context;
  const of = refTo(lab, spec.volume ?? spec.app)?.name ?? 'a volume that is gone';
  const where = refTo(lab, spec.target)?.name ?? 'a target that is gone';
  return {
    rule: 'backup-behind',
    severity: 'critical',
    message:
      behindSince === 0
        ? `No backup of ${of} in ${where} was ever read back, although schedule ${metadata.name} asks for them.`
        : `The newest good backup of ${of} in ${where} is of ${dateOf(behindSince)}: older than twice the interval of schedule ${metadata.name}.`,
    hint: 'See what keeps it: floatlab backup ls, floatlab backup target ls.',
  };
}

function snapshotsBehind({ context }: ActorState<'schedule'>, lab: LabView): Alert {
  const { metadata, behindSince, spec } = context;
  const volume = refTo(lab, spec.volume)?.name ?? '–';
  const app = refTo(lab, spec.app)?.name;
  const take = app === undefined ? `floatlab snapshot take --volume ${volume}` : `floatlab snapshot take --app ${app}`;
  const of = app === undefined ? `volume ${volume}` : `a volume of app ${app}`;
  return {
    rule: 'snapshots-behind',
    severity: 'critical',
    message:
      behindSince === 0
        ? `There is no snapshot of ${of}, although schedule ${metadata.name} asks for them.`
        : `The newest snapshot of ${of} is of ${dateOf(behindSince)}: older than twice the interval of schedule ${metadata.name}.`,
    hint: `Take one, and see what keeps it: ${take}.`,
  };
}

const dateOf = (at: number | null): string => new Date(at ?? 0).toISOString();
