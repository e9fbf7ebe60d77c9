/** What a retention policy does to the snapshots of a volume: told before it does it. */
import * as z from 'zod';

const retentionVerdict = z.object({
  snapshot: z.string(),
  takenAt: z.int(),
  keep: z.boolean(),
  /** Why it stays, or why it goes, for people. */
  why: z.string(),
});

export const retentionAnswer = z.object({
  /** The policy; null: every snapshot is kept. */
  keep: z.string().nullable(),
  kept: z.int(),
  dropped: z.int(),
  /** Of every snapshot that is there, oldest first. */
  items: z.array(retentionVerdict),
});
export type RetentionAnswer = z.infer<typeof retentionAnswer>;
