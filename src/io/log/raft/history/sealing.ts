/**
 * Where a segment ends. The log alone determines it, so that all members seal equal segments: with the entry that brings
 * it to so many entries, or its file (without its end) to so many bytes.
 *
 * Other numbers make other segments: as soon as labs have history, they are changed by an event that all members apply
 * at the same index, and in no other way.
 */
export interface Sealing {
  readonly entries: number;
  readonly bytes: number;
}

/** Small enough to send the open segment along with a snapshot, large enough that a million events make few files. */
export const standardSealing: Sealing = { entries: 16_384, bytes: 4 * 1024 * 1024 };

export const isFull = (sealing: Sealing, entries: number, sizeBytes: number): boolean =>
  entries >= sealing.entries || sizeBytes >= sealing.bytes;
