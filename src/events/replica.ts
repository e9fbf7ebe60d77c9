/** A replica: a copy of a volume on another node, read-only, that follows the volume's snapshots. */
import * as z from 'zod';
import { asItWas, event } from './define.ts';
import { metadata, problem } from './values/metadata.ts';
import { name } from './values/name.ts';
import { nodeRef, poolName, snapshotRef, volumeRef } from './volume.ts';

const time = z.int().min(0);
const guid = z.string().min(1).max(64);
const dataset = z.string().min(1).max(255);

/** A snapshot of the volume, by what its copy shares with it. */
export const replicaPoint = z.strictObject({
  guid,
  name,
  takenAt: time,
  /** The line of the volume's history that it is on. */
  lineage: z.int().min(1),
});
export type ReplicaPoint = z.infer<typeof replicaPoint>;

export const syncReason = z.enum(['change', 'schedule', 'manual']);
export type SyncReason = z.infer<typeof syncReason>;

export const replicaEvents = {
  /** `manual`: a person asked for it, so that only a person removes it. */
  'replica.requested': event(
    2,
    z.strictObject({
      metadata,
      volume: volumeRef,
      node: nodeRef,
      pool: poolName,
      dataset,
      manual: z.boolean(),
      /** Of what was the volume until another replica took its place: what it holds from its first day. */
      holds: replicaPoint.exactOptional(),
      compressed: z.boolean().exactOptional(),
    }),
    { 1: asItWas },
  ),
  'replica.sync-requested': event(
    1,
    z.strictObject({
      snapshot: snapshotRef,
      to: replicaPoint,
      reason: syncReason,
      /** Nothing of it is there: all of the volume is sent. */
      full: z.boolean(),
    }),
  ),
  /** Its content is the snapshot that was asked for. */
  'replica.synced': event(
    1,
    z.strictObject({
      bytes: time,
      /** Streams of it are compressed as the file system compresses them; fixed with the first one. */
      compressed: z.boolean().exactOptional(),
    }),
  ),
  /** `retryAt` null: it waits for a person. */
  'replica.sync-failed': event(1, z.strictObject({ problem, retryAt: time.nullable() })),
  'replica.sync-cancelled': event(1, z.strictObject({})),
  'replica.paused': event(1, z.strictObject({})),
  'replica.resumed': event(1, z.strictObject({})),
  /** The volume has gone on without it for longer than it should. */
  'replica.fell-behind': event(1, z.strictObject({ since: time })),
  /** More than its volume allows would have been lost with it, for a while; `lossMs` null: nobody knew how much. */
  'replica.loss-exceeded': event(1, z.strictObject({ lossMs: time.nullable(), maxMs: time })),
  /** No more than its volume allows, or that allows more, or says nothing any more. */
  'replica.loss-recovered': event(1, z.strictObject({})),
  /** What it has and its volume does not is put aside, with a dataset of its own until `purgeAt`, or destroyed. */
  'replica.resync-requested': event(1, z.strictObject({ keep: z.boolean(), aside: dataset, purgeAt: time })),
  /** `dataset`: another one where all that it had was put aside. */
  'replica.resynced': event(1, z.strictObject({ dataset, cursor: replicaPoint.nullable() })),
  'replica.resync-failed': event(1, z.strictObject({ problem })),
  /** Its volume is gone, and not because somebody deleted it: what it holds is all there is. */
  'replica.orphaned': event(1, z.strictObject({ problem })),
  /** It takes the place of its volume, and follows nothing meanwhile. */
  'replica.takeover-began': event(1, z.strictObject({})),
  'replica.takeover-ended': event(1, z.strictObject({})),
  /** It is the volume now. */
  'replica.promoted': event(1, z.strictObject({})),
  'replica.removal-requested': event(1, z.strictObject({ because: z.string().max(500) })),
  'replica.removed': event(1, z.strictObject({})),
};
