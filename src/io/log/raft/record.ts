/**
 * A record that knows when it was changed, cut off, or put in another's place.
 *
 *   crc32 u32 │ format u8 │ body        (little-endian)
 *
 * The CRC covers the place (a key, or a name), format and body. Every record of the consensus log has this shape, in
 * every version to come: so that a record of a later version is told from a damaged one.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { LogError } from '../port.ts';

/** What stands before the body. */
export const sealBytes = 5;

export function seal(place: Uint8Array, format: number, body: Uint8Array): Uint8Array {
  const record = Buffer.allocUnsafe(sealBytes + body.length);
  record.set(body, sealBytes);
  return sealInPlace(place, format, record);
}

/** For a body that stands at its place behind `sealBytes` already. @returns the record */
export function sealInPlace(place: Uint8Array, format: number, record: Buffer): Uint8Array {
  record[4] = format;
  record.writeUInt32LE(checksum(place, record), 0);
  // The same bytes, and no Buffer: whoever copies one with `slice` shares its memory.
  return new Uint8Array(record.buffer, record.byteOffset, record.length);
}

/**
 * @returns the body, or undefined for a record that is not as it was made
 * @throws LogError TOO_NEW for one that a later version made
 */
export function unseal(place: Uint8Array, format: number, record: Uint8Array, what: string): Uint8Array | undefined {
  if (record.length < sealBytes) return undefined;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  if (view.getUint32(0, true) !== checksum(place, record)) return undefined;
  if (record[4] !== format) throw tooNew(what);
  return record.subarray(sealBytes);
}

export const tooNew = (what: string): LogError =>
  new LogError(
    'TOO_NEW',
    `${what} is stored in a format that this version does not know`,
    'Install the version of FloatLab that wrote it, or a later one.',
  );

const checksum = (place: Uint8Array, record: Uint8Array): number => crc32(record.subarray(4), crc32(place));
