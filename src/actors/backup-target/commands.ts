import { backupObject, backupSet, backedUpApp } from '#events/backup.ts';
import {
  backupTargetRef,
  bucketStore,
  folderStore,
  labStore,
  lending,
  poolStore,
  transferLimit,
} from '#events/backup-target.ts';
import { verifyInterval } from '#events/values/backing-up.ts';
import { keep } from '#events/values/keep.ts';
import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { volumeSize } from '#events/values/size.ts';
import { volumeSpec } from '#events/volume.ts';
import * as z from 'zod';
import { visit } from '../drafting.ts';

const report = { target: backupTargetRef, visit };
const count = z.int().min(0);

const secret = (most: number) => z.string().min(1).max(most);

/** Kept as a blob: neither the log nor a view shows it. */
export const targetSecrets = z.strictObject({
  accessKeyId: secret(256).exactOptional(),
  secretAccessKey: secret(1024).exactOptional(),
  sessionToken: secret(8192).exactOptional(),
  /** Of a target that another lab lends. */
  token: secret(256).exactOptional(),
  /** The backup key of another lab, 64 hex digits; that of this lab when it is left out. */
  key: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'not a backup key: it has 64 hex digits')
    .exactOptional(),
});
export type TargetSecrets = z.infer<typeof targetSecrets>;

/** As a person names it: the node by its name. */
const storeAsked = z.discriminatedUnion('kind', [
  folderStore.extend({ node: name.exactOptional() }),
  bucketStore.extend({
    prefix: bucketStore.shape.prefix.default(''),
    style: bucketStore.shape.style.default('path'),
    region: bucketStore.shape.region.default('us-east-1'),
  }),
  poolStore.omit({ dataset: true }).extend({ node: name }),
  labStore.omit({ appendOnly: true }).extend({ appendOnly: z.boolean().default(false) }),
]);

/** Backups of one entry. */
export const mostFound = 200;

export const foundBackup = z.strictObject({
  object: backupObject,
  lab: z.string().min(1).max(200),
  namespace: name,
  volumeName: name,
  spec: volumeSpec,
  app: backedUpApp.exactOptional(),
  set: backupSet.exactOptional(),
  takenAt: count,
  sizeBytes: count,
});
export type FoundBackup = z.infer<typeof foundBackup>;

export const backupTargetCommands = {
  'add-backup-target': z.strictObject({
    name,
    store: storeAsked,
    secrets: targetSecrets.exactOptional(),
    /** To another lab, which brings the token. */
    lent: lending.exactOptional(),
    keep: keep.exactOptional(),
    verifyEveryMs: verifyInterval.exactOptional(),
    testRestoreEveryMs: verifyInterval.exactOptional(),
    limitBytesPerSecond: transferLimit.exactOptional(),
  }),
  /** What is left out stays. */
  'change-backup-target': z.strictObject({
    name,
    secrets: targetSecrets.omit({ key: true }).exactOptional(),
    /** Empty: all backups stay. */
    keep: z.union([keep, z.literal('')]).exactOptional(),
    /** Of one that is lent: what is left out stays. A new token ends the old one. */
    lent: lending
      .extend({
        tokenHash: lending.shape.tokenHash.exactOptional(),
        quotaBytes: lending.shape.quotaBytes.exactOptional(),
        appendOnly: lending.shape.appendOnly.exactOptional(),
      })
      .exactOptional(),
    /** 0: never again. */
    verifyEveryMs: z.union([verifyInterval, z.literal(0)]).exactOptional(),
    testRestoreEveryMs: z.union([verifyInterval, z.literal(0)]).exactOptional(),
    /** Of one in a pool: larger, or smaller where what lies there still fits. */
    sizeBytes: volumeSize.exactOptional(),
    /** 0: no limit. */
    limitBytesPerSecond: z.union([transferLimit, z.literal(0)]).exactOptional(),
  }),
  /** Looks at it, and at what is in it. */
  'test-backup-target': z.strictObject({ name }),
  /** What no backup needs any more goes. */
  'prune-backup-target': z.strictObject({ name }),
  /** What lies there stays; the lab forgets it. */
  'remove-backup-target': z.strictObject({ name }),
  'recheck-backup-target': z.strictObject({ target: backupTargetRef }),
  'begin-prune': z.strictObject({ target: backupTargetRef }),
  'report-backup-target-checked': z.strictObject({
    ...report,
    repository: z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .exactOptional(),
    backups: count,
  }),
  /** While it looks. */
  'report-backups-found': z.strictObject({ ...report, found: z.array(foundBackup).min(1).max(mostFound) }),
  'report-backup-target-check-failed': z.strictObject({ ...report, problem }),
  'report-backup-target-pruned': z.strictObject({
    ...report,
    deletedBytes: count,
    rewrittenBytes: count,
    waitingPacks: count,
  }),
  'report-backup-target-prune-failed': z.strictObject({ ...report, problem }),
};
