/**
 * Of which chunks a stream is made, in order: `id 32 │ bytes u32` for each. This list is a stream itself, cut into
 * chunks like any other, so that two backups that are nearly the same share most of their lists; the ids of those chunks
 * stand in the manifest.
 */
import { maxChunkBytes } from './chunk-box.ts';
import { chunkIdBytes } from './keys.ts';
import { damagedObject } from './seal.ts';

export interface ListedChunk {
  readonly id: Uint8Array;
  readonly plainBytes: number;
}

const listedBytes = chunkIdBytes + 4;

export function writeListed({ id, plainBytes }: ListedChunk): Uint8Array {
  const entry = Buffer.allocUnsafe(listedBytes);
  entry.set(id, 0);
  entry.writeUInt32LE(plainBytes, chunkIdBytes);
  return entry;
}

/** Cuts fall where they like, so entries go across pieces. @throws IoError DAMAGED */
export async function* readListed(
  pieces: AsyncIterable<Uint8Array>,
  target: string,
): AsyncGenerator<ListedChunk, void, undefined> {
  let rest = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = rest.length === 0 ? Buffer.from(piece) : Buffer.concat([rest, piece]);
    const whole = bytes.length - (bytes.length % listedBytes);
    for (let at = 0; at < whole; at += listedBytes) {
      const plainBytes = bytes.readUInt32LE(at + chunkIdBytes);
      if (plainBytes === 0 || plainBytes > maxChunkBytes) throw damagedObject(target, 'its list of chunks is wrong');
      yield { id: bytes.subarray(at, at + chunkIdBytes), plainBytes };
    }
    rest = bytes.subarray(whole);
  }
  if (rest.length > 0) throw damagedObject(target, 'its list of chunks ends too early');
}
