/**
 * Where each chunk lies, for all chunks of a repository: open addressing over flat arrays, some 70 bytes for a chunk, so
 * that the million chunks of a terabyte fit into the memory of a small board.
 *
 * A chunk may lie in several packs; one place is remembered. Packs that are set aside (marked for deletion, damaged) come
 * second: their places count only for reading, and only for want of a better one.
 */
import { chunkIdBytes } from './format/keys.ts';
import type { IndexedPack } from './format/index-object.ts';
import { chunksIn } from './format/pack.ts';

export interface Place {
  readonly pack: string;
  readonly offset: number;
  readonly boxBytes: number;
  readonly plainBytes: number;
  /** Of a pack that may go: nothing new may rely on it. */
  readonly isAside: boolean;
}

interface Pack {
  readonly name: string;
  readonly sizeBytes: number;
  /** 0: relied on; above: set aside, the more so the higher. */
  readonly rank: number;
}

/** Numbers of one entry: pack, offset, bytes of the box, bytes of the chunk. */
const width = 4;

export class ChunkTable {
  #ids = new Uint8Array(1024 * chunkIdBytes);
  /** Pack 0 is none: the entry is free. */
  #numbers = new Uint32Array(1024 * width);
  #used = new Uint8Array(1024);
  #capacity = 1024;
  #count = 0;
  readonly #packs: Pack[] = [{ name: '', sizeBytes: 0, rank: 0 }];
  readonly #packNumbers = new Map<string, number>();

  get count(): number {
    return this.#count;
  }

  hasPack(name: string): boolean {
    return this.#packNumbers.has(name);
  }

  packs(): readonly Pack[] {
    return this.#packs.slice(1);
  }

  /** Once for each pack. */
  add({ name, sizeBytes, directory }: IndexedPack, rank: number): void {
    if (this.#packNumbers.has(name)) return;
    const number = this.#packs.push({ name, sizeBytes, rank }) - 1;
    this.#packNumbers.set(name, number);
    for (const { id, offset, boxBytes, plainBytes } of chunksIn(directory)) {
      if (2 * (this.#count + 1) > this.#capacity) this.#grow();
      const slot = this.#slotOf(id);
      const present = this.#numbers[slot * width] ?? 0;
      if (present === 0) {
        this.#ids.set(id, slot * chunkIdBytes);
        this.#count += 1;
      } else if ((this.#packs[present]?.rank ?? 0) <= rank) continue;
      this.#numbers.set([number, offset, boxBytes, plainBytes], slot * width);
    }
  }

  get(id: Uint8Array): Place | undefined {
    const at = this.#slotOf(id) * width;
    const pack = this.#packs[this.#numbers[at] ?? 0];
    if (!pack || pack.name === '') return undefined;
    const [offset = 0, boxBytes = 0, plainBytes = 0] = this.#numbers.subarray(at + 1, at + width);
    return { pack: pack.name, offset, boxBytes, plainBytes, isAside: pack.rank > 0 };
  }

  /** Notes that a backup needs it. @returns false when it had been noted before, or is not there */
  use(id: Uint8Array): boolean {
    const slot = this.#slotOf(id);
    if ((this.#numbers[slot * width] ?? 0) === 0 || this.#used[slot] === 1) return false;
    this.#used[slot] = 1;
    return true;
  }

  isUsed(id: Uint8Array): boolean {
    return this.#used[this.#slotOf(id)] === 1;
  }

  /** Chunks whose place is in this pack, in the order of their ids' places. */
  idsIn(name: string, isWanted: (id: Uint8Array) => boolean = () => true): readonly Uint8Array[] {
    const number = this.#packNumbers.get(name);
    const ids: Uint8Array[] = [];
    if (number === undefined) return ids;
    for (let slot = 0; slot < this.#capacity; slot++) {
      if (this.#numbers[slot * width] !== number) continue;
      const id = this.#ids.slice(slot * chunkIdBytes, (slot + 1) * chunkIdBytes);
      if (isWanted(id)) ids.push(id);
    }
    return ids;
  }

  /** Bytes of boxes that backups need, for each pack by name; nothing for one that none needs. */
  usedBytes(): ReadonlyMap<string, number> {
    const sums = new Float64Array(this.#packs.length);
    for (let slot = 0; slot < this.#capacity; slot++) {
      if (this.#used[slot] !== 1) continue;
      const number = this.#numbers[slot * width] ?? 0;
      sums[number] = (sums[number] ?? 0) + (this.#numbers[slot * width + 2] ?? 0);
    }
    return new Map(this.#packs.flatMap(({ name }, at) => (sums[at] ? [[name, sums[at]] as const] : [])));
  }

  /** Ids are HMACs, so their first bytes spread evenly. */
  #slotOf(id: Uint8Array): number {
    const mask = this.#capacity - 1;
    let slot = (((id[0] ?? 0) << 24) | ((id[1] ?? 0) << 16) | ((id[2] ?? 0) << 8) | (id[3] ?? 0)) & mask;
    while ((this.#numbers[slot * width] ?? 0) !== 0 && !this.#isAt(slot, id)) slot = (slot + 1) & mask;
    return slot;
  }

  #isAt(slot: number, id: Uint8Array): boolean {
    const from = slot * chunkIdBytes;
    for (let at = 0; at < chunkIdBytes; at++) if (this.#ids[from + at] !== id[at]) return false;
    return true;
  }

  #grow(): void {
    const [ids, numbers, used, capacity] = [this.#ids, this.#numbers, this.#used, this.#capacity];
    this.#capacity = 2 * capacity;
    this.#ids = new Uint8Array(this.#capacity * chunkIdBytes);
    this.#numbers = new Uint32Array(this.#capacity * width);
    this.#used = new Uint8Array(this.#capacity);
    for (let slot = 0; slot < capacity; slot++) {
      if ((numbers[slot * width] ?? 0) === 0) continue;
      const id = ids.subarray(slot * chunkIdBytes, (slot + 1) * chunkIdBytes);
      const to = this.#slotOf(id);
      this.#ids.set(id, to * chunkIdBytes);
      this.#numbers.set(numbers.subarray(slot * width, (slot + 1) * width), to * width);
      this.#used[to] = used[slot] ?? 0;
    }
  }
}
