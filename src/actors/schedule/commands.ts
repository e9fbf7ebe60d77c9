import { timeZone } from '#events/cluster.ts';
import { scheduleSpec } from '#events/schedule.ts';
import { name } from '#events/values/name.ts';
import * as z from 'zod';
import { target } from '../drafting.ts';

export const scheduleCommands = {
  /** Of exactly one: a volume, an app, or a pool. */
  'create-schedule': z.strictObject({
    ...target,
    /** To snapshot this volume, or to back it up, */
    volume: name.exactOptional(),
    /** or all volumes of this app as a set. */
    app: name.exactOptional(),
    /** To scrub this pool: `node/pool`. */
    pool: z
      .string()
      .regex(/^[a-z0-9-]{1,63}\/[a-z0-9-]{1,63}$/, 'not a pool: write node/pool')
      .exactOptional(),
    /** Backups go to this target; without one snapshots are taken. */
    backupTo: name.exactOptional(),
    cron: scheduleSpec.shape.cron,
    timeZone: timeZone.exactOptional(),
  }),
  'suspend-schedule': z.strictObject(target),
  'resume-schedule': z.strictObject(target),
  'remove-schedule': z.strictObject(target),
  'fire-schedule': z.strictObject({ schedule: z.templateLiteral(['schedule:', z.string()]), dueAt: z.int().min(0) }),
};
