/** What going back to a snapshot does to a volume: told before it does it. */
import * as z from 'zod';

const newerSnapshot = z.object({
  snapshot: z.string(),
  /** Milliseconds since 1970. */
  takenAt: z.int(),
  reason: z.string(),
  note: z.string().nullable(),
});

export const rollbackAnswer = z.object({
  snapshot: z.string(),
  /** Milliseconds since 1970: what was written since then is not in the volume any more. */
  takenAt: z.int(),
  /** What the volume holds now, where its node has measured it; it is kept as a snapshot. */
  usedBytes: z.int().optional(),
  /** Newer snapshots, oldest first: they stay, and belong to a line of the history that is left. */
  newer: z.array(newerSnapshot),
  /** Line of the history that the snapshot belongs to, the present one, and the one that would be opened. */
  lineage: z.object({ of: z.int(), present: z.int(), opens: z.int() }),
  /** The app that stands still meanwhile; null when none has it. */
  app: z.string().nullable(),
});
export type RollbackAnswer = z.infer<typeof rollbackAnswer>;
