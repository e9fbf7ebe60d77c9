/** Something that happens again and again. The next time is calculated before it is appended, never in the fold. */
import * as z from 'zod';
import { backupTargetRef } from './backup-target.ts';
import { timeZone } from './cluster.ts';
import { asItWas, event } from './define.ts';
import { backupTerms } from './values/backing-up.ts';
import { metadata } from './values/metadata.ts';
import { poolRef } from './values/pool.ts';
import { appRef, volumeKey, volumeRef } from './volume.ts';

export const scheduleSpec = z
  .strictObject({
    /** Five fields: minute, hour, day of month, month, day of week. */
    cron: z.string().min(1).max(100),
    timeZone: timeZone.exactOptional(),
    action: z.enum(['snapshot', 'scrub', 'backup']),
    /** Of this volume, */
    volume: volumeRef.exactOptional(),
    /** or of all volumes of this app, as a set. */
    app: appRef.exactOptional(),
    /** A scrub is of a pool. */
    pool: poolRef.exactOptional(),
    /** Only these volumes of the app, as its compose file calls them. */
    volumes: z.array(volumeKey).min(1).exactOptional(),
    /** Where a backup goes. */
    target: backupTargetRef.exactOptional(),
    ...backupTerms,
  })
  .refine(
    ({ action, volume, app, pool, target }) =>
      (pool !== undefined) === (action === 'scrub') &&
      (target !== undefined) === (action === 'backup') &&
      [volume, app, pool].filter((target) => target !== undefined).length === 1,
    'name a volume or an app for snapshots and, with a target, for backups, or a pool for scrubs',
  );
export type ScheduleSpec = z.infer<typeof scheduleSpec>;

const dueAt = z.int().min(0);

export const scheduleEvents = {
  'schedule.created': event(3, z.strictObject({ metadata, spec: scheduleSpec, dueAt, app: appRef.exactOptional() }), {
    1: asItWas,
    2: asItWas,
  }),
  'schedule.changed': event(3, z.strictObject({ spec: scheduleSpec, dueAt }), { 1: asItWas, 2: asItWas }),
  /** `missed` counts earlier runs that could not happen; they are made up for by this one. */
  'schedule.fired': event(1, z.strictObject({ scheduledFor: z.int().min(0), missed: z.int().min(0), dueAt })),
  'schedule.suspended': event(1, z.strictObject({})),
  'schedule.resumed': event(1, z.strictObject({ dueAt })),
  /** The newest is older than twice the interval: of backups the newest that was read back. 0: there is none. */
  'schedule.fell-behind': event(1, z.strictObject({ since: z.int().min(0) })),
  'schedule.caught-up': event(1, z.strictObject({})),
  'schedule.removed': event(1, z.strictObject({})),
};
