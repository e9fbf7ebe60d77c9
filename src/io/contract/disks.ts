/** The disks of a node as they are at this moment. */
import * as z from 'zod';

export const diskCandidate = z.object({
  /** For example `/dev/sdb`. */
  path: z.string().max(1024),
  kind: z.enum(['disk', 'partition']),
  sizeBytes: z.int().min(0),
  model: z.string().max(256).nullable(),
  serial: z.string().max(256).nullable(),
  rotational: z.boolean(),
  removable: z.boolean(),
  /** `free`; `holds-data`: can be taken only when told to erase it; `in-use` and `unfit`: cannot be taken. */
  state: z.enum(['free', 'holds-data', 'in-use', 'unfit']),
  /** Why it is not free, each for a person: `ext4 "backup"`, `mounted at /srv`. */
  why: z.array(z.string().max(500)).max(64),
});
export type DiskCandidate = z.infer<typeof diskCandidate>;

export const disksAnswer = z.object({ items: z.array(diskCandidate).max(4096) });
export type DisksAnswer = z.infer<typeof disksAnswer>;
