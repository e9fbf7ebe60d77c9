/** What happens to schedules, as sentences. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { EventOf } from '#events/envelope.ts';
import type { EventType } from '#events/registry.ts';
import type { ScheduleSpec } from '#events/schedule.ts';
import { formatDuration } from '#events/values/duration.ts';
import { refTo } from './refs.ts';
import type { About } from './words.ts';

type Told = Extract<EventType, `schedule.${string}`>;
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
  'schedule.fell-behind': ({ data }, about) => {
    const isOfBackups = actionOf(about) === 'backup';
    const none = isOfBackups ? 'no backup of it was ever read back' : 'there is no snapshot of it';
    const newest = `its newest ${isOfBackups ? 'good backup' : 'snapshot'} is of ${new Date(data.since).toISOString()}`;
    return `Schedule ${about.name} ${about.v('has', 'would have')} fallen behind: ${data.since === 0 ? none : newest}.`;
  },
  'schedule.caught-up': (_, about) =>
    `Schedule ${about.name} ${about.v('has', 'would have')} a fresh ${actionOf(about)} again.`,
  'schedule.removed': (_, { name, v }) => `Schedule ${name} ${v('was', 'would be')} removed.`,
};

const actionOf = ({ actor }: About): string => (actor as ActorState<'schedule'>).context.spec.action;
