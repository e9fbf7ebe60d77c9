/** Snapshots of a volume that another tool took, as its node sees them at this moment: shown, and never touched. */
import * as z from 'zod';

const foreignSnapshot = z.object({
  /** What that tool calls it: of btrfs the path of the subvolume. */
  name: z.string().max(4096),
  /** Milliseconds since 1970, by the file system; null where it does not tell. */
  takenAt: z.int().min(0).nullable(),
  /** What would be free without it and it alone; null where the file system does not count that. */
  exclusiveBytes: z.int().min(0).nullable(),
});
export type ForeignSnapshot = z.infer<typeof foreignSnapshot>;

/** More than a person would look through. */
export const mostForeignSnapshots = 2000;

export const foreignSnapshotsAnswer = z.object({
  /** In the order of their creation, the newest ones. */
  items: z.array(foreignSnapshot).max(mostForeignSnapshots),
  /** There are older ones. */
  truncated: z.boolean(),
});
export type ForeignSnapshotsAnswer = z.infer<typeof foreignSnapshotsAnswer>;
