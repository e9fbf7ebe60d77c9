/**
 * Chunks on their way into packs. What is there already is not stored again; the rest is sealed, a few at a time, packed,
 * stored, and read back. Memory: some chunks, and two packs.
 */
import { createHash } from 'node:crypto';
import { IoError } from '../error.ts';
import { Chunker, type ChunkSizes } from './format/chunker.ts';
import { sealChunk } from './format/chunk-box.ts';
import { writeListed } from './format/chunk-list.ts';
import { smallSizes } from './format/config.ts';
import type { IndexedPack } from './format/index-object.ts';
import type { StreamRef } from './format/manifest.ts';
import { chunkKinds, chunksIn, maxChunksInPack, nameOf, PackBuilder, packKey, type ChunkKind } from './format/pack.ts';
import type { ChunkTable } from './chunk-table.ts';
import { putIndexes, type Repository } from './repository.ts';
import { storeError } from './store/port.ts';

/** Sealed at once: Node has four threads for that. */
const sealedAtOnce = 4;
/** An index object after so many packs: what a crash leaves unindexed is found again, but one by one. */
const packsToIndex = 64;

interface Sealed {
  readonly kind: number;
  readonly id: Uint8Array;
  readonly plainBytes: number;
  readonly box: Uint8Array;
}

export class ChunkWriter {
  readonly #repository: Repository;
  readonly #table: ChunkTable;
  readonly #signal: AbortSignal;
  /** Ids of what is on its way, in hex. */
  readonly #onTheWay = new Set<string>();
  readonly #sealing: Promise<Sealed>[] = [];
  #pack: PackBuilder;
  #storing: Promise<void> = Promise.resolve();
  readonly #toIndex: IndexedPack[];
  readonly #stored = { chunks: 0, plainBytes: 0, storedBytes: 0 };

  /** @param unindexed packs that were found and that no index knows: they are indexed with the new ones */
  constructor(repository: Repository, table: ChunkTable, unindexed: readonly IndexedPack[], signal: AbortSignal) {
    this.#repository = repository;
    this.#table = table;
    this.#signal = signal;
    this.#toIndex = [...unindexed];
    this.#pack = new PackBuilder(repository.keys);
  }

  get added(): { readonly chunks: number; readonly plainBytes: number; readonly storedBytes: number } {
    return this.#stored;
  }

  /** @returns the id of the chunk, at once: whether it has to be stored is seen to. */
  async add(kind: ChunkKind, plain: Uint8Array): Promise<Uint8Array> {
    const { keys, options } = this.#repository;
    const id = keys.chunkId(plain);
    const name = id.toString('hex');
    if (this.#onTheWay.has(name) || this.#table.get(id)?.isAside === false) return id;
    this.#onTheWay.add(name);
    const sealing = sealChunk(keys, id, plain, options.compression).then((box) => ({
      kind: chunkKinds[kind],
      id,
      plainBytes: plain.length,
      box,
    }));
    // Looked at in its turn; until then nobody waits for it.
    sealing.catch(() => undefined);
    this.#sealing.push(sealing);
    if (this.#sealing.length >= sealedAtOnce) await this.#packNext();
    return id;
  }

  /** A chunk that is sealed already, from another pack. */
  async addSealed(sealed: Sealed): Promise<void> {
    this.#sealing.push(Promise.resolve(sealed));
    await this.#packNext();
  }

  /** Once resolved, everything that was added is stored and indexed. */
  async finish(): Promise<void> {
    while (this.#sealing.length > 0) await this.#packNext();
    await this.#storePack();
    await this.#storing;
    await this.#index();
  }

  /** Nothing is on its way any more, however it ended. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.#sealing, this.#storing]);
  }

  async #packNext(): Promise<void> {
    const sealed = await this.#sealing.shift();
    if (!sealed) return;
    this.#pack.add(sealed.kind, sealed.id, sealed.plainBytes, sealed.box);
    this.#stored.chunks += 1;
    this.#stored.plainBytes += sealed.plainBytes;
    if (this.#pack.sizeBytes >= this.#repository.options.packBytes || this.#pack.count >= maxChunksInPack)
      await this.#storePack();
  }

  /** One pack is stored while the next one is filled. */
  async #storePack(): Promise<void> {
    if (this.#pack.count === 0) return;
    const pack = this.#pack.finish();
    this.#pack = new PackBuilder(this.#repository.keys);
    await this.#storing;
    this.#storing = (async () => {
      await this.#put(packKey(pack.name), pack.name, pack.object);
      this.#stored.storedBytes += pack.object.length;
      const indexed = { name: pack.name, sizeBytes: pack.object.length, directory: pack.directory };
      this.#table.add(indexed, 0);
      for (const { id } of chunksIn(pack.directory)) this.#onTheWay.delete(Buffer.from(id).toString('hex'));
      this.#toIndex.push(indexed);
      if (this.#toIndex.length >= packsToIndex) await this.#index();
    })();
    this.#storing.catch(() => undefined);
  }

  /** The name is of this object alone, so what is under it and is not the same may be put anew. */
  async #put(key: string, name: string, object: Uint8Array): Promise<void> {
    const { store, random, readBackShare } = this.#repository.options;
    for (const isLast of [false, true]) {
      await store.put(key, object, this.#signal);
      if (random.next() >= readBackShare) return;
      const back = await this.#readBack(key);
      if (back && nameOf(back) === name) return;
      if (!isLast) await store.delete(key, this.#signal);
    }
    const message = `${store.where} said twice that it stored ${key}, and does not give back what was stored`;
    throw storeError('DAMAGED', 'put', key, message, 'This store loses data: take another one, and look at its disks.');
  }

  async #readBack(key: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#repository.options.store.get(key, this.#signal);
    } catch (error) {
      if (error instanceof IoError && error.code === 'MISSING') return undefined;
      throw error;
    }
  }

  async #index(): Promise<void> {
    const packs = this.#toIndex.splice(0);
    await putIndexes(this.#repository, packs, this.#signal);
  }
}

/** One stream into chunks, and the list of them. */
export class StreamWriter {
  readonly #writer: ChunkWriter;
  readonly #kind: ChunkKind;
  readonly #chunker: Chunker;
  readonly #lister: Chunker;
  readonly #hash = createHash('sha256');
  readonly #list: string[] = [];
  #sizeBytes = 0;
  #chunks = 0;

  constructor(repository: Repository, writer: ChunkWriter, kind: ChunkKind) {
    const { gear } = repository.keys;
    this.#writer = writer;
    this.#kind = kind;
    this.#chunker = new Chunker(gear, kind === 'data' ? repository.sizes : smallerOf(repository.sizes));
    this.#lister = new Chunker(gear, smallerOf(repository.sizes));
  }

  async write(piece: Uint8Array): Promise<void> {
    this.#hash.update(piece);
    this.#sizeBytes += piece.length;
    for (const chunk of this.#chunker.push(piece)) await this.#add(chunk);
  }

  async end(): Promise<StreamRef> {
    for (const chunk of this.#chunker.end()) await this.#add(chunk);
    for (const part of this.#lister.end()) await this.#addList(part);
    const sha256 = this.#hash.digest('hex');
    return { sizeBytes: this.#sizeBytes, sha256, chunks: this.#chunks, list: this.#list };
  }

  async #add(chunk: Uint8Array): Promise<void> {
    const id = await this.#writer.add(this.#kind, chunk);
    this.#chunks += 1;
    for (const part of this.#lister.push(writeListed({ id, plainBytes: chunk.length }))) await this.#addList(part);
  }

  async #addList(part: Uint8Array): Promise<void> {
    this.#list.push(Buffer.from(await this.#writer.add('list', part)).toString('hex'));
  }
}

/** A repository of small chunks has small lists, too. */
const smallerOf = (sizes: ChunkSizes): ChunkSizes =>
  sizes.averageBytes < smallSizes.averageBytes ? sizes : smallSizes;
