/**
 * A segment of the history as a file of frames (`../snapshots/frame.ts`).
 *
 *   magic    FLABHIST
 *   head     index of the first entry u48 │ hash of the segment before, 32 bytes (zeros before the first one of all)
 *   entries  a frame each, numbered by index: term u48 │ packed entry
 *   end      index of the last entry u48 │ count u48 │ hash, 32 bytes
 *
 * The hash is the SHA-256 of all before the end's frame: of the entries and, through the head, of all segments before.
 * Equal entries make equal files, on every member and however they were appended.
 */
import { Buffer } from 'node:buffer';
import type { Expected } from '../snapshots/frame-reader.ts';
import {
  endKind,
  frameHeadBytes,
  makeFrame,
  makeHead,
  maxBodyBytes,
  type FileKind,
  type Frame,
  type Head,
} from '../snapshots/frame.ts';

export interface HistoryEntry {
  readonly index: number;
  readonly term: number;
  /** As packed by whoever proposed it. Not read here. */
  readonly bytes: Uint8Array;
}

/** A sealed segment. */
export interface SegmentInfo {
  /** Index of its first and last entry. */
  readonly first: number;
  readonly last: number;
  /** Its hash, hexadecimal: also of all segments before. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Where a segment belongs. */
export interface SegmentStart {
  readonly first: number;
  /** Hash of the segment before, hexadecimal. */
  readonly previous: string;
}

export const historyKind: FileKind = { magic: 'FLABHIST', format: 1, what: 'a segment of the history' };

export const noHash = '0'.repeat(64);

const numberBytes = 6;
const hashBytes = 32;

/** In front of an entry's bytes. */
export const entryHeadBytes = frameHeadBytes + numberBytes;
export const maxEntryBytes = maxBodyBytes - numberBytes;

export function makeSegmentHead({ first, previous }: SegmentStart): Head & { readonly bytes: Uint8Array } {
  const body = Buffer.allocUnsafe(numberBytes + hashBytes);
  body.writeUIntLE(first, 0, numberBytes);
  body.write(previous, numberBytes, 'hex');
  return makeHead(historyKind, body);
}

export const endFrameBytes = frameHeadBytes + 2 * numberBytes + hashBytes;

/** @param seed of the segment's head */
export function makeEnd(first: number, last: number, sha256: string, seed: number): Buffer {
  const body = Buffer.allocUnsafe(2 * numberBytes + hashBytes);
  body.writeUIntLE(last, 0, numberBytes);
  body.writeUIntLE(last - first + 1, numberBytes, numberBytes);
  body.write(sha256, 2 * numberBytes, 'hex');
  return makeFrame(endKind, last + 1, body, seed);
}

/** The last bytes of a segment's file: nothing else can stand there. */
export const endOf = ({ first, last, sha256 }: SegmentInfo, previous: string): Buffer =>
  makeEnd(first, last, sha256, makeSegmentHead({ first, previous }).seed);

export function entryOf({ number, body }: Frame): HistoryEntry {
  const term = Buffer.from(body.buffer, body.byteOffset, body.byteLength).readUIntLE(0, numberBytes);
  return { index: number, term, bytes: body.subarray(numberBytes) };
}

/** What a reader of this segment has to find. */
export const expecting = (file: string, start: SegmentStart, sizeBytes?: number): Expected => ({
  file,
  kind: historyKind,
  ...(sizeBytes === undefined ? {} : { sizeBytes }),
  accept: (head) => {
    if (Buffer.compare(head, makeSegmentHead(start).body) === 0) return start.first;
    return `it is another segment than the one from entry ${start.first} on`;
  },
});

const digits = 16;

export const sealedName = (first: number): string => `${String(first).padStart(digits, '0')}.segment`;

/** Entries are still appended to it. */
export const openName = (first: number): string => `${String(first).padStart(digits, '0')}.open`;

/** Arriving from another member. */
export const partName = (first: number): string => `${String(first).padStart(digits, '0')}.part`;

/** @returns undefined for a name that no segment has */
export function segmentNamed(
  name: string,
): { readonly first: number; readonly state: 'segment' | 'open' | 'part' } | undefined {
  const found = /^(\d{16})\.(segment|open|part)$/.exec(name);
  return found ? { first: Number(found[1]), state: found[2] as 'segment' | 'open' | 'part' } : undefined;
}
