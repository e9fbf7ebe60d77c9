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
  const count = list.length + 1;
  if (count > maxItems) throw new Error(`a list of ${count} items is too long to be packed with bytes`);
  const head = packr.pack(list);
  const prefix = prefixOf(bytes.length);
  const packed = Buffer.allocUnsafe(roomBytes + head.length + prefix.length + bytes.length);
  packed.set(head, roomBytes);
  packed[roomBytes] = fixArray | count;
  packed.set(prefix, roomBytes + head.length);
  packed.set(bytes, roomBytes + head.length + prefix.length);
  return packed;
}

/** What stands before so many bytes. */
function prefixOf(length: number): Buffer {
  if (length < 0x100) return Buffer.from([0xc4, length]);
  if (length < 0x1_0000) return Buffer.from([0xc5, length >>> 8, length & 0xff]);
  const prefix = Buffer.from([0xc6, 0, 0, 0, 0]);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}
