/**
 * A snapshot as a file of frames (`frame.ts`).
 *
 *   magic  FLABSNAP
 *   head   meta in msgpack: [index, term, [voters, outgoing, learners, learners next, leaves by itself]]
 *   rows   frames from number 1 on: (length u32 │ row) …
 *   end    count of rows u48 │ SHA-256 of all before this frame, 32 bytes
 *
 * A row is never split. Which rows share a frame depends on their sizes alone: equal rows make equal files, on every
 * member. What the rows are, nobody here knows.
 */
import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import type { SnapshotMeta } from '#events/raft/entry.ts';
import { bufferOf, frameHeadBytes, maxBodyBytes, type FileKind } from './frame.ts';

export const snapshotKind: FileKind = { magic: 'FLABSNAP', format: 1, what: 'a snapshot' };

const lengthBytes = 4;
const countBytes = 6;
const shaBytes = 32;

export const maxRowBytes = maxBodyBytes - lengthBytes;
/** A frame takes rows until it has so many bytes; a larger row has one for itself. */
const frameBytes = 256 * 1024;

const packr = new Packr({ useRecords: false });

export function packMeta({ index, term, configuration }: SnapshotMeta): Uint8Array {
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration;
  return packr.pack([index, term, [voters, outgoing, learners, learnersNext, autoLeave]]);
}

/** Gathers the rows of one frame, leaving room for its head. */
export class RowBuffer {
  #bytes = Buffer.allocUnsafe(frameBytes);
  #used = frameHeadBytes;
  #isEmpty = true;

  /** @returns false when the row has no room: take what is there first */
  add(row: Uint8Array): boolean {
    const end = this.#used + lengthBytes + row.length;
    if (end > this.#bytes.length) {
      if (!this.#isEmpty) return false;
      this.#bytes = Buffer.allocUnsafe(end);
    }
    this.#bytes.writeUInt32LE(row.length, this.#used);
    this.#bytes.set(row, this.#used + lengthBytes);
    this.#used = end;
    this.#isEmpty = false;
    return true;
  }

  /** A frame without its head; undefined when there are no rows. */
  take(): Buffer | undefined {
    if (this.#isEmpty) return undefined;
    const taken = this.#bytes.subarray(0, this.#used);
    this.#bytes = Buffer.allocUnsafe(frameBytes);
    this.#used = frameHeadBytes;
    this.#isEmpty = true;
    return taken;
  }
}

/** @returns undefined for a body that holds something else */
export function rowsOf(body: Uint8Array): readonly Uint8Array[] | undefined {
  const bytes = bufferOf(body);
  const rows: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at + lengthBytes;
    if (start > bytes.length) return undefined;
    at = start + bytes.readUInt32LE(start - lengthBytes);
    if (at > bytes.length) return undefined;
    rows.push(body.subarray(start, at));
  }
  return rows;
}

export function endBody(rows: number, sha256: string): Uint8Array {
  const body = Buffer.allocUnsafe(countBytes + shaBytes);
  body.writeUIntLE(rows, 0, countBytes);
  body.write(sha256, countBytes, 'hex');
  return body;
}
