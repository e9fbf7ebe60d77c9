import { streamOf } from '#events/envelope.ts';
import type { ScheduleSpec } from '#events/schedule.ts';
import type { LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, nameTaken, newMetadata, unchanged, withNamed } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { requestSnapshot } from '../snapshot/decide.ts';
import type { scheduleCommands } from './commands.ts';
import { checkCron, checkTimeZone, missedRuns, nextRun } from './next.ts';

const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'schedule', namespace }) as const;

/** The schedule's own time zone, or the lab's. */
const zoneOf = (spec: ScheduleSpec, lab: LabView): string =>
  spec.timeZone ?? lab.get(clusterStream)?.context.timeZone ?? 'UTC';

export const scheduleDecisions: Decisions<keyof typeof scheduleCommands> = {
  'create-schedule': {
    scope: write,
    decide: ({ input, id, now }, lab) => {
      const wrong = checkCron(input.cron) ?? (input.timeZone === undefined ? undefined : checkTimeZone(input.timeZone));
      if (wrong !== undefined) return reject('INVALID', wrong);
      if (lab.byName('schedule', input.namespace, input.name)) return nameTaken('schedule', input.name);
      return withNamed(lab, 'volume', { namespace: input.namespace, name: input.volume }, (volume) => {
        const spec: ScheduleSpec = {
          cron: input.cron,
          ...(input.timeZone === undefined ? {} : { timeZone: input.timeZone }),
          action: 'snapshot',
          volume: volume.stream,
        };
        return drafts(
          draft(streamOf('schedule', id(0)), 'schedule.created', {
            metadata: newMetadata(id(0), input.name, input.namespace),
            spec,
            dueAt: nextRun(input.cron, zoneOf(spec, lab), now),
          }),
        );
      });
    },
  },

  'suspend-schedule': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'schedule', input, (schedule) =>
        schedule.state === 'suspended' ? unchanged : drafts(draft(schedule.stream, 'schedule.suspended', {})),
      ),
  },

  'resume-schedule': {
    scope: write,
    decide: ({ input, now }, lab) =>
      withNamed(lab, 'schedule', input, (schedule) => {
        if (schedule.state === 'active') return unchanged;
        const { spec } = schedule.context;
        return drafts(
          draft(schedule.stream, 'schedule.resumed', { dueAt: nextRun(spec.cron, zoneOf(spec, lab), now) }),
        );
      }),
  },

  'remove-schedule': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'schedule', input, (schedule) => drafts(draft(schedule.stream, 'schedule.removed', {}))),
  },

  /**
   * The run that is due, and the next time. Runs that were missed (the lab was off, the clock jumped) are made up for
   * by this single one. A volume that cannot be snapshotted now is skipped: its next run comes.
   */
  'fire-schedule': {
    scope: () => ({ verb: 'govern', kind: 'schedule' }),
    decide: ({ input, id, now }, lab) => {
      const schedule = lab.get(input.schedule);
      if (schedule?.state !== 'active' || schedule.context.dueAt !== input.dueAt || now < input.dueAt) return unchanged;
      const { spec } = schedule.context;
      const zone = zoneOf(spec, lab);
      const volume = lab.get(spec.volume);
      return drafts(
        draft(schedule.stream, 'schedule.fired', {
          scheduledFor: input.dueAt,
          missed: missedRuns(spec.cron, zone, input.dueAt, now, 1000),
          dueAt: nextRun(spec.cron, zone, now),
        }),
        volume?.state === 'ready' ? requestSnapshot(volume, id(0), now, 'schedule', lab) : [],
      );
    },
  },
};
