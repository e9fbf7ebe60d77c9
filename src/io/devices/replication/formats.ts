/** Which streams two pools can exchange, and which of them a replica takes. Pure. */
import type { Bases, StreamAbilities, StreamFormat } from './port.ts';

/**
 * Streams of the file system itself where both have the same one and each understands the other: whoever sends today
 * may receive tomorrow. Files everywhere else.
 *
 * OpenZFS and zfs-fuse are both zfs, but zfs-fuse is from before features: it cannot read what OpenZFS sends. Bookmarks
 * are what tells the two apart: OpenZFS has had them since features were new (0.6.4).
 */
export function commonFormat(a: StreamAbilities, b: StreamAbilities): StreamFormat {
  const isNative = a.format === b.format && a.bookmarks === b.bookmarks;
  return isNative ? a.format : 'tree';
}

/**
 * A replica keeps the format that it began with, because the one does not know the snapshots of the other.
 * @param there of the volume @param own of the pool of the replica @param kept of the replica, once there is one
 * @returns undefined where what is sent now is not what it is kept by: it has to begin anew
 */
export function formatBetween(
  there: StreamAbilities,
  own: StreamAbilities,
  kept: Pick<Bases, 'format'> | undefined,
): StreamFormat | undefined {
  const common = commonFormat(there, own);
  if (kept === undefined || kept.format === common) return common;
  return kept.format === 'tree' ? 'tree' : undefined;
}

/** Of a volume that came file by file: whatever its pool can, it is sent so. */
export const abilitiesOf = (pool: StreamAbilities, { format }: Pick<Bases, 'format'>): StreamAbilities =>
  format === 'tree' ? { format, resume: false, compressed: false, raw: false, bookmarks: false } : pool;
