/**
 * One chunk as it lies in a pack: compressed where that helps, encrypted, bound to its id.
 *
 *   box of: codec u8 │ bytes        codec 0: as they are, 1: gzip (RFC 1952)
 *
 * gzip, because both Node 20 and every Linux machine have it; each chunk is one whole gzip member.
 */
import { promisify } from 'node:util';
import { constants, gunzip, gzip } from 'node:zlib';
import type { RepositoryKeys } from './keys.ts';
import { openBox, sealBox } from './seal.ts';

export type Compression = 'gzip' | 'none';

/** What one chunk may have: a larger one in a directory or a list is a lie. */
export const maxChunkBytes = 64 * 1024 * 1024;

const codecs = { none: 0, gzip: 1 } as const;
/** What is compressed already shows so in a part of it; to try all of it would take most of the time. */
const sampleBytes = 32 * 1024;
const worthwhile = 0.95;
const level = 4;

const pack = promisify(gzip);
const unpack = promisify(gunzip);

export async function sealChunk(
  keys: RepositoryKeys,
  id: Uint8Array,
  plain: Uint8Array,
  compression: Compression,
): Promise<Buffer> {
  const packed = compression === 'gzip' ? await packedIfSmaller(plain) : undefined;
  const codec = packed ? codecs.gzip : codecs.none;
  return sealBox(keys, id, [Uint8Array.of(codec), packed ?? plain]);
}

/** @returns undefined when it is not what was sealed as this chunk: any bit of it is another one */
export async function openChunk(
  keys: RepositoryKeys,
  id: Uint8Array,
  box: Uint8Array,
  plainBytes: number,
): Promise<Uint8Array | undefined> {
  const content = openBox(keys, id, box);
  if (!content) return undefined;
  const bytes = await unpacked(content[0], content.subarray(1), plainBytes);
  return bytes?.length === plainBytes && keys.chunkId(bytes).equals(id) ? bytes : undefined;
}

async function packedIfSmaller(plain: Uint8Array): Promise<Buffer | undefined> {
  const middle = Math.max(0, (plain.length - sampleBytes) >> 1);
  const sample = plain.subarray(middle, middle + sampleBytes);
  if (plain.length > 4 * sampleBytes) {
    const packed = await pack(sample, { level: constants.Z_BEST_SPEED });
    if (packed.length > worthwhile * sample.length) return undefined;
  }
  const packed = await pack(plain, { level });
  return packed.length < worthwhile * plain.length ? packed : undefined;
}

async function unpacked(codec: number | undefined, bytes: Buffer, plainBytes: number): Promise<Buffer | undefined> {
  if (codec === codecs.none) return bytes;
  if (codec !== codecs.gzip) return undefined;
  try {
    return await unpack(bytes, { maxOutputLength: Math.max(1, plainBytes) });
  } catch {
    return undefined;
  }
}
