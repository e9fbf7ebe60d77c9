/**
 * A map of bytes to bytes in bytewise order, in memory: the image of a simulated disk.
 *
 * Keys are held as latin-1 strings, one character a byte, because strings compare, hash and sort fast and in the
 * same order. Appending at the end is constant; inserting elsewhere moves the array behind it.
 */
import { Buffer } from 'node:buffer';
import type { Range } from './port.ts';

export class SortedBytes {
  readonly #keys: string[] = [];
  readonly #values = new Map<string, Uint8Array>();

  get size(): number {
    return this.#keys.length;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(textOf(key));
  }

  /** Keeps the value itself, not a copy. @returns what was there before */
  put(key: Uint8Array, value: Uint8Array): Uint8Array | undefined {
    const text = textOf(key);
    const before = this.#values.get(text);
    if (before === undefined) {
      const at = this.#lowerBound(text);
      if (at === this.#keys.length) this.#keys.push(text);
      else this.#keys.splice(at, 0, text);
    }
    this.#values.set(text, value);
    return before;
  }

  /** @returns what was there before */
  delete(key: Uint8Array): Uint8Array | undefined {
    const text = textOf(key);
    const before = this.#values.get(text);
    if (before !== undefined) {
      this.#values.delete(text);
      this.#keys.splice(this.#lowerBound(text), 1);
    }
    return before;
  }

  /** The entries of the range as they are now: later changes do not show. Keys are copies, values are not. */
  entries(range: Range): (readonly [key: Uint8Array, value: Uint8Array])[] {
    const from = range.gte === undefined ? 0 : this.#lowerBound(textOf(range.gte));
    const to = range.lt === undefined ? this.#keys.length : this.#lowerBound(textOf(range.lt));
    const limit = range.limit ?? Infinity;
    let keys: string[];
    if (range.reverse) keys = this.#keys.slice(Math.max(from, to - limit), to).reverse();
    else keys = this.#keys.slice(from, Math.min(to, from + limit));
    return keys.map((key) => [bytesOf(key), this.#values.get(key) ?? new Uint8Array()]);
  }

  /** Position of the first key that is not below. */
  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    const last = this.#keys[high - 1];
    if (last === undefined || last < key) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const textOf = (key: Uint8Array): string => Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
const bytesOf = (text: string): Uint8Array => Buffer.from(text, 'latin1');
