import { timeZone } from '#events/cluster.ts';
import { scheduleSpec } from '#events/schedule.ts';
import { backupTerms, verifyInterval } from '#events/values/backing-up.ts';
import { keep } from '#events/values/keep.ts';
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
    /** Backups go to this target; without one snapshots are taken. Of backups alone: how long they stay there. */
    backupTo: name.exactOptional(),
    ...backupTerms,
    cron: scheduleSpec.shape.cron,
    timeZone: timeZone.exactOptional(),
  }),
  /** What is left out stays. */
  'change-schedule': z.strictObject({
    ...target,
    cron: scheduleSpec.shape.cron.exactOptional(),
    /** Null: that of the lab. */
    timeZone: timeZone.nullable().exactOptional(),
    /** Of backups: another target. */
    backupTo: name.exactOptional(),
    /** Of backups. Empty: as their target says. */
    keep: z.union([keep, z.literal('')]).exactOptional(),
    /** Of backups. 0: as their target says. */
    testRestoreEveryMs: z.union([verifyInterval, z.literal(0)]).exactOptional(),
  }),
  'suspend-schedule': z.strictObject(target),
  'resume-schedule': z.strictObject(target),
  'remove-schedule': z.strictObject(target),
  'fire-schedule': z.strictObject({ schedule: z.templateLiteral(['schedule:', z.string()]), dueAt: z.int().min(0) }),
};
