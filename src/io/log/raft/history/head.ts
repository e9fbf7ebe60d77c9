/**
 * The history as of one entry: what a snapshot carries, so that a member can go on from there at once. The sealed
 * segments it names are fetched afterwards, from anybody; the beginning of the next one comes along.
 *
 *   sealed, named here │ head of the next segment, and its entries up to `index`
 *                      └──────────────────────── tail ────────────────────────┘
 */
import { Packr } from 'msgpackr';
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import { LogError } from '../../port.ts';
import { packWithBytes } from '../pack-with-bytes.ts';
import { sealBytes, sealInPlace, unseal } from '../record.ts';
import { FrameReader } from '../snapshots/frame-reader.ts';
import {
  emptyManifest,
  packManifest,
  problemOf,
  startAfter,
  unpackManifest,
  type Manifest,
  type PackedManifest,
} from './manifest.ts';
import type { OpenSegment } from './open-segment.ts';
import { expecting, makeSegmentHead, sealedName } from './segment.ts';

export interface HistoryHead {
  readonly manifest: Manifest;
  /** The beginning of the segment that comes next, as it stands in its file. */
  readonly tail: Uint8Array;
}

/** Before the first entry of a new lab. */
export const firstHead: HistoryHead = {
  manifest: emptyManifest,
  tail: makeSegmentHead(startAfter(emptyManifest)).bytes,
};

const format = 1;
const place = new TextEncoder().encode('history as of an entry');
const packr = new Packr({ useRecords: false });

/** As one row of a snapshot: about the size of a segment, at most. */
export const packHead = ({ manifest, tail }: HistoryHead): Uint8Array =>
  sealInPlace(place, format, packWithBytes([packManifest(manifest)], tail, sealBytes));

/** @throws LogError DAMAGED, TOO_NEW */
export function unpackHead(row: Uint8Array): HistoryHead {
  const body = unseal(place, format, row, 'the history in a snapshot');
  if (!body) throw impossible('its bytes are damaged');
  const [manifest, tail] = packr.unpack(body) as readonly [PackedManifest, Uint8Array];
  return { manifest: unpackManifest(manifest), tail };
}

/** @returns the index of its last entry. @throws LogError DAMAGED, TOO_NEW */
export function checkHead({ manifest, tail }: HistoryHead): number {
  const problem = problemOf(manifest);
  if (problem !== undefined) throw impossible(problem);
  const reader = new FrameReader(expecting('its tail', startAfter(manifest)));
  reader.check(tail);
  if (reader.broken) throw impossible(`${reader.broken.explain}, at byte ${reader.broken.offset} of its tail`);
  if (reader.end || !reader.hasHead || reader.offset !== tail.length)
    throw impossible('its tail is cut in the wrong place');
  return reader.number - 1;
}

/** @throws StoreError MISSING or DAMAGED where the entry cannot be read */
export async function headAt(
  directory: Directory,
  { floor, segments }: Manifest,
  open: OpenSegment,
  index: number,
): Promise<HistoryHead> {
  const manifest = { floor, segments: segments.filter(({ last }) => last <= index) };
  const start = startAfter(manifest);
  if (index < start.first) return { manifest, tail: makeSegmentHead(start).bytes };
  const file = start.first === open.start.first ? open.name : sealedName(start.first);
  const bytes = await directory.read(file);
  const tail = bytes && upTo(index, bytes, new FrameReader(expecting(file, start)));
  if (tail) return { manifest, tail };
  throw new StoreError(
    bytes ? 'DAMAGED' : 'MISSING',
    `entry ${index} of the history cannot be read: ${file} is ${bytes ? 'damaged' : 'not here'}`,
    'Verify the history, then fetch what is broken from other members.',
  );
}

/** The beginning of a segment that ends with this entry, as a part of the bytes; undefined if it is not there. */
function upTo(index: number, bytes: Uint8Array, reader: FrameReader): Uint8Array | undefined {
  const frames = reader.take(bytes);
  const next = frames.find(({ number }) => number === index + 1);
  if (next) return bytes.subarray(0, next.offset);
  if (frames.at(-1)?.number !== index) return undefined;
  return bytes.subarray(0, reader.end ? reader.end.frame.offset : reader.offset);
}

const impossible = (explain: string): LogError =>
  new LogError(
    'DAMAGED',
    `this cannot be the history as of an entry: ${explain}`,
    'Take a snapshot from another member.',
  );
