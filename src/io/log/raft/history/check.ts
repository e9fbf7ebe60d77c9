/** Whether a segment's file is what it should be. */
import { Buffer } from 'node:buffer';
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import { explainRead, type Broken } from '../snapshots/broken.ts';
import { FrameReader } from '../snapshots/frame-reader.ts';
import { endFrameBytes, endOf, expecting, sealedName, type SegmentInfo, type SegmentStart } from './segment.ts';

export interface BrokenHistory extends Broken {
  /** Of the entry that should stand there. */
  readonly index: number;
}

/** Reads every byte of a sealed segment. @returns what it is, or where it is broken. @throws LogError TOO_NEW */
export async function readSealed(
  directory: Directory,
  start: SegmentStart,
  sizeBytes?: number,
): Promise<SegmentInfo | BrokenHistory> {
  const file = sealedName(start.first);
  const reader = new FrameReader(expecting(file, start, sizeBytes));
  try {
    for await (const piece of directory.stream(file)) {
      reader.check(piece);
      if (reader.broken) break;
    }
  } catch (error) {
    return { file, offset: reader.offset, explain: explainRead(error), index: nextIndex(reader, start) };
  }
  return sealedIn(reader, file, start);
}

/** A whole segment was given to the reader. */
export function sealedIn(reader: FrameReader, file: string, start: SegmentStart): SegmentInfo | BrokenHistory {
  const broken = reader.finish();
  if (broken || !reader.end) {
    const place = broken ?? { file, offset: reader.offset, explain: 'it has no end' };
    return { ...place, file, index: nextIndex(reader, start) };
  }
  const { frame, sha256 } = reader.end;
  const last = frame.number - 1;
  const info = { first: start.first, last, sha256, sizeBytes: reader.offset };
  const end = endOf(info, start.previous);
  if (last >= start.first && Buffer.compare(end.subarray(-frame.body.length), frame.body) === 0) return info;
  return { file, offset: frame.offset, explain: 'what stands in its end is not what is in it', index: last };
}

export const isBroken = (found: SegmentInfo | BrokenHistory): found is BrokenHistory => 'explain' in found;

/** What is wrong with a segment that was read, if it is not the one that is meant. */
export function problemWith(
  found: SegmentInfo | BrokenHistory,
  meant: SegmentInfo,
  file: string,
): BrokenHistory | undefined {
  if (isBroken(found)) return found;
  const { last, sha256, sizeBytes } = meant;
  if (found.last === last && found.sha256 === sha256 && found.sizeBytes === sizeBytes) return undefined;
  return { file, offset: 0, explain: 'it is whole, but not the segment that the manifest means', index: meant.first };
}

/** Whether a sealed segment seems to be right, from its end alone. @param sizeBytes of the file */
export async function hasItsEnd(
  directory: Directory,
  segment: SegmentInfo,
  previous: string,
  sizeBytes: number,
): Promise<boolean> {
  if (sizeBytes !== segment.sizeBytes) return false;
  const pieces: Uint8Array[] = [];
  try {
    const end = directory.stream(sealedName(segment.first), sizeBytes - endFrameBytes);
    for await (const piece of end) pieces.push(piece);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'DAMAGED') return false;
    throw error;
  }
  return Buffer.compare(Buffer.concat(pieces), endOf(segment, previous)) === 0;
}

const nextIndex = (reader: FrameReader, { first }: SegmentStart): number => (reader.hasHead ? reader.number : first);
