/**
 * What a node sends to those that follow it: entries of its history, and between them how it sees the group.
 *
 *   length u32 │ crc32 u32 │ format u8 │ msgpack            (little-endian)
 *
 *   entries    [1, index of the first, [term …], [size …], bytes]
 *   sight      [2, sight]
 *
 * Links keep bytes as they were sent; the CRC is for what happens before and behind them.
 */
import { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import * as z from 'zod';
import { LogError } from '../../port.ts';
import type { HistoryEntry } from '../history/segment.ts';
import { pack, unpack } from '../member/protocol.ts';
import { seal, unseal } from '../record.ts';
import { sightSchema, type Sight } from './sight.ts';

export type Frame = { readonly entries: readonly HistoryEntry[] } | { readonly sight: Sight };

const packr = new Packr({ useRecords: false, int64AsType: 'number' });
const format = 1;
const place = new TextEncoder().encode('what followers are sent');
const lengthBytes = 4;
/** An entry has up to 16 MiB in theory, and one of 1 MiB in a lab. */
export const maxFrameBytes = 17 * 1024 * 1024;

const number = z.int().min(0);
const entriesFrame = z.tuple([z.literal(1), number, z.array(number).min(1), z.array(number), z.instanceof(Uint8Array)]);
const sightFrame = z.tuple([z.literal(2), sightSchema]);

export function packEntries(entries: readonly HistoryEntry[]): Uint8Array {
  const { bytes, sizes } = pack(entries.map((entry) => entry.bytes));
  return framed([1, entries[0]?.index ?? 0, entries.map(({ term }) => term), [...sizes], bytes]);
}

export const packSight = (sight: Sight): Uint8Array => framed([2, sight]);

function framed(content: unknown): Uint8Array {
  const sealed = seal(place, format, packr.pack(content));
  const frame = Buffer.allocUnsafe(lengthBytes + sealed.length);
  frame.writeUInt32LE(sealed.length, 0);
  frame.set(sealed, lengthBytes);
  return frame;
}

/** @throws LogError DAMAGED for what cannot be; TOO_NEW */
export async function* framesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Frame, void, undefined> {
  let parts: Uint8Array[] = [];
  let have = 0;
  let want = lengthBytes;
  for await (const chunk of chunks) {
    parts.push(chunk);
    have += chunk.length;
    while (have >= want) {
      const bytes = joined(parts);
      const length = bytes.readUInt32LE(0);
      if (length > maxFrameBytes) throw garbled(`a frame of ${length} bytes`);
      if (have >= lengthBytes + length) {
        yield frameOf(bytes.subarray(lengthBytes, lengthBytes + length));
        have -= lengthBytes + length;
        parts = have > 0 ? [bytes.subarray(lengthBytes + length)] : [];
        want = lengthBytes;
      } else {
        parts = [bytes];
        want = lengthBytes + length;
      }
    }
  }
}

/** Many small frames come as one chunk: that is not copied for each. */
function joined(parts: readonly Uint8Array[]): Buffer {
  const [first] = parts;
  if (!first || parts.length > 1) return Buffer.concat(parts);
  return Buffer.from(first.buffer, first.byteOffset, first.byteLength);
}

function frameOf(sealed: Uint8Array): Frame {
  const body = unseal(place, format, sealed, 'what a node sends to those that follow it');
  if (!body) throw garbled('a checksum that does not match');
  const content = unpacked(body);
  const sight = sightFrame.safeParse(content);
  if (sight.success) return { sight: sight.data[1] };
  const { data } = entriesFrame.safeParse(content);
  if (!data) throw garbled('a frame that is none');
  const [, first, terms, sizes, bytes] = data;
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.length !== terms.length || total !== bytes.length) throw garbled('entries whose sizes do not add up');
  const bodies = unpack({ bytes, sizes: Uint32Array.from(sizes) });
  return { entries: bodies.map((entry, at) => ({ index: first + at, term: terms[at] ?? 0, bytes: entry })) };
}

function unpacked(body: Uint8Array): unknown {
  try {
    return packr.unpack(body);
  } catch {
    throw garbled('a frame that cannot be unpacked');
  }
}

export const garbled = (explain: string): LogError =>
  new LogError('DAMAGED', `what it sends cannot be: ${explain}`, 'Look at that node; another one is followed.');
