/**
 * A short list in msgpack that ends with many bytes, packed beside msgpackr, which reads it like any other.
 *
 * Why: msgpackr packs into a buffer of its own, shared by all that a thread packs. That grows to four times what was
 * packed, and stays so for the life of the process; and when it is full, another one of that size takes its place.
 */
import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

/** A larger array begins with more than one byte. */
const maxItems = 15;
const fixArray = 0x90;

/**
 * @param list up to 14 items
 * @param roomBytes to be left in front, for who has to put something there
 */
export function packWithBytes(list: readonly unknown[], bytes: Uint8Array, roomBytes = 0): Buffer {
  const { packed, rest } = packWithRoom(list, bytes.length, roomBytes);
  rest.set(bytes);
  return packed;
}

/** The same without the bytes, which are to be written into `rest`, the end of it. */
export function packWithRoom(
  list: readonly unknown[],
  sizeBytes: number,
  roomBytes = 0,
): { readonly packed: Buffer; readonly rest: Buffer } {
  const count = list.length + 1;
  if (count > maxItems) throw new Error(`a list of ${count} items is too long to be packed with bytes`);
  const head = packr.pack(list);
  const prefix = prefixOf(sizeBytes);
  const packed = Buffer.allocUnsafe(roomBytes + head.length + prefix.length + sizeBytes);
  packed.set(head, roomBytes);
  packed[roomBytes] = fixArray | count;
  packed.set(prefix, roomBytes + head.length);
  return { packed, rest: packed.subarray(packed.length - sizeBytes) };
}

/** What stands before so many bytes. */
function prefixOf(length: number): Buffer {
  if (length < 0x100) return Buffer.from([0xc4, length]);
  if (length < 0x1_0000) return Buffer.from([0xc5, length >>> 8, length & 0xff]);
  const prefix = Buffer.from([0xc6, 0, 0, 0, 0]);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}
