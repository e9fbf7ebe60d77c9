import { mostPaths, restoredPath } from '#events/transfer.ts';
import { problem } from '#events/values/metadata.ts';
import { name } from '#events/values/name.ts';
import { folderPath, treePath } from '#events/values/tree-path.ts';
import * as z from 'zod';
import { target, visit } from '../drafting.ts';

const transferRef = z.templateLiteral(['transfer:', z.string()]);
const report = { transfer: transferRef, visit };

export const transferCommands = {
  /** Of a volume. */
  'restore-files': z.strictObject({
    ...target,
    snapshot: name,
    /** Files and folders of the snapshot, from the root of the volume. */
    paths: z.array(treePath).min(1).max(mostPaths),
    /** A folder of the volume to put them into; where they were when it is left out. */
    to: folderPath.exactOptional(),
    /** Replaces what is there; else what comes back gets another name. */
    overwrite: z.boolean().default(false),
  }),
  'export-volume': z.strictObject({
    ...target,
    /** As of now when it is left out. */
    snapshot: name.exactOptional(),
  }),
  'import-volume': z.strictObject({
    ...target,
    /** What is in the volume goes, and is kept as a snapshot; else the volume has to be empty. */
    replace: z.boolean().default(false),
  }),
  'begin-transfer': z.strictObject({ transfer: transferRef }),
  'fail-transfer': z.strictObject({ transfer: transferRef, problem }),
  'report-transfer-finished': z.strictObject({
    ...report,
    files: z.int().min(0).exactOptional(),
    bytes: z.int().min(0),
    skipped: z.int().min(0).exactOptional(),
    written: z.array(restoredPath).max(mostPaths).exactOptional(),
    /** Of an import: what the volume held before it. */
    before: z.strictObject({ guid: z.string().min(1).max(64), takenAt: z.int().min(0) }).exactOptional(),
  }),
  'report-transfer-failed': z.strictObject({ ...report, problem }),
};
