/**
 * A piece of a snapshot's file on its way to another member.
 *
 * Its CRC covers which snapshot it is of, where it belongs, and its bytes: one that was changed on the way, or got into
 * another transfer, is refused by whoever receives it.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';

export interface Chunk {
  /** In the file, in bytes. */
  readonly offset: number;
  readonly crc32: number;
  /** 1 byte to 256 KiB. */
  readonly bytes: Uint8Array;
}

export const makeChunk = (sha256: string, offset: number, bytes: Uint8Array): Chunk => ({
  offset,
  crc32: checksum(sha256, offset, bytes),
  bytes,
});

export const isIntact = (sha256: string, chunk: Chunk): boolean =>
  chunk.crc32 === checksum(sha256, chunk.offset, chunk.bytes);

/** CRC-32 of: SHA-256 of the file, 32 bytes │ offset u48 │ bytes. */
function checksum(sha256: string, offset: number, bytes: Uint8Array): number {
  const place = Buffer.alloc(38);
  place.write(sha256, 0, 'hex');
  place.writeUIntLE(offset, 32, 6);
  return crc32(bytes, crc32(place));
}
