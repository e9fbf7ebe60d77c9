/**
 * Files of frames: how snapshots and segments of the history are laid out. All numbers are little-endian.
 *
 *   file   head │ frame … │ the end, a frame too
 *   head   magic, 8 letters │ format u8 │ length u32 │ body │ crc32 u32, of all before it
 *   frame  crc32 u32 │ kind u8 │ number u48 │ length u32 │ body
 *
 * A frame's CRC goes on from the CRC of the head and covers all behind the CRC; numbers go up by one. So a frame that was
 * changed, moved, repeated, left out, or comes from another file is found without looking at any other frame. What a CRC
 * misses by chance, and what somebody did on purpose, the SHA-256 in the end finds.
 *
 * The head has this shape in every format to come, so that a file of a later version is told from a damaged one.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { tooNew } from '../record.ts';

export interface FileKind {
  /** 8 letters. */
  readonly magic: string;
  readonly format: number;
  /** For messages: `a snapshot`. */
  readonly what: string;
}

export interface Head {
  readonly body: Uint8Array;
  readonly sizeBytes: number;
  /** What the CRCs of the frames go on from. */
  readonly seed: number;
}

/** What a frame holds: rows or an entry; or the end of the file. */
export const contentKind = 1;
export const endKind = 2;

/** Of a frame without its body. */
export const frameHeadBytes = 15;
/** Of the body of a head or a frame: nobody has to keep more than this in memory because a damaged length says so. */
export const maxBodyBytes = 16 * 1024 * 1024;

const magicBytes = 8;
/** Before the body of a head. */
const preludeBytes = magicBytes + 1 + 4;
const crcBytes = 4;
const numberBytes = 6;

export function makeHead(kind: FileKind, body: Uint8Array): Head & { readonly bytes: Uint8Array } {
  const bytes = Buffer.allocUnsafe(preludeBytes + body.length + crcBytes);
  bytes.write(kind.magic, 0, 'latin1');
  bytes[magicBytes] = kind.format;
  bytes.writeUInt32LE(body.length, magicBytes + 1);
  bytes.set(body, preludeBytes);
  const seed = crc32(bytes.subarray(0, -crcBytes));
  bytes.writeUInt32LE(seed, bytes.length - crcBytes);
  return { body, sizeBytes: bytes.length, seed, bytes };
}

/**
 * @param bytes from the beginning of a file
 * @returns how many bytes are needed to tell; undefined for what is no intact head
 * @throws LogError TOO_NEW
 */
export function readHead(kind: FileKind, bytes: Buffer): Head | number | undefined {
  if (bytes.length < preludeBytes) return preludeBytes;
  const length = bytes.readUInt32LE(magicBytes + 1);
  if (bytes.toString('latin1', 0, magicBytes) !== kind.magic || length > maxBodyBytes) return undefined;
  const sizeBytes = preludeBytes + length + crcBytes;
  if (bytes.length < sizeBytes) return sizeBytes;
  const seed = crc32(bytes.subarray(0, sizeBytes - crcBytes));
  if (seed !== bytes.readUInt32LE(sizeBytes - crcBytes)) return undefined;
  if (bytes[magicBytes] !== kind.format) throw tooNew(kind.what);
  return { body: bytes.subarray(preludeBytes, preludeBytes + length), sizeBytes, seed };
}

export interface Frame {
  readonly kind: number;
  readonly number: number;
  /** Where in the file it begins. */
  readonly offset: number;
  readonly body: Uint8Array;
}

/** Makes a frame of what stands at `at + frameHeadBytes`. */
export function sealFrame(
  buffer: Buffer,
  at: number,
  frame: { readonly kind: number; readonly number: number; readonly bodyBytes: number },
  seed: number,
): void {
  buffer[at + crcBytes] = frame.kind;
  buffer.writeUIntLE(frame.number, at + crcBytes + 1, numberBytes);
  buffer.writeUInt32LE(frame.bodyBytes, at + frameHeadBytes - 4);
  buffer.writeUInt32LE(crcAt(buffer, at, seed), at);
}

export function makeFrame(kind: number, number: number, body: Uint8Array, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(frameHeadBytes + body.length);
  bytes.set(body, frameHeadBytes);
  sealFrame(bytes, 0, { kind, number, bodyBytes: body.length }, seed);
  return bytes;
}

/** Of the frame at `at`, whose head must be there: how long its body is, its kind, its number. */
export const bodyBytesAt = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at + frameHeadBytes - 4);
export const kindAt = (bytes: Buffer, at: number): number => bytes[at + crcBytes] as number;
export const numberAt = (bytes: Buffer, at: number): number => bytes.readUIntLE(at + crcBytes + 1, numberBytes);

/** What the CRC of the frame at `at` should be, which must be there as a whole. */
export const crcAt = (bytes: Buffer, at: number, seed: number): number =>
  crc32(bytes.subarray(at + crcBytes, at + frameHeadBytes + bodyBytesAt(bytes, at)), seed);

/** @param offset in the file */
export const frameAt = (bytes: Buffer, at: number, offset: number): Frame => ({
  kind: kindAt(bytes, at),
  number: numberAt(bytes, at),
  offset,
  body: bytes.subarray(at + frameHeadBytes, at + frameHeadBytes + bodyBytesAt(bytes, at)),
});

export const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
