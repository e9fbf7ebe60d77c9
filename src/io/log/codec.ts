/**
 * Entries as bytes: what stands in the log for ever.
 *
 *   key     index of the entry's first event, 8 bytes, big-endian (bytewise order is the order of events)
 *   record  crc32 u32 │ format u8 │ count u16 │ version u32 × count │ packed entry
 *
 * Numbers of the record are little-endian. The CRC covers the key and all behind the CRC, so that neither a changed
 * byte nor a record at the wrong place passes. `version` is what each event is in its stream; with the index in the
 * key it is everything that the order of the log adds to an entry. The packed entry is an array by position, in
 * msgpack; an entry is packed once, and its bytes are never made anew. Whatever changes here gets a new format
 * number, and this program goes on reading the old ones.
 *
 * Entries are JSON: what JSON lacks (undefined, -0, dates, maps) does not come back as it was.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import { asIndex, type Entry, type LabEvent, type StreamId } from '#events/envelope.ts';
import { isEventType, registry, upcast } from '#events/registry.ts';
import { LogError } from './port.ts';
import { Skim } from './skim.ts';

/** Of one packed entry, in bytes. Whole files belong in the blob store. */
export const maxEntryBytes = 1024 * 1024;
const maxDrafts = 0xffff;

const format = 1;
const headerBytes = 7;
const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: 'number' });

type PackedDraft = readonly [stream: StreamId, type: string, schema: number, data: unknown];
type PackedEntry = readonly [
  command: Entry['command'],
  by: Entry['by'],
  cause: Entry['cause'],
  correlation: Entry['correlation'],
  at: Entry['at'],
  expect: Entry['expect'],
  drafts: readonly PackedDraft[],
  because?: Entry['because'] | null,
  ends?: Entry['ends'],
];

/** @throws LogError REFUSED for an entry that is too large or has no events */
export function packEntry(entry: Entry): Uint8Array {
  const { command, by, cause, correlation, at, expect, because, ends = [] } = entry;
  const count = entry.drafts.length;
  if (count === 0) throw refused(`command ${command} has no events`, 'Append nothing when nothing happened.');
  if (count > maxDrafts) {
    throw refused(
      `command ${command} has ${count} events, the most is ${maxDrafts}`,
      'Split it into several commands.',
    );
  }
  const drafts = entry.drafts.map((draft): PackedDraft => [draft.stream, draft.type, draft.schema, draft.data]);
  const packed: PackedEntry = [command, by, cause, correlation, at, expect, drafts];
  const bytes = packr.pack(withOptional(packed, because, ends));
  if (bytes.length > maxEntryBytes) {
    throw refused(
      `command ${command} makes an entry of ${bytes.length} bytes, the most is ${maxEntryBytes}`,
      'Split it into several commands; whole files belong in the blob store.',
    );
  }
  return bytes;
}

/** What most entries do not have stands at the end, and only where it is needed. */
function withOptional(packed: PackedEntry, because: Entry['because'], ends: readonly StreamId[]): readonly unknown[] {
  if (ends.length > 0) return [...packed, because ?? null, ends];
  return because === undefined ? packed : [...packed, because];
}

/** Index of an event as a key. */
export function keyOf(index: number): Uint8Array {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(Math.floor(index / 0x1_0000_0000), 0);
  key.writeUInt32BE(index >>> 0, 4);
  return key;
}

/** @returns undefined for bytes that cannot be a key */
export function indexOf(key: Uint8Array): number | undefined {
  if (key.length !== 8) return undefined;
  const high = u32be(key, 0);
  return high > 0x1f_ffff ? undefined : high * 0x1_0000_0000 + u32be(key, 4);
}

/** @param versions of the drafts, in their order */
export function makeRecord(key: Uint8Array, versions: readonly number[], packed: Uint8Array): Uint8Array {
  const record = Buffer.allocUnsafe(recordBytes(versions.length, packed));
  writeRecord(record, key, versions, packed);
  return record;
}

/** How long the record of an entry is. @param count of its events */
export const recordBytes = (count: number, packed: Uint8Array): number => headerBytes + 4 * count + packed.length;

/** Makes a record where there is room for exactly that. */
export function writeRecord(record: Buffer, key: Uint8Array, versions: readonly number[], packed: Uint8Array): void {
  const start = headerBytes + 4 * versions.length;
  record[4] = format;
  record.writeUInt16LE(versions.length, 5);
  for (const [i, version] of versions.entries()) record.writeUInt32LE(version, headerBytes + 4 * i);
  record.set(packed, start);
  record.writeUInt32LE(checksum(key, record), 0);
}

/** Whether nothing of key and record has changed since they were made. */
export function isIntact(key: Uint8Array, record: Uint8Array): boolean {
  return record.length > headerBytes && checksum(key, record) === u32le(record, 0);
}

/** @throws LogError DAMAGED, TOO_NEW for a record that does not stand where it belongs, or is of a later format */
export function checkRecorded(first: number, record: Uint8Array): void {
  if (!isIntact(keyOf(first), record)) {
    throw new LogError(
      'DAMAGED',
      `event ${first} is damaged: its checksum does not match`,
      'Keep a copy of the data directory and look at the disk (dmesg, SMART); other members have the whole history.',
    );
  }
  if (isKnownFormat(record)) return;
  throw new LogError('TOO_NEW', `event ${first} is stored in a format that this version does not know`, upgradeHint);
}

/** The next functions want a record that is intact and whose format is known. */
export const isKnownFormat = (record: Uint8Array): boolean => record[4] === format;

/** Number of events. */
export const countOf = (record: Uint8Array): number => (record[5] as number) | ((record[6] as number) << 8);

/** Stream and version of each event, and the streams that end: what brings the heads of streams up to date. */
export function positionsOf(record: Uint8Array): {
  readonly positions: (readonly [stream: StreamId, version: number])[];
  readonly ends: readonly StreamId[];
} {
  const { streams, ends } = openEntry(packedIn(record));
  return { positions: streams.map((stream, i) => [stream, versionAt(record, i)]), ends };
}

/**
 * The events of a record, brought to their current schemas.
 * @throws LogError TOO_NEW when a later version of FloatLab wrote it
 */
export function eventsOf(first: number, record: Uint8Array): LabEvent[] {
  const [command, by, cause, correlation, at, , drafts, because] = unpackRecord(record);
  return drafts.map(([stream, type, schema, stored], i) => {
    const data = currentData(type, schema, stored, first + i);
    const event = {
      stream,
      type,
      data,
      id: `${command}/${i}`,
      schema: isEventType(type) ? registry[type].schema : schema,
      version: versionAt(record, i),
      index: asIndex(first + i),
      by,
      cause,
      correlation,
      command,
      at,
    };
    return (because === undefined || because === null ? event : { ...event, because }) as LabEvent;
  });
}

/** The versions of a record's events, and the entry as it was packed. */
export const partsOf = (record: Uint8Array): { readonly versions: readonly number[]; readonly packed: Uint8Array } => ({
  versions: Array.from({ length: countOf(record) }, (_, i) => versionAt(record, i)),
  packed: packedIn(record),
});

const packedIn = (record: Uint8Array): Uint8Array => record.subarray(headerBytes + 4 * countOf(record));

/** A packed entry of before entries said which streams they end. */
export function withEnds(packed: Uint8Array, ends: readonly StreamId[]): Uint8Array {
  const [command, by, cause, correlation, at, expect, drafts, because] = packr.unpack(packed) as PackedEntry;
  return packr.pack([command, by, cause, correlation, at, expect, drafts, because ?? null, ends]);
}

/** What a log has to know of an entry to put it in order. */
export interface OpenedEntry {
  readonly expect: Entry['expect'];
  /** Of each event. */
  readonly streams: readonly StreamId[];
  readonly ends: readonly StreamId[];
}

/** Of an entry as `packEntry` packed it: without a look at what its events say. */
export function openEntry(packed: Uint8Array): OpenedEntry {
  const skim = new Skim(packed);
  const items = skim.enter();
  skim.skip(5);
  const expect = nextList<Entry['expect'][number]>(skim, packed);
  const streams: StreamId[] = [];
  for (let left = skim.enter(); left > 0; left--) {
    const parts = skim.enter();
    streams.push(skim.text() as StreamId);
    skim.skip(parts - 1);
  }
  if (items < 9) return { expect, streams, ends: [] };
  skim.skip(1);
  return { expect, streams, ends: nextList<StreamId>(skim, packed) };
}

/** Most are empty. */
function nextList<T>(skim: Skim, packed: Uint8Array): readonly T[] {
  const start = skim.at;
  if (packed[start] === emptyList) {
    skim.skip(1);
    return [];
  }
  skim.skip(1);
  return packr.unpack(packed, { start, end: skim.at }) as readonly T[];
}

const emptyList = 0x90;

const unpackRecord = (record: Uint8Array): PackedEntry =>
  packr.unpack(record, { start: headerBytes + 4 * countOf(record), end: record.length }) as PackedEntry;

const versionAt = (record: Uint8Array, i: number): number => u32le(record, headerBytes + 4 * i);

function currentData(type: string, schema: number, data: unknown, index: number): unknown {
  try {
    return upcast(type, schema, data);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LogError('TOO_NEW', `event ${index} cannot be read: ${reason}`, upgradeHint, error);
  }
}

export const upgradeHint = 'Install the version of FloatLab that wrote this log, or a later one.';

const refused = (message: string, hint: string): LogError => new LogError('REFUSED', message, hint);

const checksum = (key: Uint8Array, record: Uint8Array): number => crc32(record.subarray(4), crc32(key));

const u32be = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)) >>>
  0;

const u32le = (bytes: Uint8Array, at: number): number =>
  (((bytes[at + 3] as number) << 24) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 1] as number) << 8) |
    (bytes[at] as number)) >>>
  0;
