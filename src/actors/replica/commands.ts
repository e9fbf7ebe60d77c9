import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { syncReason } from '#events/replica.ts';
import { nodeRef, poolName, replicaRef, snapshotRef, volumeRef } from '#events/volume.ts';
import * as z from 'zod';
import { target, visit } from '../drafting.ts';

const report = { replica: replicaRef, visit };
const guid = z.string().min(1).max(64);
const count = z.int().min(0);

export const replicaCommands = {
  /** Of the volume that is named. */
  'create-replica': z.strictObject({
    ...target,
    /** Name of the node; that with the most room when it is left out. */
    node: name.exactOptional(),
    pool: poolName.exactOptional(),
  }),
  /** To the newest snapshot, whatever is due; one that failed is tried again. */
  'sync-replica': z.strictObject(target),
  /** Ends what it receives at the moment. */
  'cancel-replica': z.strictObject(target),
  'pause-replica': z.strictObject(target),
  'resume-replica': z.strictObject(target),
  /** One that holds something that its volume does not have. */
  'resync-replica': z.strictObject({
    ...target,
    /** What it holds alone stays for a while as a deleted volume; else it is destroyed. */
    keep: z.boolean(),
  }),
  'remove-replica': z.strictObject(target),
  'place-replica': z.strictObject({ volume: volumeRef, node: nodeRef, pool: poolName }),
  'begin-sync': z.strictObject({ replica: replicaRef, snapshot: snapshotRef, reason: syncReason }),
  /** Its volume went back to a snapshot, by a person's word. */
  'follow-rollback': z.strictObject({ replica: replicaRef }),
  /** There is none to begin with, or none new enough. */
  'snapshot-for-replicas': z.strictObject({ volume: volumeRef }),
  'note-replica-behind': z.strictObject({ replica: replicaRef, since: count }),
  /** `lossMs` null: nobody knows; `maxMs` null: not more than is allowed any more. */
  'note-replica-loss': z.strictObject({ replica: replicaRef, lossMs: count.nullable(), maxMs: count.nullable() }),
  'drop-replica': z.strictObject({ replica: replicaRef, because: z.string().min(1).max(500) }),
  'report-replica-synced': z.strictObject({ ...report, bytes: count, compressed: z.boolean().exactOptional() }),
  'report-replica-sync-failed': z.strictObject({ ...report, problem }),
  'report-replica-resynced': z.strictObject({
    ...report,
    /** What was put aside, and where its files are; absent where nothing was. */
    aside: z.strictObject({ path: z.string().min(1).max(4096) }).exactOptional(),
    /** The snapshot that it holds now; null: none. */
    newest: guid.nullable(),
  }),
  'report-replica-resync-failed': z.strictObject({ ...report, problem }),
  'report-replica-removed': z.strictObject(report),
};
