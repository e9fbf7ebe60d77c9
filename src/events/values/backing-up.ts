/** When backups of volumes are made by themselves, where they go, and what becomes of them there. */
import * as z from 'zod';
import { keep } from './keep.ts';
import { name } from './name.ts';

const hourMs = 3_600_000;

export const verifyInterval = z
  .int()
  .min(hourMs)
  .max(3660 * 24 * hourMs);

/** What is said of the backups of some volumes, over what their target says of all that go there. */
export const backupTerms = {
  /** Retention of the backups of each volume. */
  keep: keep.exactOptional(),
  /** One backup of each volume is restored into a scratch volume and compared after this time. */
  testRestoreEveryMs: verifyInterval.exactOptional(),
};

export const volumeBackup = z.strictObject({
  /** Name of a backup target. */
  target: name,
  /** Five fields of cron. */
  schedule: z.string().min(1).max(100),
  ...backupTerms,
});
export type VolumeBackup = z.infer<typeof volumeBackup>;
