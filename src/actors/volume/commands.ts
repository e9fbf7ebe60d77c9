import {
  compression,
  fill,
  nativeName,
  nodeRef,
  poolName,
  recordSize,
  snapshotRef,
  volumeConstraints,
  volumeMode,
  volumeOwner,
  volumeRef,
  volumeSpec,
} from '#events/volume.ts';
import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { keep } from '#events/values/keep.ts';
import { volumeSize } from '#events/values/size.ts';
import { snapshotHooks, snapshotOnChange } from '#events/values/snapshotting.ts';
import * as z from 'zod';
import { mostInReport } from '../snapshot/commands.ts';
import { replicaChanges } from './replicating.ts';
import { labelChanges, labelsInput, target, visit } from '../drafting.ts';

const dayMs = 86_400_000;
/** How long a volume that was deleted can be recovered, when nobody says. */
export const recoverableMs = 7 * dayMs;

/** Of what is there already: how it was made is as it is. */
const adoptedSpec = volumeSpec.omit({ recordSizeBytes: true, compression: true, constraints: true });

const keepForMs = z
  .int()
  .min(60_000)
  .max(3660 * dayMs)
  .default(recoverableMs);

const report = { volume: volumeRef, visit };
const guid = z.string().min(1).max(64);
const snapshotFactNamed = z.strictObject({ name, guid, takenAt: z.int().min(0) });
/** More than a volume may have. */
const mostSnapshots = 20_000;

export const volumeCommands = {
  'create-volume': z.strictObject({ ...target, spec: volumeSpec, labels: labelsInput }),
  'clone-volume': z.strictObject({
    ...target,
    /** Name of the new volume. */
    as: name,
    /** What it begins with; a snapshot of this moment when it is left out. */
    snapshot: name.exactOptional(),
    /** As large as the other one when it is left out. */
    sizeBytes: volumeSize.exactOptional(),
    labels: labelsInput,
  }),
  /** What is there already becomes a volume, in place. */
  'adopt-volume': z.strictObject({
    ...target,
    /** Name of the node. */
    node: name,
    pool: poolName,
    native: nativeName,
    spec: adoptedSpec,
    labels: labelsInput,
  }),
  /** What was adopted is no volume any more; it stays as it is. */
  'release-volume': z.strictObject(target),
  'delay-volume': z.strictObject({ volume: volumeRef, problem, lasts: z.boolean().default(false) }),
  'note-volume-fill': z.strictObject({ volume: volumeRef, isFull: z.boolean(), ...fill.shape }),
  'place-volume': z.strictObject({ volume: volumeRef, node: nodeRef, pool: z.string().min(1).max(255) }),
  'change-volume': z.strictObject({
    ...target,
    sizeBytes: volumeSize.exactOptional(),
    /** Empty: every snapshot is kept. */
    keep: z.union([keep, z.literal('')]).exactOptional(),
    owner: volumeOwner.exactOptional(),
    mode: volumeMode.exactOptional(),
    recordSizeBytes: recordSize.exactOptional(),
    compression: compression.exactOptional(),
    /** 0: none. */
    growToBytes: z.union([volumeSize, z.literal(0)]).exactOptional(),
    /** Empty: none. */
    constraints: volumeConstraints.exactOptional(),
    /** Null: not any more. */
    snapshotOnChange: snapshotOnChange.nullable().exactOptional(),
    hooks: snapshotHooks.nullable().exactOptional(),
    /** Null: the lab makes none by itself. */
    replicas: replicaChanges.nullable().exactOptional(),
  }),
  /**
   * To another node, where a replica takes its place; or into a new dataset of the same node: to another pool, or to
   * change what is fixed.
   */
  'move-volume': z.strictObject({
    ...target,
    /** Name of the node. */
    node: name.exactOptional(),
    /** Of a move to another node: what the volume was becomes the replica there; else it is removed. */
    replica: z.boolean().default(true),
    pool: poolName.exactOptional(),
    recordSizeBytes: recordSize.exactOptional(),
    compression: compression.exactOptional(),
    /** Within its node: how long what it leaves behind, with its snapshots, can be recovered. */
    keepForMs,
  }),
  /** To another node, until it is decided there. */
  'cancel-move': z.strictObject(target),
  /** The replica has nearly everything; so have those of the volumes that go with it. */
  'begin-handover': z.strictObject({ volume: volumeRef }),
  /** All volumes that go together are sealed. */
  'decide-handover': z.strictObject({ volume: volumeRef }),
  /** It has everything. */
  'seal-handover': z.strictObject({ volume: volumeRef }),
  'abandon-handover': z.strictObject({ volume: volumeRef, problem }),
  'label-volume': z.strictObject({ ...target, labels: labelChanges }),
  'rename-volume': z.strictObject({ ...target, to: name }),
  'rollback-volume': z.strictObject({
    ...target,
    snapshot: name,
    /** Also when there are newer snapshots: they stay, in the line of the history that is left. */
    pastNewer: z.boolean().default(false),
  }),
  /** As long as nothing of it has happened; of one that failed its node looks first what became of it. */
  'cancel-rollback': z.strictObject(target),
  'drain-volume': z.strictObject({ volume: volumeRef }),
  'retry-volume': z.strictObject(target),
  'delete-volume': z.strictObject({
    ...target,
    /** At once and for ever, instead of after `keepForMs`. */
    purge: z.boolean().default(false),
    /** And so that nothing of it can be read from the disks. */
    scrub: z.boolean().default(false),
    /** How long it can be recovered. */
    keepForMs,
  }),
  'recover-volume': z.strictObject({ ...target, as: name.exactOptional() }),
  'purge-volume': z.strictObject({ volume: volumeRef }),
  'report-volume-provisioned': z.strictObject({
    ...report,
    dataset: z.string().min(1).max(255),
    path: z.string().min(1).max(4096),
  }),
  'report-volume-released': z.strictObject(report),
  'report-volume-copied': z.strictObject(report),
  'report-volume-moved': z.strictObject({ ...report, path: z.string().min(1).max(4096) }),
  'report-volume-move-failed': z.strictObject({ ...report, problem }),
  'report-volume-demoted': z.strictObject({ ...report, final: snapshotFactNamed }),
  /** Of the replica: its newest snapshot. */
  'report-volume-sealed': z.strictObject({ ...report, newest: guid.nullable() }),
  /** `lacks`: guids of snapshots that the lab has of the volume, and that are not there. */
  'report-volume-handed-over': z.strictObject({
    ...report,
    path: z.string().min(1).max(4096),
    lacks: z.array(guid).max(mostSnapshots),
  }),
  'report-volume-handover-failed': z.strictObject({ ...report, problem }),
  'report-volume-taken-back': z.strictObject({ ...report, path: z.string().min(1).max(4096) }),
  /** Null: it is as it should be. `isGone`: its data cannot be reached. */
  'report-volume-look': z.strictObject({ ...report, problem: problem.nullable(), isGone: z.boolean() }),
  'report-volume-rolled-back': z.strictObject({
    ...report,
    stash: snapshotFactNamed,
  }),
  /** Nothing of it has happened, as its node has seen. `isGone`: the snapshot to go back to is not there any more. */
  'report-volume-rollback-failed': z.strictObject({ ...report, problem, isGone: z.boolean() }),
  /** Snapshots that are not there any more, although nobody has asked for that. */
  'report-snapshots-gone': z.strictObject({
    ...report,
    snapshots: z
      .array(z.strictObject({ snapshot: snapshotRef, visit }))
      .min(1)
      .max(mostInReport),
  }),
  /** What stands in the way of its end, which comes as soon as that is gone. */
  'report-volume-held': z.strictObject({ ...report, problem }),
  'report-volume-deleted': z.strictObject(report),
  'report-volume-failed': z.strictObject({ ...report, problem }),
};
