/**
 * Commands that are appended in one turn travel as one entry of the consensus log: packed once, and the same bytes, under
 * one checksum, go to the disk and to the other members.
 *
 *   one command   as `../../codec.ts` packs it: a msgpack array of few items, which no batch begins like
 *   several       format u8 │ (length of the command u32 │ command) × n   (little-endian)
 */
import { Buffer } from 'node:buffer';
import { LogError } from '../../port.ts';

const format = 1;
const lengthBytes = 4;

/** @param commands at least one */
export function packBatch(commands: readonly Uint8Array[]): Uint8Array {
  const [only] = commands;
  if (only && commands.length === 1) return only;
  let sizeBytes = 1;
  for (const { length } of commands) sizeBytes += lengthBytes + length;
  const bytes = Buffer.allocUnsafe(sizeBytes);
  bytes[0] = format;
  let at = 1;
  for (const command of commands) {
    at = bytes.writeUInt32LE(command.length, at);
    bytes.set(command, at);
    at += command.length;
  }
  return bytes;
}

/** @returns parts of the bytes @throws LogError TOO_NEW */
export function unpackBatch(bytes: Uint8Array): readonly Uint8Array[] {
  const [first = 0] = bytes;
  if (isCommand(first)) return [bytes];
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const commands: Uint8Array[] = [];
  let at = 1;
  while (first === format && at + lengthBytes <= buffer.length) {
    const begin = at + lengthBytes;
    at = begin + buffer.readUInt32LE(at);
    commands.push(bytes.subarray(begin, at));
  }
  if (first === format && at === buffer.length) return commands;
  throw new LogError(
    'TOO_NEW',
    'an entry of the consensus log is of a form that this version does not know',
    'Install the version of FloatLab that wrote it, or a later one.',
  );
}

/** Whether that is how a msgpack array of less than 16 items begins. */
export const isCommand = (first: number): boolean => (first & 0xf0) === 0x90;
