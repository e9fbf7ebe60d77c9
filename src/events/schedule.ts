/** Something that happens again and again. The next time is calculated before it is appended, never in the fold. */
import { z } from 'zod';
import { timeZone } from './cluster.ts';
import { event } from './define.ts';
import { metadata } from './values/metadata.ts';
import { appRef, volumeRef } from './volume.ts';

export const scheduleSpec = z.strictObject({
  /** Five fields: minute, hour, day of month, month, day of week. */
  cron: z.string().min(1).max(100),
  timeZone: timeZone.exactOptional(),
  action: z.literal('snapshot'),
  volume: volumeRef,
});
export type ScheduleSpec = z.infer<typeof scheduleSpec>;

const dueAt = z.int().min(0);

export const scheduleEvents = {
  'schedule.created': event(1, z.strictObject({ metadata, spec: scheduleSpec, dueAt, app: appRef.exactOptional() })),
  'schedule.changed': event(1, z.strictObject({ spec: scheduleSpec, dueAt })),
  /** `missed` counts earlier runs that could not happen; they are made up for by this one. */
  'schedule.fired': event(1, z.strictObject({ scheduledFor: z.int().min(0), missed: z.int().min(0), dueAt })),
  'schedule.suspended': event(1, z.strictObject({})),
  'schedule.resumed': event(1, z.strictObject({ dueAt })),
  'schedule.removed': event(1, z.strictObject({})),
};
