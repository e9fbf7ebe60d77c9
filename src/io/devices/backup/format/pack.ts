/**
 * A pack: many chunks in one object, so that a store has few objects to keep. Its name is the SHA-256 of the object, so
 * that whoever has no key can find a damaged one, too (`sha256sum`); of what is in it the name says nothing, because
 * what is hashed is encrypted with a nonce of chance.
 *
 *   object      head 33 │ box of a chunk … │ box of the directory │ length of that box u32
 *   directory   for each chunk, in order: kind u8 │ id 32 │ bytes u32 │ length of its box u32
 *
 * The index objects hold a copy of each directory: that in the pack is for what was packed and not indexed any more
 * before a crash, and for whoever has nothing but packs.
 */
import { createHash } from 'node:crypto';
import { maxChunkBytes } from './chunk-box.ts';
import { chunkIdBytes, type RepositoryKeys } from './keys.ts';
import { boxOverhead, checkHead, damagedObject, headBytes, headOf, openBox, sealBox } from './seal.ts';

/** What a chunk is for; restoring needs none of it. */
export const chunkKinds = { data: 1, list: 2, catalog: 3, file: 4 } as const;
export type ChunkKind = keyof typeof chunkKinds;

export interface PackedChunk {
  readonly kind: number;
  readonly id: Uint8Array;
  readonly plainBytes: number;
  readonly offset: number;
  readonly boxBytes: number;
}

export const entryBytes = 1 + chunkIdBytes + 4 + 4;
/** More chunks are not put into one pack. */
export const maxChunksInPack = 65_536;
const lengthBytes = 4;
const maxDirectoryBytes = maxChunksInPack * entryBytes + boxOverhead;

export class PackBuilder {
  readonly #keys: RepositoryKeys;
  readonly #parts: Uint8Array[];
  readonly #entries: Buffer[] = [];
  #length = headBytes;

  constructor(keys: RepositoryKeys) {
    this.#keys = keys;
    this.#parts = [headOf(keys, 'FLABPACK')];
  }

  /** Of what is in it by now. */
  get sizeBytes(): number {
    return this.#length;
  }
  get count(): number {
    return this.#entries.length;
  }

  add(kind: number, id: Uint8Array, plainBytes: number, box: Uint8Array): void {
    this.#entries.push(writeEntry({ kind, id, plainBytes, boxBytes: box.length }));
    this.#parts.push(box);
    this.#length += box.length;
  }

  finish(): { readonly name: string; readonly object: Uint8Array; readonly directory: Buffer } {
    const directory = Buffer.concat(this.#entries);
    const box = sealBox(this.#keys, directoryIs(this.#keys), [directory]);
    const length = Buffer.alloc(lengthBytes);
    length.writeUInt32LE(box.length);
    const object = Buffer.concat([...this.#parts, box, length]);
    return { name: nameOf(object), object, directory };
  }
}

export const nameOf = (object: Uint8Array): string => createHash('sha256').update(object).digest('hex');
export const packKey = (name: string): string => `packs/${name.slice(0, 2)}/${name}`;
/** @returns the name of the pack; undefined for what is none */
export const packOfKey = (key: string): string | undefined => {
  const name = /^packs\/[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(key)?.[1];
  return name !== undefined && packKey(name) === key ? name : undefined;
};

function writeEntry({ kind, id, plainBytes, boxBytes }: Omit<PackedChunk, 'offset'>): Buffer {
  const entry = Buffer.allocUnsafe(entryBytes);
  entry[0] = kind;
  entry.set(id, 1);
  entry.writeUInt32LE(plainBytes, 1 + chunkIdBytes);
  entry.writeUInt32LE(boxBytes, 1 + chunkIdBytes + 4);
  return entry;
}

/** Whether a pack of that size can have this directory: what comes from outside is looked at once, before it is used. */
export function isDirectory(directory: Buffer, packBytes: number): boolean {
  if (directory.length % entryBytes !== 0 || directory.length / entryBytes > maxChunksInPack) return false;
  let offset = headBytes;
  for (let at = 0; at < directory.length; at += entryBytes) {
    const plainBytes = directory.readUInt32LE(at + 1 + chunkIdBytes);
    const boxBytes = directory.readUInt32LE(at + 1 + chunkIdBytes + 4);
    offset += boxBytes;
    if (plainBytes > maxChunkBytes || boxBytes <= boxOverhead || offset > packBytes) return false;
  }
  return true;
}

/** One after another: a directory takes a tenth of the memory that its entries would. */
export function* chunksIn(directory: Buffer): Generator<PackedChunk> {
  let offset = headBytes;
  for (let at = 0; at < directory.length; at += entryBytes) {
    const plainBytes = directory.readUInt32LE(at + 1 + chunkIdBytes);
    const boxBytes = directory.readUInt32LE(at + 1 + chunkIdBytes + 4);
    const id = directory.subarray(at + 1, at + 1 + chunkIdBytes);
    yield { kind: directory[at] ?? 0, id, plainBytes, offset, boxBytes };
    offset += boxBytes;
  }
}

/**
 * The directory at the end of a pack, in two small reads.
 * @param read bytes of the object. @throws IoError DAMAGED, UNSUPPORTED, and what `read` rejects with
 */
export async function readDirectory(
  keys: RepositoryKeys,
  name: string,
  packBytes: number,
  read: (from: number, to: number) => Promise<Uint8Array>,
): Promise<Buffer> {
  const key = packKey(name);
  if (packBytes < headBytes + boxOverhead + lengthBytes) throw damagedObject(key, 'it is cut short');
  checkHead(keys, 'FLABPACK', key, await read(0, headBytes));
  const end = packBytes - lengthBytes;
  const length = Buffer.from(await read(end, packBytes)).readUInt32LE();
  if (length > maxDirectoryBytes || length > end - headBytes) throw damagedObject(key, 'its end is not that of a pack');
  const directory = openBox(keys, directoryIs(keys), await read(end - length, end));
  if (!directory || !isDirectory(directory, end - length)) throw damagedObject(key, 'its directory was changed');
  return directory;
}

const directoryIs = (keys: RepositoryKeys): Uint8Array =>
  Buffer.concat([headOf(keys, 'FLABPACK'), Buffer.from('directory')]);
