/**
 * What the history consists of: from where on it is kept, and its sealed segments. Kept in a file of its own, which is
 * replaced whenever a segment is sealed or dropped; so a segment that is gone is missed, also the last one.
 *
 *   floor │ segment │ segment │ … │ the open segment
 *         └─────── sealed ────────┘
 *
 * Invariants: each segment begins behind the one before, the first behind the floor; hashes chain them.
 */
import { Packr } from 'msgpackr';
import { readIfIntact, type Directory } from '../../../stores/directory.ts';
import { seal, unseal } from '../record.ts';
import { noHash, type SegmentInfo, type SegmentStart } from './segment.ts';

/** History up to here was dropped, because the lab decided so. */
export interface Floor {
  /** The last entry that was dropped; 0 if none was. */
  readonly index: number;
  /** Hash of the segment that ended there: what the oldest one that is kept goes on from. Hexadecimal. */
  readonly hash: string;
  /** Over index and hash, by whoever signed it off. Kept and passed on, not checked here. */
  readonly signature: Uint8Array;
}

export interface Manifest {
  readonly floor: Floor;
  /** Oldest first. */
  readonly segments: readonly SegmentInfo[];
}

export const manifestName = 'manifest';

export const emptyManifest: Manifest = {
  floor: { index: 0, hash: noHash, signature: new Uint8Array(0) },
  segments: [],
};

/** Where the segment after these begins. */
export function startAfter({ floor, segments }: Manifest, count = segments.length): SegmentStart {
  const before = count > 0 ? segments[count - 1] : undefined;
  return before
    ? { first: before.last + 1, previous: before.sha256 }
    : { first: floor.index + 1, previous: floor.hash };
}

/** Each with where it belongs, oldest first. */
export const placed = (manifest: Manifest): readonly (readonly [SegmentInfo, SegmentStart])[] =>
  manifest.segments.map((segment, at) => [segment, startAfter(manifest, at)]);

/** The sealed segment with the entry behind this one. */
export function placeAfter(manifest: Manifest, index: number): readonly [SegmentInfo, SegmentStart] | undefined {
  const at = manifest.segments.findIndex(({ last }) => last > index);
  const segment = manifest.segments[at];
  return segment && [segment, startAfter(manifest, at)];
}

/** Without what lies wholly below this index. The same manifest when that is nothing. */
export function droppedBelow(manifest: Manifest, index: number, signature: Uint8Array): Manifest {
  const { segments } = manifest;
  const count = segments.filter(({ last }) => last < index).length;
  const dropped = segments[count - 1];
  if (!dropped) return manifest;
  const floor = { index: dropped.last, hash: dropped.sha256, signature: Uint8Array.from(signature) };
  return { floor, segments: segments.slice(count) };
}

/** What cannot be in this manifest, as half a sentence. It may come from another member. */
export function problemOf(manifest: Manifest): string | undefined {
  const { floor } = manifest;
  if (!isIndex(floor.index + 1) || !isHash(floor.hash)) return `there is no floor at ${floor.index}`;
  for (const [segment, { first }] of placed(manifest)) {
    const { last, sha256, sizeBytes } = segment;
    if (segment.first !== first) return `a segment begins at ${segment.first} instead of ${first}`;
    if (!isIndex(last) || last < first || !isHash(sha256) || !isIndex(sizeBytes))
      return `the segment from entry ${first} on cannot be`;
  }
  return undefined;
}

export type PackedManifest = readonly [
  floor: readonly [index: number, hash: string, signature: Uint8Array],
  segments: readonly (readonly [first: number, last: number, sha256: string, sizeBytes: number])[],
];

export const packManifest = ({ floor, segments }: Manifest): PackedManifest => [
  [floor.index, floor.hash, floor.signature],
  segments.map(({ first, last, sha256, sizeBytes }) => [first, last, sha256, sizeBytes]),
];

export const unpackManifest = ([[index, hash, signature], segments]: PackedManifest): Manifest => ({
  floor: { index, hash, signature: Uint8Array.from(signature) },
  segments: segments.map(([first, last, sha256, sizeBytes]) => ({ first, last, sha256, sizeBytes })),
});

/** What is in its file. */
export const manifestRecord = (manifest: Manifest): Uint8Array =>
  seal(place, format, packr.pack(packManifest(manifest)));

/** Durable once resolved. */
export const writeManifest = (directory: Directory, manifest: Manifest): Promise<void> =>
  directory.replace(manifestName, manifestRecord(manifest));

/** @throws LogError TOO_NEW */
export async function readManifest(directory: Directory): Promise<Manifest | 'missing' | 'damaged'> {
  const record = await readIfIntact(directory, manifestName);
  if (!record) return 'missing';
  return record === 'damaged' ? 'damaged' : (parseManifest(record) ?? 'damaged');
}

/** @returns undefined for a record that is not as it was made. @throws LogError TOO_NEW */
export function parseManifest(record: Uint8Array): Manifest | undefined {
  const body = unseal(place, format, record, 'the manifest of the history');
  return body && unpackManifest(packr.unpack(body) as PackedManifest);
}

const format = 1;
const place = new TextEncoder().encode('manifest of the history');
const packr = new Packr({ useRecords: false });

const isIndex = (value: number): boolean => Number.isSafeInteger(value) && value > 0;
const isHash = (value: string): boolean => /^[0-9a-f]{64}$/.test(value);
