/** A backup of one volume, in a target outside of the lab. It counts once it was read back. */
import * as z from 'zod';
import { backupTargetRef } from './backup-target.ts';
import { event } from './define.ts';
import { metadata, problem } from './values/metadata.ts';
import { name } from './values/name.ts';
import { appRef, nodeRef, poolName, snapshotRef, volumeKey, volumeRef, volumeSpec } from './volume.ts';

export const backupRef = z.templateLiteral(['backup:', z.string()]);

const count = z.int().min(0);
const time = z.int().min(0);

const backupReason = z.enum(['manual', 'schedule']);

/** Backups of volumes that belong together, of one app. */
export const backupSet = z.strictObject({ id: z.string().min(1).max(128), size: z.int().min(1).max(200) });
export type BackupSet = z.infer<typeof backupSet>;

/** Of an app: its name, and what its compose file calls the volume. */
export const backedUpApp = z.strictObject({ name, key: volumeKey });
export type BackedUpApp = z.infer<typeof backedUpApp>;

/** Name of the object in the target: the same for every attempt. */
export const backupObject = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);

export const backupEvents = {
  'backup.requested': event(
    1,
    z.strictObject({
      metadata,
      target: backupTargetRef,
      volume: volumeRef,
      volumeName: name,
      /** What the volume is like, for a restore when nobody knows it any more. */
      spec: volumeSpec,
      snapshot: snapshotRef,
      app: backedUpApp.extend({ stream: appRef }).exactOptional(),
      set: backupSet.exactOptional(),
      reason: backupReason,
    }),
  ),
  /** It is in the target already, and this lab did not know of it. */
  'backup.found': event(
    1,
    z.strictObject({
      metadata,
      target: backupTargetRef,
      object: backupObject,
      /** As it calls itself. */
      lab: z.string().min(1).max(200),
      volumeName: name,
      spec: volumeSpec,
      app: backedUpApp.exactOptional(),
      set: backupSet.exactOptional(),
      takenAt: time,
      sizeBytes: count,
    }),
  ),
  /** Its snapshot is there: this node, which has the volume, writes it. Said again for each attempt. */
  'backup.began': event(1, z.strictObject({ node: nodeRef })),
  'backup.written': event(
    1,
    z.strictObject({
      /** Of the snapshot. */
      takenAt: time,
      /** Of its content. */
      sizeBytes: count,
      /** What it took in the target, beside what was there already. */
      addedBytes: count,
    }),
  ),
  'backup.verify-requested': event(1, z.strictObject({ node: nodeRef })),
  'backup.verified': event(1, z.strictObject({ readBytes: count })),
  /** It was read back, and is not whole. */
  'backup.found-damaged': event(1, z.strictObject({ problem })),
  /** Nobody can tell: it could not be read. */
  'backup.verify-failed': event(1, z.strictObject({ problem, retryAt: time.nullable() })),
  /** By a restore into a dataset of this pool that is made for it, compared, and removed again. */
  'backup.restore-test-requested': event(1, z.strictObject({ node: nodeRef, pool: poolName })),
  /** What came back is what was backed up. */
  'backup.restore-tested': event(
    1,
    z.strictObject({
      files: count,
      folders: count,
      /** Of their contents. */
      bytes: count,
      /** Of names, contents, owners, modes, times, attributes and links, of what was backed up and of what came back, hex. */
      digest: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
  'backup.restore-test-failed': event(1, z.strictObject({ problem, retryAt: time.nullable() })),
  'backup.failed': event(1, z.strictObject({ problem, retryAt: time.nullable() })),
  'backup.removal-requested': event(1, z.strictObject({ node: nodeRef, because: z.string().max(500) })),
  'backup.removed': event(1, z.strictObject({})),
  /** The lab knows of it no more; what lies in the target stays. */
  'backup.forgotten': event(1, z.strictObject({})),
};
