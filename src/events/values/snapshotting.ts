/** How a volume is snapshotted beyond its schedules: when it has changed, and around which commands of its app. */
import * as z from 'zod';
import { serviceName } from './name.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

export const settleLimitsMs = { min: secondMs, max: hourMs } as const;
export const intervalLimitsMs = { min: 10 * secondMs, max: 31 * 24 * hourMs } as const;

export const snapshotOnChange = z.strictObject({
  /** It is taken when nothing was written for so long, */
  settleMs: z.int().min(settleLimitsMs.min).max(settleLimitsMs.max),
  /** but not sooner after the last snapshot. What is written all the time is snapshotted this often. */
  minIntervalMs: z.int().min(intervalLimitsMs.min).max(intervalLimitsMs.max),
});
export type SnapshotOnChange = z.infer<typeof snapshotOnChange>;

export const defaultOnChange: SnapshotOnChange = { settleMs: 30 * secondMs, minIntervalMs: 5 * minuteMs };

export const hookLimitsMs = { min: secondMs, max: hourMs } as const;
export const defaultHookMs = 30 * secondMs;

/** A command in the container of a service. It is in the history of the lab: no place for a password. */
export const snapshotHook = z.strictObject({
  service: serviceName,
  command: z.array(z.string().max(4096)).min(1).max(64),
  /** Killed after this long. */
  timeoutMs: z.int().min(hookLimitsMs.min).max(hookLimitsMs.max),
});
export type SnapshotHook = z.infer<typeof snapshotHook>;

export const snapshotHooks = z
  .strictObject({
    before: snapshotHook.exactOptional(),
    /** Runs whenever `before` has begun. Both may run more than once for one snapshot. */
    after: snapshotHook.exactOptional(),
    /** What becomes of the snapshot when `before` fails. */
    onFailure: z.enum(['skip', 'take-anyway']),
  })
  .refine(({ before, after }) => before !== undefined || after !== undefined, 'name a command before or after');
export type SnapshotHooks = z.infer<typeof snapshotHooks>;
