/** What the API says of backups beside their rows: the files of an app in one, and the kit that a person keeps offline. */
import { name } from '#events/values/name.ts';
import * as z from 'zod';

/** Of the app whose volume it is of. */
export interface BackedUpFiles {
  /** Null: the volume belonged to no app. */
  readonly compose: string | null;
  /** Those that came with the compose file, as `deploy-app` takes them. */
  readonly files: Readonly<Record<string, { readonly content: string; readonly mode: number }>>;
}

/** In a folder of a backup. */
const inBackup = {
  /** In the tar, with heads and padding, and with all that is below it. */
  bytes: z.number(),
  /** How many there are below it; 0 also of a folder that is empty. */
  entries: z.int(),
};
export const backupEntry = z.object({ name: z.string(), ...inBackup });
export type BackupEntry = z.infer<typeof backupEntry>;

/** Answer of `list-backup-content`. */
export const backupContentAnswer = z.object({
  path: z.string(),
  self: z.object(inBackup),
  /** By name, in the order of bytes. */
  items: z.array(backupEntry),
  /** For the next page; absent at the end. */
  cursor: z.string().exactOptional(),
});
export type BackupContentAnswer = z.infer<typeof backupContentAnswer>;

const maxKitBytes = 2 ** 20;

export const attachBody = z.strictObject({
  /** The kit, as `floatlab backup kit` wrote it. */
  kit: z.string().min(2).max(maxKitBytes),
  /** Of the lab that wrote it. Used once, and kept nowhere. */
  recoveryKey: z.string().min(1).max(200),
  /** Which of its targets; the only one when it is left out. */
  target: name.exactOptional(),
  /** What it is called here; as there when it is left out. */
  as: name.exactOptional(),
  /** Of a folder: the node that has it now; absent where every node has it. */
  node: name.exactOptional(),
  /** Of a folder: where it is now; as there when it is left out. */
  path: z.string().max(4096).exactOptional(),
});
export type AttachInput = z.input<typeof attachBody>;
