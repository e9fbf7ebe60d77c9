/** Files on their way: from a snapshot back into its volume, out of the lab as an archive, or from an archive into a volume. */
import * as z from 'zod';
import { backupRef } from './backup.ts';
import { event } from './define.ts';
import { metadata, problem } from './values/metadata.ts';
import { name } from './values/name.ts';
import { folderPath, treePath } from './values/tree-path.ts';
import { snapshotRef, volumeRef } from './volume.ts';

/** Paths of one restore: what a person picks by hand, or a script names. */
export const mostPaths = 100;

export const transferTask = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('restore'),
    snapshot: snapshotRef,
    paths: z.array(treePath).min(1).max(mostPaths),
    /** The folder to put them into; where they were when it is left out. */
    to: folderPath.exactOptional(),
    /** What is there is replaced; else what comes back gets another name. */
    overwrite: z.boolean(),
  }),
  z.strictObject({ do: z.literal('export'), snapshot: snapshotRef }),
  z.strictObject({
    do: z.literal('import'),
    /** What is in the volume goes; else it has to be empty. */
    replace: z.boolean(),
    /** The name of the snapshot to which a failed import goes back. */
    before: name,
    /** What is brought comes out of this backup, and not from a person; all of it, or one path with what is below. */
    backup: z.strictObject({ of: backupRef, path: treePath.exactOptional() }).exactOptional(),
  }),
]);
export type TransferTask = z.infer<typeof transferTask>;

const count = z.int().min(0);

/** Where each path of a restore is now: another name where something was in its place. */
export const restoredPath = z.strictObject({ path: z.string(), as: z.string() });

export const transferEvents = {
  'transfer.requested': event(1, z.strictObject({ metadata, volume: volumeRef, task: transferTask })),
  /** What it reads is there. */
  'transfer.began': event(1, z.strictObject({})),
  'transfer.finished': event(
    1,
    z.strictObject({
      files: count.exactOptional(),
      bytes: count,
      /** Pipes, sockets and devices, which are not brought back. */
      skipped: count.exactOptional(),
      written: z.array(restoredPath).max(mostPaths).exactOptional(),
    }),
  ),
  'transfer.failed': event(1, z.strictObject({ problem })),
  /** Nobody wants it any more: what it has done so far is undone first. */
  'transfer.cancel-requested': event(1, z.strictObject({})),
};
