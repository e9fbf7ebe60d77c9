/**
 * Which log a database holds: a record at index 0, where no event ever stands. The watermark carries the same name,
 * so that a database that was emptied, swapped or put back alone does not pass for the log it was.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { Op } from '../../stores/port.ts';
import { keyOf } from '../codec.ts';

const format = 1;

export function identityOp(incarnation: string): Op {
  const value = Buffer.concat([Buffer.alloc(4), Buffer.from([format]), Buffer.from(incarnation)]);
  value.writeUInt32LE(crc32(value.subarray(4)), 0);
  return { put: keyOf(0), value };
}

/** @returns undefined when it is unreadable */
export function readIdentity(value: Uint8Array): string | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (bytes.length < 6 || bytes[4] !== format) return undefined;
  return crc32(bytes.subarray(4)) === bytes.readUInt32LE(0) ? bytes.toString('utf8', 5) : undefined;
}
