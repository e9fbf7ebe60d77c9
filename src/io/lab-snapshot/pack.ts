/** Writes the parts of a lab's snapshot as a tar, piece by piece, as they are read. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';
import { manifestRecord, startAfter, type Manifest } from '../log/raft/history/manifest.ts';
import {
  aboutPart,
  blobPart,
  checksumLine,
  checksumsPart,
  manifestPart,
  openPart,
  recoveryPart,
  segmentPart,
  type About,
} from './format.ts';

/** What goes into it; none of it changes any more. */
export interface Content {
  readonly about: About;
  readonly manifest: Manifest;
  /** The file of a sealed segment, by its first entry. */
  segment(first: number): AsyncIterable<Uint8Array>;
  /** The beginning of the next one. */
  readonly tail: Uint8Array;
  readonly sealedKeys: Uint8Array;
  /** Sorted by address. */
  readonly blobs: readonly { readonly ref: string; readonly sizeBytes: number }[];
  /** Encrypted, as it lies on the disk. */
  blob(ref: string): Promise<Uint8Array>;
}

export interface Packed {
  readonly sizeBytes: number;
  /** Read once. Ends early with the error of whatever could not be read. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

interface Part {
  readonly name: string;
  readonly sizeBytes: number;
  pieces(): AsyncIterable<Uint8Array>;
}

export function packLab(content: Content): Packed {
  const parts = partsOf(content);
  const sumsBytes = parts.reduce((sum, { name }) => sum + checksumLine(name, '0'.repeat(64)).length, 0);
  const sizes = [...parts.map(({ sizeBytes }) => sizeBytes), sumsBytes];
  const sizeBytes = sizes.reduce((sum, size) => sum + blockBytes + padded(size), 0) + 2 * blockBytes;
  return { sizeBytes, bytes: tarOf(parts, new Date(content.about.savedAt)) };
}

/** All but the last one, which tells what the others were. */
function partsOf(content: Content): readonly Part[] {
  const { about, manifest, tail, sealedKeys, blobs } = content;
  return [
    whole(aboutPart, Buffer.from(`${JSON.stringify(about, null, 2)}\n`)),
    whole(manifestPart, manifestRecord(manifest)),
    ...manifest.segments.map(({ first, sizeBytes }): Part => ({
      name: segmentPart(first),
      sizeBytes,
      pieces: () => content.segment(first),
    })),
    whole(openPart(startAfter(manifest).first), tail),
    whole(recoveryPart, sealedKeys),
    ...blobs.map(({ ref, sizeBytes }): Part => ({
      name: blobPart(ref),
      sizeBytes,
      pieces: () => once(() => content.blob(ref)),
    })),
  ];
}

const whole = (name: string, bytes: Uint8Array): Part => ({
  name,
  sizeBytes: bytes.length,
  pieces: () => once(async () => bytes),
});

async function* once(bytes: () => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await bytes();
}

/** Of a tar. */
const blockBytes = 512;
const padded = (bytes: number): number => Math.ceil(bytes / blockBytes) * blockBytes;

async function* tarOf(parts: readonly Part[], mtime: Date): AsyncGenerator<Uint8Array> {
  const tar = pack();
  const feeding = feed(tar, parts, mtime).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const piece of tar as AsyncIterable<Uint8Array>) yield piece;
  } finally {
    tar.destroy();
    await feeding;
  }
}

async function feed(tar: Pack, parts: readonly Part[], mtime: Date): Promise<void> {
  const put = ({ name, sizeBytes }: Omit<Part, 'pieces'>, pieces: AsyncIterable<Uint8Array>): Promise<void> =>
    pipeline(
      Readable.from(pieces, { objectMode: false }),
      tar.entry({ name, size: sizeBytes, mode: 0o600, mtime, type: 'file' }),
    );
  let sums = '';
  for (const part of parts) {
    const hash = createHash('sha256');
    await put(part, hashed(part.pieces(), hash));
    sums += checksumLine(part.name, hash.digest('hex'));
  }
  const last = whole(checksumsPart, Buffer.from(sums));
  await put(last, last.pieces());
  tar.finalize();
}

async function* hashed(
  pieces: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}
