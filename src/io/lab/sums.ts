/**
 * What was written to the state database is what is read, or the difference is seen. LevelDB has a checksum for each
 * block of its files, and does not look at it: a flipped bit there changes a value, or hides keys, without a word.
 *
 *   rows that a start reads     one sum over all of them, in the checkpoint: also of none that is missing or too much
 *   rows that are read later    a checksum in each, over key and value
 */
import { crc32 } from 'node:zlib';

const modulus = 2 ** 48;

const crcOf = (key: string | Uint8Array, value: Uint8Array): number => crc32(value, crc32(key));

/** The sum of the checksums of all rows that there are, kept as they come and go. Their order does not matter. */
export class Sum {
  readonly #crcs = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  put(key: string, value: Uint8Array): void {
    const crc = crcOf(key, value);
    this.#total = (this.#total + modulus - (this.#crcs.get(key) ?? 0) + crc) % modulus;
    this.#crcs.set(key, crc);
  }

  delete(key: string): void {
    this.#total = (this.#total + modulus - (this.#crcs.get(key) ?? 0)) % modulus;
    this.#crcs.delete(key);
  }

  clear(): void {
    this.#crcs.clear();
    this.#total = 0;
  }
}

const crcBytes = 4;

/** @returns the value with its checksum before it */
export function seal(key: Uint8Array, value: Uint8Array): Uint8Array {
  const sealed = Buffer.allocUnsafe(crcBytes + value.length);
  sealed.writeUInt32LE(crcOf(key, value));
  sealed.set(value, crcBytes);
  return sealed;
}

/** @returns undefined when it is not what was sealed under this key */
export function unseal(key: Uint8Array, sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < crcBytes) return undefined;
  const value = sealed.subarray(crcBytes);
  const crc = new DataView(sealed.buffer, sealed.byteOffset).getUint32(0, true);
  return crc === crcOf(key, value) ? value : undefined;
}
