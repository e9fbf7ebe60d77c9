import { timeZone } from '#events/cluster.ts';
import { scheduleSpec } from '#events/schedule.ts';
import { name } from '#events/values/name.ts';
import { z } from 'zod';
import { target } from '../drafting.ts';

export const scheduleCommands = {
  'create-schedule': z.strictObject({
    ...target,
    volume: name,
    cron: scheduleSpec.shape.cron,
    timeZone: timeZone.exactOptional(),
  }),
  'suspend-schedule': z.strictObject(target),
  'resume-schedule': z.strictObject(target),
  'remove-schedule': z.strictObject(target),
  'fire-schedule': z.strictObject({ schedule: z.templateLiteral(['schedule:', z.string()]), dueAt: z.int().min(0) }),
};
