/** Which streams two pools can exchange. Pure. */
import type { StreamAbilities, StreamFormat } from './port.ts';

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
