import { fill, nodeRef, volumeRef, volumeSpec } from '#events/volume.ts';
import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { keep } from '#events/values/keep.ts';
import { volumeSize } from '#events/values/size.ts';
import { z } from 'zod';
import { labelsInput, target, visit } from '../drafting.ts';

const report = { volume: volumeRef, visit };

export const volumeCommands = {
  'create-volume': z.strictObject({ ...target, spec: volumeSpec, labels: labelsInput }),
  'delay-volume': z.strictObject({ volume: volumeRef, problem, lasts: z.boolean().default(false) }),
  'note-volume-fill': z.strictObject({ volume: volumeRef, isFull: z.boolean(), ...fill.shape }),
  'place-volume': z.strictObject({ volume: volumeRef, node: nodeRef, pool: z.string().min(1).max(255) }),
  'change-volume': z.strictObject({ ...target, sizeBytes: volumeSize.exactOptional(), keep: keep.exactOptional() }),
  'rollback-volume': z.strictObject({ ...target, snapshot: name }),
  'drain-volume': z.strictObject({ volume: volumeRef }),
  'retry-volume': z.strictObject(target),
  'delete-volume': z.strictObject(target),
  'report-volume-provisioned': z.strictObject({
    ...report,
    dataset: z.string().min(1).max(255),
    path: z.string().min(1).max(4096),
  }),
  'report-volume-rolled-back': z.strictObject({
    ...report,
    stash: z.strictObject({ name, guid: z.string().min(1).max(64), takenAt: z.int().min(0) }),
  }),
  'report-volume-deleted': z.strictObject(report),
  'report-volume-failed': z.strictObject({ ...report, problem }),
};
