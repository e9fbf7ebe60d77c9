/**
 * An entry as bytes: the same on the disk, on the wire and in a hash.
 *
 *   packed  crc32 u32 │ format u8 │ type u8 │ index u48 │ term u48 │ length of the body u32 │ body   (little-endian)
 *   body    data; for a change: length u32 │ the change in msgpack │ data
 *   record  what stands in the database, sealed for its key (`record.ts`): term of the entry before u48 │ packed
 *
 * Why the term of the entry before: two logs with an entry of the same index and term are the same up to there (log
 * matching, §5.3). So a log whose every entry names the term of the one before is one whole log, and not pieces of
 * several that damage has put together; and its last index and term stand for a hash over all of it.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import type { Change, ChangeStep } from '#events/raft/configuration.ts';
import { asPeer, noBytes, type Entry } from '#events/raft/entry.ts';
import { LogError } from '../port.ts';
import { sealBytes, sealInPlace, tooNew, unseal } from './record.ts';

const format = 1;
const types = ['empty', 'data', 'change'] as const;
const headBytes = 22;
const linkBytes = 6;

const packr = new Packr({ useRecords: false });
type PackedChange = readonly [transition: Change['transition'], steps: (readonly [ChangeStep['do'], string])[]];

/**
 * Large entries that came packed, and were checked then. To remember a small one costs more than to pack it again; and to
 * remember what was packed here would keep each entry in memory twice.
 */
const packed = new WeakMap<Entry, Uint8Array>();
const rememberedBytes = 1024;

const isRemembered = (entry: Entry): boolean => entry.type === 'change' || entry.data.length >= rememberedBytes;
const knownOf = (entry: Entry): Uint8Array | undefined => (isRemembered(entry) ? packed.get(entry) : undefined);

export function packEntry(entry: Entry): Uint8Array {
  const known = knownOf(entry);
  if (known) return known;
  const change = changeOf(entry);
  return write(entry, Buffer.allocUnsafe(headBytes + change.length + entry.data.length), 0, change);
}

const changeOf = (entry: Entry): Uint8Array => (entry.type === 'change' ? packChange(entry.change) : noBytes);

/** @param at where the entry begins; it fills the rest of the bytes */
function write(entry: Entry, bytes: Buffer, at: number, change: Uint8Array): Buffer {
  bytes[at + 4] = format;
  bytes[at + 5] = types.indexOf(entry.type);
  bytes.writeUIntLE(entry.index, at + 6, 6);
  bytes.writeUIntLE(entry.term, at + 12, 6);
  bytes.writeUInt32LE(bytes.length - at - headBytes, at + 18);
  bytes.set(change, at + headBytes);
  bytes.set(entry.data, at + headBytes + change.length);
  bytes.writeUInt32LE(crc32(bytes.subarray(at + 4)), at);
  return bytes;
}

/**
 * Keeps the bytes, which must not be changed any more: the data of the entry is a part of them.
 * @throws LogError DAMAGED, TOO_NEW
 */
export function unpackEntry(bytes: Uint8Array): Entry {
  return unpackPart(bufferOf(bytes), 0, bytes.length);
}

/** An entry in the midst of others. */
function unpackPart(buffer: Buffer, begin: number, end: number): Entry {
  if (end - begin < headBytes || crc32(buffer.subarray(begin + 4, end)) !== buffer.readUInt32LE(begin)) {
    throw new LogError(
      'DAMAGED',
      'an entry arrived damaged',
      'Send it again; look at memory and network if that lasts.',
    );
  }
  return decode(buffer, begin, end);
}

/** How long entries are when they are packed. */
export const sizeOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, entry) => sum + packedBytes(entry), 0);

const packedBytes = (entry: Entry): number =>
  knownOf(entry)?.length ?? headBytes + changeOf(entry).length + entry.data.length;

/** Packed entries, one after another, where there is room for exactly these. */
export function writeEntries(entries: readonly Entry[], into: Buffer): void {
  let begin = 0;
  for (const entry of entries) {
    const end = begin + packedBytes(entry);
    writeEntry(entry, into.subarray(begin, end), 0);
    begin = end;
  }
}

/** @param at where the entry begins; it fills the rest of the bytes */
function writeEntry(entry: Entry, into: Buffer, at: number): void {
  const known = knownOf(entry);
  if (known) into.set(known, at);
  else write(entry, into, at, changeOf(entry));
}

/**
 * Keeps the bytes, which must not be changed any more: the data of the entries are parts of them.
 * @throws LogError DAMAGED, TOO_NEW
 */
export function unpackEntries(bytes: Uint8Array): Entry[] {
  const buffer = bufferOf(bytes);
  const entries: Entry[] = [];
  for (let begin = 0; begin < buffer.length;) {
    const end =
      begin + headBytes + (begin + headBytes <= buffer.length ? buffer.readUInt32LE(begin + headBytes - 4) : 0);
    entries.push(unpackPart(buffer, begin, Math.min(end, buffer.length)));
    begin = end;
  }
  return entries;
}

function decode(buffer: Buffer, begin: number, end: number): Entry {
  const type = types[buffer[begin + 5] as number];
  const index = buffer.readUIntLE(begin + 6, 6);
  if (buffer[begin + 4] !== format || type === undefined) throw tooNew(`entry ${index}`);
  const at = { index, term: buffer.readUIntLE(begin + 12, 6) };
  const body = buffer.subarray(begin + headBytes, end);
  const entry: Entry = type === 'change' ? { type, ...at, ...unpackChange(body) } : { type, ...at, data: body };
  if (isRemembered(entry)) packed.set(entry, buffer.subarray(begin, end));
  return entry;
}

/** @param termBefore of the entry before */
export function entryRecord(key: Uint8Array, termBefore: number, entry: Entry): Uint8Array {
  const at = sealBytes + linkBytes;
  const record = Buffer.allocUnsafe(at + packedBytes(entry));
  record.writeUIntLE(termBefore, sealBytes, linkBytes);
  writeEntry(entry, record, at);
  return sealInPlace(key, format, record);
}

export interface StoredEntry {
  readonly entry: Entry;
  readonly termBefore: number;
}

/**
 * @returns `cut-off` for one that is shorter than it says, as a torn write leaves it; `damaged` for any other that is
 * not as it was made
 * @throws LogError TOO_NEW
 */
export function readEntryRecord(key: Uint8Array, record: Uint8Array): StoredEntry | 'cut-off' | 'damaged' {
  const body = unseal(key, format, record, 'an entry of the consensus log');
  if (!body) return isCutOff(record) ? 'cut-off' : 'damaged';
  return { termBefore: bufferOf(body).readUIntLE(0, linkBytes), entry: decode(bufferOf(body), linkBytes, body.length) };
}

function isCutOff(record: Uint8Array): boolean {
  const head = sealBytes + linkBytes + headBytes;
  return record.length < head || record.length < head + bufferOf(record).readUInt32LE(head - 4);
}

function packChange({ transition, steps }: Change): Uint8Array {
  const change: PackedChange = [transition, steps.map((step) => [step.do, step.peer])];
  const bytes = packr.pack(change);
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(bytes.length, 0);
  return Buffer.concat([length, bytes]);
}

function unpackChange(body: Uint8Array): { readonly change: Change; readonly data: Uint8Array } {
  const end = 4 + bufferOf(body).readUInt32LE(0);
  const [transition, steps] = packr.unpack(body.subarray(4, end)) as PackedChange;
  return {
    change: { transition, steps: steps.map(([does, peer]) => ({ do: does, peer: asPeer(peer) })) },
    data: body.subarray(end),
  };
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
