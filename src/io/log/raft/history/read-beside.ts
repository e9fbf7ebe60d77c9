/**
 * Reads a history that another process appends to, and changes nothing of it: everything that is on the disk when it gets
 * there. An entry that is just being written is left out; so is what comes after the end was reached.
 */
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import { FrameReader } from '../snapshots/frame-reader.ts';
import { placeAfter, readManifest, startAfter } from './manifest.ts';
import { entriesIn } from './read.ts';
import { entryOf, expecting, openName, sealedName, type HistoryEntry } from './segment.ts';

/**
 * All of its entries, in slices.
 * @throws StoreError MISSING, DAMAGED where it is not as it should be; LogError TOO_NEW
 */
export async function* readBeside(directory: Directory): AsyncGenerator<readonly HistoryEntry[], void, undefined> {
  const manifest = await readManifest(directory);
  if (typeof manifest === 'string') throw noManifest(manifest);
  let at = manifest.floor.index;
  for (let place = placeAfter(manifest, at); place; place = placeAfter(manifest, at)) {
    const [{ first, last, sizeBytes }, start] = place;
    const file = sealedName(first);
    yield* entriesIn(directory.stream(file), new FrameReader(expecting(file, start, sizeBytes)), at, last);
    at = last;
  }
  const start = startAfter(manifest);
  // It may have been sealed since, and got another name.
  for (const file of [openName(start.first), sealedName(start.first)]) {
    const bytes = await directory.read(file);
    if (!bytes) continue;
    yield new FrameReader(expecting(file, start)).take(bytes).map(entryOf);
    return;
  }
}

const noManifest = (what: 'missing' | 'damaged'): StoreError =>
  new StoreError(
    what === 'missing' ? 'MISSING' : 'DAMAGED',
    `the manifest of the history is ${what}`,
    'Start the node: it finds out what is left, and fetches the rest from the others.',
  );
