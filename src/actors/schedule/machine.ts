import type { EventOf, LabEvent, StreamId } from '#events/envelope.ts';
import type { ScheduleSpec } from '#events/schedule.ts';
import type { Metadata } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';

export interface Schedule {
  readonly metadata: Metadata;
  readonly spec: ScheduleSpec;
  /** The app whose compose file asked for it; null when a person did. */
  readonly app: StreamId<'app'> | null;
  /** When it runs next. A deadline is data: the policy that watches it proposes `fire-schedule`. */
  readonly dueAt: number;
  readonly lastRunAt: number | null;
  readonly missed: number;
  /**
   * When the newest was taken (of backups: the newest that was read back), of one that is older than it should be; 0:
   * there is none.
   */
  readonly behindSince: number | null;
  /** When it was given another specification, the last time. */
  readonly changedAt: number | null;
}

export const scheduleMachine = setup({
  types: {} as {
    context: Schedule;
    input: EventOf<'schedule.created'>;
    events: Extract<LabEvent, { type: `schedule.${string}` }>;
  },
}).createMachine({
  id: 'schedule',
  context: ({ input: { data } }) => ({
    metadata: data.metadata,
    spec: data.spec,
    app: data.app ?? null,
    dueAt: data.dueAt,
    lastRunAt: null,
    missed: 0,
    behindSince: null,
    changedAt: null,
  }),
  initial: 'active',
  on: {
    'schedule.changed': {
      actions: assign(({ event }) => ({ spec: event.data.spec, dueAt: event.data.dueAt, changedAt: event.at })),
    },
    'schedule.fell-behind': { actions: assign(({ event }) => ({ behindSince: event.data.since })) },
    'schedule.caught-up': { actions: assign({ behindSince: null }) },
    'schedule.removed': '.removed',
  },
  states: {
    active: {
      on: {
        'schedule.fired': {
          actions: assign(({ event }) => ({
            lastRunAt: event.at,
            dueAt: event.data.dueAt,
            missed: event.data.missed,
          })),
        },
        'schedule.suspended': 'suspended',
      },
    },
    suspended: {
      on: { 'schedule.resumed': { target: 'active', actions: assign(({ event }) => ({ dueAt: event.data.dueAt })) } },
    },
    removed: { type: 'final' },
  },
});
