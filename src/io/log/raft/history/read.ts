/** Entries from the bytes of a segment. */
import { damaged } from '../snapshots/broken.ts';
import type { FrameReader } from '../snapshots/frame-reader.ts';
import { entryOf, type HistoryEntry } from './segment.ts';

/**
 * Entries in (after, upTo], in slices, each checked by its CRC.
 * @throws StoreError DAMAGED where something is broken, or the segment does not go on to `upTo`
 */
export async function* entriesIn(
  pieces: AsyncIterable<Uint8Array>,
  reader: FrameReader,
  after: number,
  upTo: number,
): AsyncGenerator<readonly HistoryEntry[], void, undefined> {
  for await (const piece of pieces) {
    const frames = reader.take(piece);
    const slice = frames.filter(({ number }) => number > after && number <= upTo).map(entryOf);
    if (slice.length > 0) yield slice;
    if (reader.number > upTo) return;
    if (reader.broken) break;
  }
  const broken = reader.finish();
  if (broken) throw damaged(broken, 'Verify the history, then fetch what is broken from other members.');
}
