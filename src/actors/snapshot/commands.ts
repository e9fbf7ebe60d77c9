import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { snapshotRef, volumeRef } from '#events/volume.ts';
import { z } from 'zod';
import { target, visit } from '../drafting.ts';

const report = { snapshot: snapshotRef, visit };

export const snapshotCommands = {
  'take-snapshot': z.strictObject({
    ...target,
    /** Name of the snapshot; made from the time when it is left out. */
    as: name.exactOptional(),
    note: z.string().max(500).exactOptional(),
  }),
  'remove-snapshot': z.strictObject({ ...target, snapshot: name }),
  'prune-snapshots': z.strictObject({
    volume: volumeRef,
    snapshots: z
      .array(z.strictObject({ snapshot: snapshotRef, because: z.string().max(500) }))
      .min(1)
      .max(1000),
  }),
  'report-snapshot-taken': z.strictObject({ ...report, guid: z.string().min(1).max(64), takenAt: z.int().min(0) }),
  'report-snapshot-failed': z.strictObject({ ...report, problem }),
  'report-snapshot-removed': z.strictObject(report),
};
