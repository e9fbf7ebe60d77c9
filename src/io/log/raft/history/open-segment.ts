/** The segment that entries are appended to, as far as it must be known in memory: where it ends, and its hash so far. */
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { contentKind, frameHeadBytes, sealFrame } from '../snapshots/frame.ts';
import { isFull, type Sealing } from './sealing.ts';
import {
  endFrameBytes,
  entryHeadBytes,
  makeEnd,
  makeSegmentHead,
  openName,
  type HistoryEntry,
  type SegmentInfo,
  type SegmentStart,
} from './segment.ts';

/** Of one write, unless a single entry is larger. */
const runBytes = 256 * 1024;

/** Entries as bytes, to be written at `offset`. */
export interface Run {
  readonly offset: number;
  /** To be written before the next ones are taken. */
  readonly bytes: Uint8Array;
  readonly count: number;
}

export class OpenSegment {
  readonly start: SegmentStart;
  readonly #seed: number;
  readonly #hash = createHash('sha256');
  #last: number;
  #sizeBytes: number;
  /** One for all runs, as large as the largest: else each would be a buffer that is dropped at once. */
  #scratch = Buffer.alloc(0);

  /** @param bytes what is in its file: its head, and entries up to `last` */
  constructor(start: SegmentStart, bytes: Uint8Array, last: number) {
    this.start = start;
    this.#seed = makeSegmentHead(start).seed;
    this.#hash.update(bytes);
    this.#sizeBytes = bytes.length;
    this.#last = last;
  }

  static begin(start: SegmentStart): { readonly segment: OpenSegment; readonly bytes: Uint8Array } {
    const { bytes } = makeSegmentHead(start);
    return { segment: new OpenSegment(start, bytes, start.first - 1), bytes };
  }

  get name(): string {
    return openName(this.start.first);
  }

  /** The last entry in it; or in the segment before, when it is empty. */
  get last(): number {
    return this.#last;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Of all that is in it, hexadecimal. */
  get sha256(): string {
    return this.#hash.copy().digest('hex');
  }

  /** No entry may follow: it has to be sealed. */
  isFull(sealing: Sealing): boolean {
    return isFull(sealing, this.#last - this.start.first + 1, this.#sizeBytes);
  }

  /** Takes entries from `at` on, as many as belong into this segment and one write. The first must be the next one. */
  take(entries: readonly HistoryEntry[], at: number, sealing: Sealing): Run {
    const offset = this.#sizeBytes;
    let count = 0;
    for (let i = at; i < entries.length && !this.isFull(sealing); i++) {
      const { index, bytes } = entries[i] as HistoryEntry;
      const end = this.#sizeBytes + entryHeadBytes + bytes.length;
      if (count > 0 && end - offset > runBytes) break;
      this.#sizeBytes = end;
      this.#last = index;
      count++;
    }
    const bytes = this.#room(this.#sizeBytes - offset);
    let end = 0;
    for (let i = at; i < at + count; i++) end = this.#put(bytes, end, entries[i] as HistoryEntry);
    this.#hash.update(bytes);
    return { offset, bytes, count };
  }

  /** The end that seals it, and what it is then. */
  seal(): { readonly end: Uint8Array; readonly info: SegmentInfo } {
    const { first } = this.start;
    const last = this.#last;
    const { sha256 } = this;
    const info = { first, last, sha256, sizeBytes: this.#sizeBytes + endFrameBytes };
    return { end: makeEnd(first, last, sha256, this.#seed), info };
  }

  #room(sizeBytes: number): Buffer {
    if (sizeBytes > runBytes) return Buffer.allocUnsafe(sizeBytes);
    if (this.#scratch.length < sizeBytes) this.#scratch = Buffer.allocUnsafeSlow(Math.min(2 * sizeBytes, runBytes));
    return this.#scratch.subarray(0, sizeBytes);
  }

  #put(into: Buffer, at: number, { index, term, bytes }: HistoryEntry): number {
    const end = at + entryHeadBytes + bytes.length;
    into.writeUIntLE(term, at + frameHeadBytes, entryHeadBytes - frameHeadBytes);
    into.set(bytes, at + entryHeadBytes);
    const bodyBytes = end - at - frameHeadBytes;
    sealFrame(into, at, { kind: contentKind, number: index, bodyBytes }, this.#seed);
    return end;
  }
}
