/**
 * Where backups go: a folder outside of the lab's pools, a dataset of another pool, or a bucket. What opens it (keys of a bucket, the key of another
 * lab) is a blob; the events carry its address.
 */
import * as z from 'zod';
import { event } from './define.ts';
import { verifyInterval } from './values/backing-up.ts';
import { keep } from './values/keep.ts';
import { name } from './values/name.ts';
import { blobRef, metadata, problem } from './values/metadata.ts';
import { volumeSize } from './values/size.ts';
import { nodeRef, poolName } from './volume.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256: it has 64 hex digits');

export const folderStore = z.strictObject({
  kind: z.literal('directory'),
  /** An absolute path. It is never made: an empty mount point is not taken for the disk that should be there. */
  path: z
    .string()
    .max(4096)
    .regex(/^\/[^\0]*$/, 'not an absolute path')
    .refine((path) => path !== '/' && !path.split('/').includes('..'), 'not a folder for backups'),
  /** The node that has it; absent where it is a share that every node has at this path. */
  node: nodeRef.exactOptional(),
});

export const bucketStore = z.strictObject({
  kind: z.literal('s3'),
  /** Scheme, host and port alone. */
  endpoint: z.url({ protocol: /^https?$/ }).max(500),
  region: z.string().regex(/^[a-z0-9-]{1,64}$/, 'not a region'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'not a name of a bucket'),
  /** Folder in the bucket; empty: all of it. */
  prefix: z.string().max(300),
  style: z.enum(['path', 'virtual']),
});

/** A dataset of a pool of the lab, which is made for it; for volumes that are in other pools. */
export const poolStore = z.strictObject({
  kind: z.literal('pool'),
  node: nodeRef,
  pool: poolName,
  /** Named after the target, so that one that is added again finds what lies there. */
  dataset: z.string().regex(/^backups-[a-z0-9-]{1,54}$/),
  /** What all backups in it may take. */
  sizeBytes: volumeSize,
});

/** A place that another lab lends, over its API. The token that opens it is among the secrets. */
export const labStore = z.strictObject({
  kind: z.literal('lab'),
  /** Scheme, host and port alone. */
  endpoint: z.url({ protocol: /^https$/ }).max(500),
  /** SHA-256 of the certificate of that lab's authority, hex: no other one is believed. */
  fingerprint: sha256,
  /** What that lab calls the target that it lends. */
  vault: name,
  /** That lab deletes nothing for us: old backups are thinned out there. */
  appendOnly: z.literal(true).exactOptional(),
});

export const targetStore = z.discriminatedUnion('kind', [folderStore, bucketStore, poolStore, labStore]);

/** To whoever has the token: another lab, for its backups. This lab can read none of them. */
export const lending = z.strictObject({
  /** SHA-256 of the token, hex: nobody has to keep the token itself. */
  tokenHash: sha256,
  quotaBytes: volumeSize,
  /** The token deletes nothing but locks: who steals it cannot take older backups away. */
  appendOnly: z.boolean(),
});
export type TargetStore = z.infer<typeof targetStore>;

export const transferLimit = z
  .int()
  .min(16 * 1024)
  .max(2 ** 40);

export const targetSpec = z.strictObject({
  store: targetStore,
  /** Retention of the backups of each volume; without one all of them stay. */
  keep: keep.exactOptional(),
  /** The newest backup of each volume is read back again after this time. Absent: once, when it was written. */
  verifyEveryMs: verifyInterval.exactOptional(),
  /** One backup of each volume is restored into a scratch volume and compared after this time. Absent: never. */
  testRestoreEveryMs: verifyInterval.exactOptional(),
  /** What one backup or restore may move in a second. */
  limitBytesPerSecond: transferLimit.exactOptional(),
  /** It is lent to another lab, and not used by this one. */
  lent: lending.exactOptional(),
  /** It belongs to another lab, whose key the secrets hold: it is read, and nothing is written there. */
  foreign: z.literal(true).exactOptional(),
});
export type TargetSpec = z.infer<typeof targetSpec>;

export const backupTargetRef = z.templateLiteral(['backup-target:', z.string()]);

const count = z.int().min(0);
const retryAt = count.nullable();

export const backupTargetEvents = {
  'backup-target.added': event(1, z.strictObject({ metadata, spec: targetSpec, secrets: blobRef.exactOptional() })),
  'backup-target.changed': event(1, z.strictObject({ spec: targetSpec, secrets: blobRef.exactOptional() })),
  /** By this node: that it is there, and whose it is. */
  'backup-target.check-requested': event(1, z.strictObject({ node: nodeRef })),
  'backup-target.checked': event(
    1,
    z.strictObject({
      /** Id of the repository, hex; absent where it is lent to another lab. */
      repository: z
        .string()
        .regex(/^[0-9a-f]{32}$/)
        .exactOptional(),
      /** That are in it, whoever made them. */
      backups: count,
    }),
  ),
  'backup-target.check-failed': event(1, z.strictObject({ problem, retryAt })),
  'backup-target.prune-requested': event(1, z.strictObject({ node: nodeRef })),
  'backup-target.pruned': event(
    1,
    z.strictObject({
      deletedBytes: count,
      rewrittenBytes: count,
      /** Are marked, and go with the next prune. */
      waitingPacks: count,
    }),
  ),
  'backup-target.prune-failed': event(1, z.strictObject({ problem, retryAt })),
  /** What lies there stays. */
  'backup-target.removed': event(1, z.strictObject({})),
};
