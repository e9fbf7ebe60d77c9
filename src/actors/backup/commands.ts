import { backupEvents, backupRef } from '#events/backup.ts';
import { backupTargetRef } from '#events/backup-target.ts';
import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { volumeSize } from '#events/values/size.ts';
import { treePath } from '#events/values/tree-path.ts';
import { poolName } from '#events/volume.ts';
import * as z from 'zod';
import { target, visit } from '../drafting.ts';

const report = { backup: backupRef, visit };
const count = z.int().min(0);

export const backupCommands = {
  /** Of a volume. */
  'create-backup': z.strictObject({ ...target, to: name }),
  /** Of all volumes of an app, with its compose file, as a set. */
  'back-up-app': z.strictObject({ ...target, to: name }),
  /** Reads it back. */
  'verify-backup': z.strictObject({
    ...target,
    /** By a restore into a scratch volume, which is compared with what was backed up, and removed. */
    restore: z.boolean().default(false),
  }),
  /** One that is not written yet: nothing of it stays. */
  'cancel-backup': z.strictObject(target),
  'remove-backup': z.strictObject({
    ...target,
    /** The lab knows of it no more, and what lies in the target stays: for a target that is gone. */
    forget: z.boolean().default(false),
  }),
  /** Into a new volume, or in the place of what another one holds, which is kept as a snapshot. */
  'restore-backup': z.strictObject({
    ...target,
    /** Name of the new volume. */
    as: name.exactOptional(),
    /** Name of a volume that is there. */
    to: name.exactOptional(),
    /** What is in that volume goes; else it has to be empty. */
    replace: z.boolean().default(false),
    /** Only this path, with what is below it. */
    path: treePath.exactOptional(),
    /** Of the new volume: as large as the one that was backed up when it is left out. */
    sizeBytes: volumeSize.exactOptional(),
    /** Name of the pool for the new volume. */
    pool: poolName.exactOptional(),
  }),
  'begin-backup': z.strictObject({ backup: backupRef }),
  'fail-backup': z.strictObject({ backup: backupRef, problem }),
  'reverify-backup': z.strictObject({ backup: backupRef }),
  'begin-restore-test': z.strictObject({ backup: backupRef }),
  /** Its node, or its pool there, is not of the lab any more. */
  'fail-restore-test': z.strictObject({ backup: backupRef, problem }),
  'expire-backups': z.strictObject({
    target: backupTargetRef,
    backups: z.array(z.strictObject({ backup: backupRef, because: z.string().min(1).max(500) })).max(200),
  }),
  'report-backup-written': z.strictObject({ ...report, sizeBytes: count, addedBytes: count, takenAt: count }),
  'report-backup-failed': z.strictObject({ ...report, problem }),
  'report-backup-verified': z.strictObject({ ...report, readBytes: count }),
  'report-backup-damaged': z.strictObject({ ...report, problem }),
  'report-backup-verify-failed': z.strictObject({ ...report, problem }),
  'report-restore-tested': z.strictObject({
    ...report,
    ...backupEvents['backup.restore-tested'].data.shape,
  }),
  'report-restore-test-failed': z.strictObject({ ...report, problem }),
  'report-backup-removed': z.strictObject(report),
};
