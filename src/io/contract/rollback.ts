/** What going back to a snapshot does to a volume: told before it does it. */
import * as z from 'zod';
import { formatSize } from '#events/values/size.ts';

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
  /**
   * Of what the volume holds now, what was written since the snapshot: all of it is replaced. Absent where the file
   * system does not tell, or the node of the volume does not answer: that is unknown, and not zero.
   */
  writtenBytes: z.int().optional(),
  /** Newer snapshots, oldest first: they stay, and belong to a line of the history that is left. */
  newer: z.array(newerSnapshot),
  /** Line of the history that the snapshot belongs to, the present one, and the one that would be opened. */
  lineage: z.object({ of: z.int(), present: z.int(), opens: z.int() }),
  /** The app that stands still meanwhile; null when none has it. */
  app: z.string().nullable(),
});
export type RollbackAnswer = z.infer<typeof rollbackAnswer>;

/** One sentence, the same in every face. */
export function writtenWords({ writtenBytes }: Pick<RollbackAnswer, 'writtenBytes'>): string {
  if (writtenBytes === undefined) return 'How much was written since then is unknown.';
  return writtenBytes === 0
    ? 'Nothing was written since then.'
    : `${formatSize(writtenBytes)} were written since then.`;
}
