/**
 * Rows as frames: each row is put into JSON once and sent to all who follow it, and a frame ends after so many rows or
 * bytes, so that one large view does not hold everything else up.
 */
import type { ToClient } from '#io/contract/live.ts';
import { maxFrameBytes } from '#io/contract/live.ts';

export const maxChunkRows = 500;
export const maxChunkBytes = 256 * 1024;
/** A row that no frame can carry. */
const maxRowBytes = maxFrameBytes - 4096;

export class RowTooLarge extends Error {
  readonly key: string;
  constructor(key: string) {
    super(`row ${key} is larger than a frame`);
    this.key = key;
  }
}

export class RowJson {
  #texts = new Map<object, string>();
  #chars = 0;

  /** `[key, row]` in JSON. Kept for a while: many follow the same rows. */
  text(key: string, row: object): string {
    const known = this.#texts.get(row);
    if (known !== undefined) return known;
    const text = JSON.stringify([key, row]);
    if (text.length > maxRowBytes / 4 && Buffer.byteLength(text) > maxRowBytes) throw new RowTooLarge(key);
    this.#chars += text.length;
    if (this.#chars > 2 * 1024 * 1024) {
      this.#texts = new Map();
      this.#chars = text.length;
    }
    this.#texts.set(row, text);
    return text;
  }
}

/** Collects parts of a frame until it is full. */
export class Chunk {
  readonly parts: string[] = [];
  readonly #maxRows: number;
  #bytes = 0;

  constructor(maxRows = maxChunkRows) {
    this.#maxRows = maxRows;
  }

  /** @returns false when there is no room for it any more; a first one always has room */
  add(part: string): boolean {
    const bytes = Buffer.byteLength(part) + 1;
    if (this.parts.length > 0 && (this.parts.length >= this.#maxRows || this.#bytes + bytes > maxChunkBytes))
      return false;
    this.#bytes += bytes;
    this.parts.push(part);
    return true;
  }
}

export const frame = (message: ToClient): string => JSON.stringify(message);

export const snapFrame = (
  of: { sub: number; epoch: string; index: number; more: boolean },
  rows: readonly string[],
): string =>
  `{"t":"snap","sub":${of.sub},"epoch":${JSON.stringify(of.epoch)},"index":${of.index},"more":${of.more},"rows":[${rows.join(',')}]}`;

/** @param del keys in JSON */
export const rowsFrame = (of: { sub: number; index: number }, put: readonly string[], del: readonly string[]): string =>
  `{"t":"rows","sub":${of.sub},"index":${of.index},"put":[${put.join(',')}],"del":[${del.join(',')}]}`;
