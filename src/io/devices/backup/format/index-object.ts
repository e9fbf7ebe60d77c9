/**
 * Which chunk lies where: copies of the directories of some packs, in one object `index/<SHA-256 of the object>`.
 *
 *   object of: for each pack  name 32 │ size u32 │ count u32 │ its directory (`pack.ts`)
 *
 * Several index objects may name the same pack, and what is named may be gone: packs that are not there do not count.
 */
import type { RepositoryKeys } from './keys.ts';
import { entryBytes, isDirectory, maxChunksInPack, nameOf } from './pack.ts';
import { damagedObject, openObject, sealObject } from './seal.ts';

export interface IndexedPack {
  readonly name: string;
  readonly sizeBytes: number;
  /** Of the pack, as it stands at its end; `chunksIn` reads it. */
  readonly directory: Buffer;
}

const nameBytes = 32;
const packHeadBytes = nameBytes + 4 + 4;
/** An index object is finished before it gets larger; one pack may be larger by itself. */
export const indexTargetBytes = 4 * 1024 * 1024;
export const maxIndexBytes = 64 * 1024 * 1024;

export const indexedBytes = ({ directory }: IndexedPack): number => packHeadBytes + directory.length;

export function writeIndex(
  keys: RepositoryKeys,
  packs: readonly IndexedPack[],
): { readonly key: string; readonly object: Uint8Array } {
  const parts = packs.flatMap(({ name, sizeBytes, directory }) => {
    const head = Buffer.alloc(packHeadBytes);
    head.write(name, 'hex');
    head.writeUInt32LE(sizeBytes, nameBytes);
    head.writeUInt32LE(directory.length / entryBytes, nameBytes + 4);
    return [head, directory];
  });
  const object = sealObject(keys, 'FLABINDX', Buffer.concat(parts));
  return { key: `index/${nameOf(object)}`, object };
}

/** @throws IoError DAMAGED, UNSUPPORTED */
export function readIndex(keys: RepositoryKeys, key: string, object: Uint8Array): readonly IndexedPack[] {
  const plain = openObject(keys, 'FLABINDX', key, object);
  const packs: IndexedPack[] = [];
  for (let at = 0; at < plain.length;) {
    const count = at + packHeadBytes <= plain.length ? plain.readUInt32LE(at + nameBytes + 4) : -1;
    const end = at + packHeadBytes + count * entryBytes;
    if (count < 0 || count > maxChunksInPack || end > plain.length) throw damagedObject(key, 'it ends too early');
    const sizeBytes = plain.readUInt32LE(at + nameBytes);
    const directory = plain.subarray(at + packHeadBytes, end);
    if (!isDirectory(directory, sizeBytes)) throw damagedObject(key, 'it has chunks that no pack can hold');
    packs.push({ name: plain.toString('hex', at, at + nameBytes), sizeBytes, directory });
    at = end;
  }
  return packs;
}
