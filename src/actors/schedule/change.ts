/** Another time, and of backups another target or other terms, for a schedule that is there. What it is of stays. */
import type { ScheduleSpec } from '#events/schedule.ts';
import type { ActorState, LabView } from '../actor.ts';
import { isOurs } from '../backup-target/known.ts';
import { refuseBeside, refuseTarget } from '../backup/requests.ts';
import type { Commands } from '../commands.ts';
import { missing, systemNamespace } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { volumesIn } from './backups.ts';
import { checkCron, checkTimeZone } from './next.ts';

type Refusal = ReturnType<typeof reject>;
type Target = ActorState<'backup-target'>;

/** @returns a refusal of what is no time */
export function refuseTimes({
  cron,
  timeZone,
}: Pick<Commands['change-schedule'], 'cron' | 'timeZone'>): Refusal | undefined {
  const wrong =
    (cron === undefined ? undefined : checkCron(cron)) ??
    (timeZone === undefined || timeZone === null ? undefined : checkTimeZone(timeZone));
  return wrong === undefined ? undefined : reject('INVALID', wrong);
}

/** Where backups of a schedule may go, by its name. */
export function targetFor(lab: LabView, name: string): Target | Refusal {
  const target = lab.byName('backup-target', systemNamespace, name);
  if (!target) return missing('backup-target', systemNamespace, name);
  return (isOurs(target) ? undefined : refuseTarget(target)) ?? target;
}

/** Of one that belongs to an app: the next deploy would undo what somebody changed here. */
export function refuseOwned({ context }: ActorState<'schedule'>, lab: LabView): Refusal | undefined {
  const app = context.app && lab.get(context.app);
  if (!app) return undefined;
  const owner = app.context.metadata.name;
  return reject(
    'FIXED',
    `Schedule ${context.metadata.name} is of app ${owner}, whose compose file says when it runs.`,
    'Change x-floatlab in that file and deploy it, or make a schedule of your own beside it.',
  );
}

/** @returns the same specification where nothing changes */
export function changedSpec(
  { context }: ActorState<'schedule'>,
  input: Commands['change-schedule'],
  lab: LabView,
): ScheduleSpec | Refusal {
  const { spec: before, metadata } = context;
  const refused = refuseTimes(input);
  if (refused) return refused;
  const { cron, timeZone, backupTo, keep, testRestoreEveryMs } = input;
  const isOfBackups = [backupTo, keep, testRestoreEveryMs].some((of) => of !== undefined);
  if (isOfBackups && before.action !== 'backup')
    return reject(
      'INVALID',
      `Schedule ${metadata.name} makes no backups: it has no target, and says nothing of how long they stay.`,
      'Make a schedule of backups beside it: floatlab help schedule create.',
    );
  const target = backupTo === undefined ? undefined : targetFor(lab, backupTo);
  if (target && 'rejected' in target) return target;
  const beside = target && refuseBeside(volumesIn(before, lab), target);
  if (beside) return beside;
  const spec: ScheduleSpec = { ...before, ...(cron === undefined ? {} : { cron }) };
  if (timeZone === null) delete spec.timeZone;
  else if (timeZone !== undefined) spec.timeZone = timeZone;
  if (target) spec.target = target.stream;
  if (keep === '') delete spec.keep;
  else if (keep !== undefined) spec.keep = keep;
  if (testRestoreEveryMs === 0) delete spec.testRestoreEveryMs;
  else if (testRestoreEveryMs !== undefined) spec.testRestoreEveryMs = testRestoreEveryMs;
  return parts.every((part) => spec[part] === before[part]) ? before : spec;
}

const parts = ['cron', 'timeZone', 'target', 'keep', 'testRestoreEveryMs'] as const satisfies (keyof ScheduleSpec)[];
