/** Schedules that are due. The time of the next run is in the log; a repetition of this one has the same command id. */
import type { StreamId } from '#events/envelope.ts';
import type { Policy } from './policy.ts';

export const schedulesPolicy: Policy = {
  name: 'schedules',
  subjects: ['schedule'],
  wakes: ({ event, after }) => (after?.kind === 'schedule' ? [event.stream] : []),
  dueAt: (subject, lab) => {
    const schedule = lab.get(subject as StreamId<'schedule'>);
    return schedule?.state === 'active' ? schedule.context.dueAt : undefined;
  },
  propose: (subject, lab, _, now) => {
    const schedule = lab.get(subject as StreamId<'schedule'>);
    if (schedule?.state !== 'active' || schedule.context.dueAt > now) return [];
    const { dueAt, spec } = schedule.context;
    return [
      { name: 'fire-schedule', input: { schedule: schedule.stream, dueAt }, because: { cron: spec.cron, dueAt } },
    ];
  },
};
