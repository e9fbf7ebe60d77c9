/** A volume: data of an app, on one node, in one pool. */
import * as z from 'zod';
import { asItWas, event, type Upcast } from './define.ts';
import { keep } from './values/keep.ts';
import { metadata, problem } from './values/metadata.ts';
import { labels, name } from './values/name.ts';
import { volumeSize } from './values/size.ts';
import { volumeReplicas } from './values/replication.ts';
import { snapshotHooks, snapshotOnChange } from './values/snapshotting.ts';

const id = z
  .int()
  .min(0)
  .max(2 ** 32 - 2);

/** Of the top folder, as numbers: the names of a container's users are its own. */
export const volumeOwner = z.strictObject({ uid: id, gid: id });

/** Permission bits of the top folder. */
export const volumeMode = z.int().min(0).max(0o7777, 'a mode has at most the permission bits 7777');

const smallestRecord = 512;
const largestRecord = 2 ** 20;
export const recordSize = z
  .int()
  .min(smallestRecord)
  .max(largestRecord)
  .refine((bytes) => Number.isInteger(Math.log2(bytes)), 'a record size is a power of two, from 512 B to 1 MiB');

export const compression = z.enum(['off', 'lz4', 'zstd', 'gzip']);

export const poolName = z.string().min(1).max(255);

/** Where it may be: on a node with all of these labels, in a pool of this name, of this driver. */
export const volumeConstraints = z.strictObject({
  labels: labels.exactOptional(),
  pool: poolName.exactOptional(),
  driver: z.enum(['btrfs', 'zfs', 'dir']).exactOptional(),
});
export type VolumeConstraints = z.infer<typeof volumeConstraints>;

/** What another file system calls it: a dataset of zfs, the absolute path of a subvolume or folder. */
export const nativeName = z.string().min(1).max(4096);

export const volumeSpec = z.strictObject({
  sizeBytes: volumeSize,
  /** Retention of its snapshots; without one everything is kept. */
  keep: keep.exactOptional(),
  owner: volumeOwner.exactOptional(),
  mode: volumeMode.exactOptional(),
  /** Fixed once it is made, as far as its pool knows such a thing: what was written keeps the size that it had. */
  recordSizeBytes: recordSize.exactOptional(),
  /** Fixed once it is made. */
  compression: compression.exactOptional(),
  /** Room that its pool keeps for it, its size included: so far it can grow where it is. */
  growToBytes: volumeSize.exactOptional(),
  constraints: volumeConstraints.exactOptional(),
  snapshotOnChange: snapshotOnChange.exactOptional(),
  hooks: snapshotHooks.exactOptional(),
  /** Absent: the lab makes none by itself. */
  replicas: volumeReplicas.exactOptional(),
});
export type VolumeSpec = z.infer<typeof volumeSpec>;

export const appRef = z.templateLiteral(['app:', z.string()]);
export const nodeRef = z.templateLiteral(['node:', z.string()]);
export const volumeRef = z.templateLiteral(['volume:', z.string()]);
export const snapshotRef = z.templateLiteral(['snapshot:', z.string()]);
export const replicaRef = z.templateLiteral(['replica:', z.string()]);

/** What a compose file calls a volume; the volume of the lab is `<app>-<key>`, with what a name cannot have replaced. */
export const volumeKey = z
  .string()
  .regex(
    /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/,
    'not a valid volume name: use 1 to 63 of letters, digits, ".", "_" and "-"',
  );

/** Of a volume or a pool, when it began to be too full, or was no longer. */
export const fill = z.strictObject({ usedBytes: z.int().min(0), sizeBytes: z.int().min(0) });
export type Fill = z.infer<typeof fill>;

const count = z.int().min(0);

const time = z.int().min(0);

/** A line of a volume's history: what it branched off, up to when, and when it was opened. */
const volumeLineage = z.strictObject({
  id: z.int().min(1),
  parent: z.strictObject({ lineage: z.int().min(1), asOf: time }).nullable(),
  openedAt: time.nullable(),
});

/** Before schema 2 nobody said how long. */
const justBegun: Upcast = (data: object) => ({ ...data, lasts: false });

export const volumeEvents = {
  'volume.created': event(
    4,
    z.strictObject({
      metadata,
      spec: volumeSpec,
      app: appRef.exactOptional(),
      /** It comes out of a backup: the only app that may have it, and what that calls it. */
      formerly: z.strictObject({ app: name, volume: volumeKey }).exactOptional(),
      /** It begins with the content of this snapshot of another volume. */
      origin: z.strictObject({ volume: volumeRef, snapshot: snapshotRef }).exactOptional(),
      /** It is taken over where it is, under this name of its file system, and can be given back. */
      adopts: nativeName.exactOptional(),
      /** Of what a move left behind: the lines of its snapshots, where there is more than the first. */
      lineages: z.array(volumeLineage).min(2).max(100).exactOptional(),
    }),
    { 1: asItWas, 2: asItWas, 3: asItWas },
  ),
  /** It has no place yet; said once for each reason, and once more when it `lasts`. */
  'volume.delayed': event(2, z.strictObject({ problem, lasts: z.boolean() }), { 1: justBegun }),
  'volume.placed': event(1, z.strictObject({ node: nodeRef, pool: poolName })),
  'volume.provisioned': event(
    1,
    z.strictObject({ dataset: z.string().min(1).max(255), path: z.string().min(1).max(4096) }),
  ),
  'volume.failed': event(1, z.strictObject({ problem })),
  /** Its pool was declared gone for good: nothing of it is anywhere any more. */
  'volume.lost': event(1, z.strictObject({ problem })),
  'volume.retried': event(1, z.strictObject({})),
  'volume.spec-changed': event(3, z.strictObject({ spec: volumeSpec }), { 1: asItWas, 2: asItWas }),
  'volume.renamed': event(1, z.strictObject({ name })),
  'volume.relabelled': event(1, z.strictObject({ labels })),
  'volume.attached': event(1, z.strictObject({ app: appRef })),
  /** It is kept without an app; `of` is the only app that may have it again, and what that calls it. */
  'volume.detached': event(
    2,
    z.strictObject({ of: z.strictObject({ app: name, volume: volumeKey }).exactOptional() }),
    { 1: asItWas },
  ),
  /** Nearly all of its size is used. */
  'volume.filled': event(1, fill),
  'volume.eased': event(1, fill),
  'volume.rollback-requested': event(1, z.strictObject({ snapshot: snapshotRef, stash: name })),
  'volume.drained': event(1, z.strictObject({})),
  /** `from`: what the snapshot belonged to, and when it was asked for; before schema 2 nobody said. */
  'volume.rolled-back': event(
    2,
    z.strictObject({ from: z.strictObject({ lineage: z.int().min(1), at: z.int().min(0) }).exactOptional() }),
    { 1: asItWas },
  ),
  /** It is what it was before it was asked to go back: the roll-back was called off, or its node found that nothing of it happened. */
  'volume.rollback-abandoned': event(1, z.strictObject({ problem })),
  /** Of a roll-back that failed: its node looks what became of it, and does not try it again. */
  'volume.rollback-canceled': event(1, z.strictObject({})),
  /** Its node has looked, and these are not there any more: at most a hundred of their names, and how many they are. */
  'volume.snapshots-lost': event(1, z.strictObject({ names: z.array(name).min(1).max(100), count: z.int().min(1) })),
  /** It moves into a new dataset, which is made as `spec` says: first while it is in use, then what changed meanwhile. */
  'volume.move-requested': event(
    1,
    z.strictObject({
      pool: poolName,
      dataset: z.string().min(1).max(255),
      spec: volumeSpec,
      /** Until when what it leaves behind can be recovered. */
      purgeAt: z.int().min(0),
    }),
  ),
  /** Nearly all of it is there; the rest follows once nobody uses it. */
  'volume.copied': event(1, z.strictObject({})),
  /** It is what it was before it was asked to move. */
  'volume.move-abandoned': event(1, z.strictObject({ problem })),
  'volume.moved': event(1, z.strictObject({ path: z.string().min(1).max(4096) })),
  /** It is to go to another node, where this replica takes its place; `keepsReplica`: what it is now becomes the replica. */
  'volume.handover-requested': event(
    1,
    z.strictObject({ replica: replicaRef, node: nodeRef, pool: poolName, keepsReplica: z.boolean() }),
  ),
  /** The replica has nearly everything: what uses it stops now. `final`: name of the snapshot of the rest. */
  'volume.handover-began': event(1, z.strictObject({ final: name })),
  /** Nobody can write it any more, and all that was written is in this snapshot. */
  'volume.demoted': event(1, z.strictObject({ snapshot: snapshotRef })),
  /** The replica has that snapshot, and refuses from now on whatever is of an older epoch. */
  'volume.handover-sent': event(1, z.strictObject({})),
  /** Of several that go together: it is ready to be promoted, and waits for the others. */
  'volume.handover-sealed': event(1, z.strictObject({})),
  /** From here on there is no way back: its index is the epoch of the volume at its new place. */
  'volume.promotion-decided': event(1, z.strictObject({})),
  'volume.handed-over': event(
    1,
    z.strictObject({
      node: nodeRef,
      pool: poolName,
      dataset: z.string().min(1).max(255),
      path: z.string().min(1).max(4096),
    }),
  ),
  /** It stays where it is; of one that was demoted already its node makes it a volume again, under this epoch. */
  'volume.handover-abandoned': event(1, z.strictObject({ problem })),
  'volume.taken-back': event(1, z.strictObject({ path: z.string().min(1).max(4096) })),
  /** Its node has looked, and it is not as it should be; `isGone`: its data cannot be reached. */
  'volume.found-wrong': event(1, z.strictObject({ problem, isGone: z.boolean() })),
  'volume.found-well': event(1, z.strictObject({})),
  /** It is given back as it is: what was adopted is no volume any more, and its files stay. */
  'volume.release-requested': event(1, z.strictObject({})),
  'volume.released': event(1, z.strictObject({})),
  /** Its files came back from a snapshot, to these paths. */
  'volume.files-restored': event(
    1,
    z.strictObject({ snapshot: name, paths: z.array(z.string()).max(100), files: count, bytes: count }),
  ),
  /** Its files left the lab as an archive, as they were in a snapshot. */
  'volume.exported': event(1, z.strictObject({ snapshot: name, bytes: count })),
  /** Nothing may use it until its content has come out of an archive, or has not. */
  'volume.import-began': event(1, z.strictObject({})),
  'volume.imported': event(1, z.strictObject({ files: count, bytes: count })),
  /** It is as it was before. */
  'volume.import-failed': event(1, z.strictObject({ problem })),
  /** Nobody needs it any more: it is kept until then, under this name, so that its own is free for another one. */
  'volume.discarded': event(1, z.strictObject({ name, purgeAt: z.int().min(0) })),
  'volume.recovered': event(1, z.strictObject({ name })),
  /** `scrub`: so that nothing of it can be read from the disks. */
  'volume.deletion-requested': event(2, z.strictObject({ scrub: z.boolean().exactOptional() }), { 1: asItWas }),
  'volume.deleted': event(1, z.strictObject({})),
};
