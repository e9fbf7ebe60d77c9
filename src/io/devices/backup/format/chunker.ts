/**
 * Cuts a stream into chunks where its content says so, so that what is inserted or removed moves the cuts near it and no
 * others: the same content makes the same chunks again.
 *
 * FastCDC with normalized chunking: W. Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for
 * Data Deduplication", USENIX ATC 2016. The hash has 32 bits, so a cut depends on the 32 bytes before it: each byte is
 * shifted out after 32 others. Up to the average size a cut is four times less likely than on average, behind it four
 * times more, which keeps sizes together.
 *
 * The table of the hash is secret (derived from the key of the repository): with a known one, the sizes of chunks alone
 * would tell whoever sees them that a well-known file is there.
 */

export interface ChunkSizes {
  readonly minBytes: number;
  /** A power of two. */
  readonly averageBytes: number;
  readonly maxBytes: number;
}

/** 256 numbers of 32 bits. */
export type GearTable = Uint32Array;

/** Bytes that `gearTable` needs. */
export const gearBytes = 1024;

export function gearTable(secret: Uint8Array): GearTable {
  if (secret.length !== gearBytes) throw new Error(`a table is made of ${gearBytes} bytes, not ${secret.length}`);
  const view = new DataView(secret.buffer, secret.byteOffset, secret.length);
  return Uint32Array.from({ length: 256 }, (_, at) => view.getUint32(4 * at, true));
}

/** Pieces in, chunks out; holds no more than one chunk. Chunks are copies: the caller may keep them. */
export class Chunker {
  readonly #gear: GearTable;
  readonly #sizes: ChunkSizes;
  readonly #chunk: Uint8Array;
  /** A cut is where these uppermost bits of the hash are all zero: below them are few bytes of history. */
  readonly #before: number;
  readonly #behind: number;
  #length = 0;
  #hash = 0;

  constructor(gear: GearTable, sizes: ChunkSizes) {
    const bits = Math.log2(sizes.averageBytes);
    if (!Number.isInteger(bits) || bits < 6 || bits > 28) throw new Error('the average size is 2^6 to 2^28');
    if (sizes.minBytes < 32 || sizes.minBytes >= sizes.averageBytes || sizes.maxBytes <= sizes.averageBytes)
      throw new Error('sizes of chunks: 32 ≤ min < average < max');
    this.#gear = gear;
    this.#sizes = sizes;
    this.#chunk = new Uint8Array(sizes.maxBytes);
    this.#before = maskOf(bits + 2);
    this.#behind = maskOf(bits - 2);
  }

  *push(piece: Uint8Array): Generator<Uint8Array> {
    let from = 0;
    while (from < piece.length) {
      const end = this.#scan(piece, from);
      this.#chunk.set(piece.subarray(from, end < 0 ? piece.length : end), this.#length);
      this.#length += (end < 0 ? piece.length : end) - from;
      if (end < 0) return;
      yield this.#take();
      from = end;
    }
  }

  /** What is left at the end of the stream, however short. */
  *end(): Generator<Uint8Array> {
    if (this.#length > 0) yield this.#take();
  }

  /** @returns where the chunk ends in this piece; -1 when it goes on behind */
  #scan(piece: Uint8Array, from: number): number {
    const { minBytes, averageBytes, maxBytes } = this.#sizes;
    const gear = this.#gear;
    // Positions in the piece at which the chunk has so many bytes.
    const start = from - this.#length;
    const last = Math.min(piece.length, start + maxBytes);
    // The hash forgets after 32 bytes: before that nothing has to be looked at.
    let at = Math.max(from, Math.min(last, start + minBytes - 32));
    let hash = this.#hash;
    const toMin = Math.min(last, start + minBytes);
    for (; at < toMin; at++) hash = (hash << 1) + (gear[piece[at] as number] as number);
    const toAverage = Math.min(last, start + averageBytes);
    const before = this.#before;
    for (; at < toAverage; at++) {
      hash = (hash << 1) + (gear[piece[at] as number] as number);
      if ((hash & before) === 0) return at + 1;
    }
    const behind = this.#behind;
    for (; at < last; at++) {
      hash = (hash << 1) + (gear[piece[at] as number] as number);
      if ((hash & behind) === 0) return at + 1;
    }
    this.#hash = hash | 0;
    return last === start + maxBytes ? last : -1;
  }

  #take(): Uint8Array {
    const chunk = this.#chunk.slice(0, this.#length);
    this.#length = 0;
    this.#hash = 0;
    return chunk;
  }
}

const maskOf = (bits: number): number => -1 << (32 - bits);
