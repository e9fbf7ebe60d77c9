/** Whether the files of the history are what they should be, every byte of them. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readIfIntact, type Directory } from '../../../stores/directory.ts';
import { cannotRead, explainRead } from '../snapshots/broken.ts';
import { FrameReader } from '../snapshots/frame-reader.ts';
import { problemWith, readSealed, type BrokenHistory } from './check.ts';
import { manifestName, manifestRecord, type Manifest } from './manifest.ts';
import type { OpenSegment } from './open-segment.ts';
import {
  endFrameBytes,
  endOf,
  expecting,
  makeSegmentHead,
  sealedName,
  type SegmentInfo,
  type SegmentStart,
} from './segment.ts';

/** @param manifest what its file should say */
export async function verifyManifest(directory: Directory, manifest: Manifest): Promise<BrokenHistory | undefined> {
  const broken = (explain: string): BrokenHistory => {
    return { file: manifestName, offset: 0, explain, index: manifest.floor.index + 1 };
  };
  const found = await readIfIntact(directory, manifestName);
  if (found === 'damaged') return broken(cannotRead);
  if (!found) return broken('it is not here');
  const isRight = Buffer.compare(found, manifestRecord(manifest)) === 0;
  return isRight ? undefined : broken('it does not say what it should');
}

export async function verifySealed(
  directory: Directory,
  segment: SegmentInfo,
  start: SegmentStart,
): Promise<BrokenHistory | undefined> {
  if (await isRight(directory, segment, start)) return undefined;
  // Only now it matters where.
  return problemWith(await readSealed(directory, start, segment.sizeBytes), segment, sealedName(segment.first));
}

/** Whether head, hash and end are right: much faster than entry by entry, and as sure. */
async function isRight(directory: Directory, segment: SegmentInfo, start: SegmentStart): Promise<boolean> {
  const head = makeSegmentHead(start).bytes;
  const hash = createHash('sha256');
  const end: Uint8Array[] = [];
  let left = segment.sizeBytes - endFrameBytes;
  try {
    for await (const piece of directory.stream(sealedName(segment.first))) {
      const isFirst = left === segment.sizeBytes - endFrameBytes;
      if (isFirst && Buffer.compare(piece.subarray(0, head.length), head) !== 0) return false;
      const cut = Math.min(left, piece.length);
      hash.update(piece.subarray(0, cut));
      left -= cut;
      if (cut < piece.length) end.push(piece.subarray(cut));
    }
  } catch (error) {
    // Whether, not where. Anything else is thrown.
    explainRead(error);
    return false;
  }
  return (
    Buffer.compare(Buffer.concat(end), endOf(segment, start.previous)) === 0 && hash.digest('hex') === segment.sha256
  );
}

export async function verifyOpen(directory: Directory, open: OpenSegment): Promise<BrokenHistory | undefined> {
  const { name: file, start, last, sizeBytes, sha256 } = open;
  const reader = new FrameReader(expecting(file, start));
  const bytes = await readIfIntact(directory, file);
  if (bytes && bytes !== 'damaged') reader.check(bytes);
  const index = reader.hasHead ? reader.number : start.first;
  const broken = (offset: number, explain: string): BrokenHistory => ({ file, offset, explain, index });
  if (bytes === 'damaged') return broken(0, cannotRead);
  if (!bytes) return broken(0, 'it is not here');
  if (reader.broken) return broken(reader.broken.offset, reader.broken.explain);
  if (reader.offset < sizeBytes) return broken(reader.offset, `it is cut off there, and went on to entry ${last}`);
  if (reader.end || bytes.length !== sizeBytes) return broken(sizeBytes, 'something follows after its last entry');
  return reader.sha256 === sha256 ? undefined : broken(0, 'its entries are not those that were appended');
}
