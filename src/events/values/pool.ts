/** What everybody says of a pool in the same words: how it is named, put together, and what its file system can do. */
import * as z from 'zod';

export const poolDriver = z.enum(['btrfs', 'zfs', 'dir']);
export type PoolDriver = z.infer<typeof poolDriver>;

/**
 * How disks are put together. `mirror`: as many copies as there are disks, btrfs: two; `raidz1` to `raidz3`: up to that
 * many disks may fail, of zfs only. `raid1c3`, `raid1c4`, `raid10`: of btrfs only.
 */
export const poolLayout = z.enum(['single', 'mirror', 'raidz1', 'raidz2', 'raidz3', 'raid1c3', 'raid1c4', 'raid10']);
export type PoolLayout = z.infer<typeof poolLayout>;

/** What its file system can do, as its node has found. */
export const poolAbilities = z.strictObject({
  quota: z.boolean(),
  changes: z.boolean(),
  recordSize: z.boolean(),
  compression: z.array(z.enum(['off', 'lz4', 'zstd', 'gzip'])).max(8),
  copyOnWrite: z.boolean(),
  together: z.boolean(),
  scrubbedDestroy: z.boolean(),
});
export type PoolAbilityFacts = z.infer<typeof poolAbilities>;

/** Absolute, without anything that could lead elsewhere. */
export const devicePath = z
  .string()
  .max(1024)
  .refine(
    (path) => /^\/[\w./:+@=-]+$/.test(path) && !/(?:^|\/)\.{1,2}(?:\/|$)|\/\/|\/$/.test(path),
    'not a path of a device or file: give an absolute path such as /dev/sdb',
  );

/** `pool:<node>/<name>`: names of pools are unique on their node. */
export const poolRef = z.templateLiteral(['pool:', z.string()]);
