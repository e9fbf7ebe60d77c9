/**
 * Reads a list of msgpack piece by piece, and passes over what nobody wants to know: a fraction of the cost of unpacking
 * it. Only for bytes that a checksum has proven; what is no msgpack is an error all the same, and never read beyond.
 */
import { Buffer } from 'node:buffer';

/** Bytes behind the first one, by that one, of what is always equally long: numbers, `nil`, booleans, small extensions. */
const fixed = new Map([
  ...[0xc0, 0xc2, 0xc3].map((first) => [first, 0] as const),
  ...[0xcc, 0xd0].map((first) => [first, 1] as const),
  ...[0xcd, 0xd1, 0xd4].map((first) => [first, 2] as const),
  [0xd5, 3],
  ...[0xca, 0xce, 0xd2].map((first) => [first, 4] as const),
  [0xd6, 5],
  ...[0xcb, 0xcf, 0xd3].map((first) => [first, 8] as const),
  [0xd7, 9],
  [0xd8, 17],
]);

export class Skim {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Where the next item begins. */
  get at(): number {
    return this.#at;
  }

  /** Goes into the list that comes next. @returns how many items it has */
  enter(): number {
    const first = this.#byte();
    if (first >>> 4 === 0x9) return first & 0xf;
    if (first === 0xdc) return this.#size(2);
    if (first === 0xdd) return this.#size(4);
    throw noMsgpack();
  }

  text(): string {
    const first = this.#byte();
    const length =
      first >>> 5 === 0x5 ? first & 0x1f : first >= 0xd9 && first <= 0xdb ? this.#size(1 << (first - 0xd9)) : -1;
    if (length < 0) throw noMsgpack();
    const begin = this.#at;
    this.#pass(length);
    return this.#bytes.toString('utf8', begin, this.#at);
  }

  /** Passes over so many items, with all that is in them. */
  skip(count: number): void {
    for (let left = count; left > 0; left--) left += this.#skipOne();
  }

  /** @returns how many items are in it */
  #skipOne(): number {
    const first = this.#byte();
    if (first < 0x80 || first >= 0xe0) return 0;
    if (first < 0x90) return 2 * (first & 0xf);
    if (first < 0xa0) return first & 0xf;
    if (first < 0xc0) return this.#pass(first & 0x1f);
    if (first >= 0xdc) return (first >= 0xde ? 2 : 1) * this.#size(first % 2 === 0 ? 2 : 4);
    if (first >= 0xd9) return this.#pass(this.#size(1 << (first - 0xd9)));
    if (first >= 0xc7 && first <= 0xc9) return this.#pass(this.#size(1 << (first - 0xc7)) + 1);
    if (first >= 0xc4 && first <= 0xc6) return this.#pass(this.#size(1 << (first - 0xc4)));
    const length = fixed.get(first);
    if (length === undefined) throw noMsgpack();
    return this.#pass(length);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw noMsgpack();
    return byte;
  }

  /** A length of so many bytes. */
  #size(bytes: number): number {
    const begin = this.#at;
    this.#pass(bytes);
    return this.#bytes.readUIntBE(begin, bytes);
  }

  #pass(bytes: number): 0 {
    this.#at += bytes;
    if (this.#at > this.#bytes.length) throw noMsgpack();
    return 0;
  }
}

const noMsgpack = (): Error => new Error('these bytes are not the msgpack that belongs here');
