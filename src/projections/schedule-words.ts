/** What happens to schedules, as sentences. Of backups that are late: `backup-words.ts`. */
import type { LabView } from '#actors/actor.ts';
import type { EventOf } from '#events/envelope.ts';
import type { EventType } from '#events/registry.ts';
import type { ScheduleSpec } from '#events/schedule.ts';
import { formatDuration } from '#events/values/duration.ts';
import type { backupWords } from './backup-words.ts';
import { refTo } from './refs.ts';
import type { About } from './words.ts';

type Told = Exclude<Extract<EventType, `schedule.${string}`>, keyof typeof backupWords>;
type ScheduleWords = { readonly [T in Told]: (event: EventOf<T>, about: About) => string };

/** `30 3 * * * in Asia/Tokyo, to usb, keeps 14d:1d` */
function termsOf({ cron, timeZone, target, keep, testRestoreEveryMs }: ScheduleSpec, lab: LabView): string {
  return [
    timeZone === undefined ? cron : `${cron} in ${timeZone}`,
    ...(target === undefined ? [] : [`to ${refTo(lab, target)?.name ?? 'a target that is gone'}`]),
    ...(keep === undefined ? [] : [`keeps ${keep}`]),
    ...(testRestoreEveryMs === undefined ? [] : [`one restored as a test every ${formatDuration(testRestoreEveryMs)}`]),
  ].join(', ');
}

export const scheduleWords: ScheduleWords = {
  'schedule.created': ({ data }, { name, lab, v }) =>
    `Schedule ${name} ${v('was', 'would be')} created (${termsOf(data.spec, lab)}).`,
  'schedule.changed': ({ data }, { name, lab, v }) =>
    `Schedule ${name} ${v('was', 'would be')} changed (${termsOf(data.spec, lab)}).`,
  'schedule.fired': ({ data }, { name, v }) => {
    const also = data.missed === 0 ? '' : `, also for ${data.missed} missed ${data.missed === 1 ? 'run' : 'runs'}`;
    return `Schedule ${name} ${v('ran', 'would run')}${also}.`;
  },
  'schedule.suspended': (_, { name, v }) => `Schedule ${name} ${v('was', 'would be')} suspended.`,
  'schedule.resumed': (_, { name, v }) => `Schedule ${name} ${v('goes', 'would go')} on.`,
  'schedule.removed': (_, { name, v }) => `Schedule ${name} ${v('was', 'would be')} removed.`,
};
