/** A snapshot of a volume. An actor of its own: a volume may have twenty thousand. */
import { z } from 'zod';
import { event } from './define.ts';
import { metadata, problem } from './values/metadata.ts';
import { volumeRef } from './volume.ts';

export const snapshotReason = z.enum(['manual', 'schedule', 'stash']);
export type SnapshotReason = z.infer<typeof snapshotReason>;

export const snapshotEvents = {
  'snapshot.requested': event(
    1,
    z.strictObject({ metadata, volume: volumeRef, reason: snapshotReason, note: z.string().max(500).exactOptional() }),
  ),
  /** `guid` is the file system's own identity of the snapshot; `takenAt` its own time. */
  'snapshot.taken': event(1, z.strictObject({ guid: z.string().min(1).max(64), takenAt: z.int().min(0) })),
  'snapshot.failed': event(1, z.strictObject({ problem })),
  'snapshot.removal-requested': event(1, z.strictObject({ because: z.string().max(500) })),
  'snapshot.removed': event(1, z.strictObject({})),
};
