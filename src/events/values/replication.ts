/** How a volume is kept twice or more: how many replicas, where they may be, and when they are brought up to date. */
import * as z from 'zod';
import { labels } from './name.ts';

export const mostReplicas = 8;

/** How the pool is chosen among those that may have a replica. */
export const placingStrategy = z.enum(['most-free', 'bin-pack', 'first-fit-decreasing', 'harmonic']);
export type PlacingStrategy = z.infer<typeof placingStrategy>;

/** `22:30` */
const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, 'not a time of day: write for example 22:30');

/** Hours in which streams may begin, in the time zone of the lab; over midnight when `from` is the later one. */
export const replicationWindow = z
  .strictObject({ from: timeOfDay, to: timeOfDay })
  .refine(({ from, to }) => from !== to, 'a window begins and ends at different times');
export type ReplicationWindow = z.infer<typeof replicationWindow>;

const replicationCron = z.strictObject({
  /** Five fields: minute, hour, day of month, month, day of week. */
  cron: z.string().min(1).max(100),
  /** That of the lab when it is left out. */
  timeZone: z.string().min(1).max(64).exactOptional(),
});

const slowest = 1024;

/** How much of what was written last may be lost, in milliseconds: from a second to a year. */
export const maxDataLoss = z
  .int()
  .min(1000)
  .max(366 * 24 * 3_600_000);

export const volumeReplicas = z.strictObject({
  count: z.int().min(1).max(mostReplicas),
  /** Only on nodes with all of these labels. */
  nodes: labels.exactOptional(),
  /** `spread`: no two copies, the volume itself counted in, on nodes with the same label `zone`. */
  zones: z.literal('spread').exactOptional(),
  /** `change`: as soon as there is a newer snapshot. */
  on: z.union([z.literal('change'), replicationCron]),
  limitBytesPerSecond: z.int().min(slowest).exactOptional(),
  window: replicationWindow.exactOptional(),
  /** Streams are compressed on their way. */
  compress: z.boolean().exactOptional(),
  strategy: placingStrategy.exactOptional(),
  /** Absent: nobody has said, and nothing is given up unasked. */
  maxDataLossMs: maxDataLoss.exactOptional(),
});
export type VolumeReplicas = z.infer<typeof volumeReplicas>;
