/** A snapshot of a volume. An actor of its own: a volume may have twenty thousand. */
import * as z from 'zod';
import { asItWas, event } from './define.ts';
import { metadata, problem } from './values/metadata.ts';
import { serviceName } from './values/name.ts';
import { snapshotRef, volumeRef } from './volume.ts';

export const snapshotReason = z.enum([
  'manual',
  'schedule',
  'change',
  'stash',
  'clone',
  'export',
  'import',
  'replica',
  'backup',
]);
export type SnapshotReason = z.infer<typeof snapshotReason>;

/** The file system's own identity of a snapshot. */
const snapshotGuid = z.string().min(1).max(64);

/** What a node had seen of a volume when it asked for a snapshot: the newest one by then, and a mark of the content. */
export const seenChange = z.strictObject({ since: snapshotGuid.exactOptional(), mark: z.string().min(1).max(256) });
export type SeenChange = z.infer<typeof seenChange>;

/** Snapshots of several volumes that belong together; all of them name the first one, which leads. */
export const snapshotSet = z.strictObject({ lead: snapshotRef, size: z.int().min(1).max(200) });
export type SnapshotSet = z.infer<typeof snapshotSet>;

/** How the commands of one side ended; when there were several, as the first one that did not do well. */
export const hookOutcome = z.strictObject({
  /** `not-running`: its service did not run, so there was nothing to tell. */
  ended: z.enum(['done', 'failed', 'timed-out', 'not-running']),
  service: serviceName,
  exitCode: z.int().exactOptional(),
  tookMs: z.int().min(0),
});
export type HookOutcome = z.infer<typeof hookOutcome>;

export const hookOutcomes = z.strictObject({
  before: hookOutcome.exactOptional(),
  after: hookOutcome.exactOptional(),
});
export type HookOutcomes = z.infer<typeof hookOutcomes>;

/** What a node says of a snapshot that is there. */
export const snapshotFact = z.strictObject({
  guid: snapshotGuid,
  /** By the file system. */
  takenAt: z.int().min(0),
  /** Around which commands of the app it was taken; absent where its volume has none. */
  hooks: hookOutcomes.exactOptional(),
  /** Of one of a set: whether all of them are of one moment. */
  together: z.boolean().exactOptional(),
});

export const snapshotEvents = {
  'snapshot.requested': event(
    3,
    z.strictObject({
      metadata,
      volume: volumeRef,
      reason: snapshotReason,
      note: z.string().max(500).exactOptional(),
      change: seenChange.exactOptional(),
      set: snapshotSet.exactOptional(),
      /** Of its volume, when it was asked for: each roll-back opens another one. */
      lineage: z.int().min(1).exactOptional(),
    }),
    { 1: asItWas, 2: asItWas },
  ),
  'snapshot.taken': event(2, snapshotFact, { 1: asItWas }),
  'snapshot.failed': event(1, z.strictObject({ problem })),
  /** Its note is another one, or none. */
  'snapshot.noted': event(1, z.strictObject({ note: z.string().min(1).max(500).nullable() })),
  'snapshot.removal-requested': event(1, z.strictObject({ because: z.string().max(500) })),
  /** Something else holds it, so it stays. It is tried again once a day, and whenever a person asks for it. */
  'snapshot.removal-refused': event(1, z.strictObject({ problem })),
  /** Held until now, and by now nobody wants it gone any more. */
  'snapshot.removal-withdrawn': event(1, z.strictObject({})),
  'snapshot.removed': event(1, z.strictObject({})),
  /** Its node has looked, and it is not there any more: somebody else has destroyed it. */
  'snapshot.found-gone': event(1, z.strictObject({ problem })),
  /** What it is of has moved, and left it behind with the dataset that it belongs to. */
  'snapshot.left-behind': event(1, z.strictObject({ volume: volumeRef })),
};
