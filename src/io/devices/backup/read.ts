/**
 * Chunks on their way back. What lies together in a pack is fetched together, a window of chunks at a time, and the next
 * window while this one is used: no more than two are in memory.
 */
import { createHash } from 'node:crypto';
import { IoError } from '../error.ts';
import type { ChunkTable, Place } from './chunk-table.ts';
import { openChunk } from './format/chunk-box.ts';
import { readListed, type ListedChunk } from './format/chunk-list.ts';
import type { StreamRef } from './format/manifest.ts';
import { packKey } from './format/pack.ts';
import { readAll, type Repository } from './repository.ts';
import { storeError } from './store/port.ts';

const windowBytes = 8 * 1024 * 1024;
const windowChunks = 256;
const fetchesAtOnce = 4;
/** A gap between two chunks that is cheaper to read over than to ask for twice. */
const gapBytes = 64 * 1024;

type Found = Uint8Array | IoError;

export class ChunkReader {
  readonly #repository: Repository;
  readonly #signal: AbortSignal;
  #table: ChunkTable;
  /** A prune may have moved chunks since the table was read: it is read anew, once. */
  #isReread = false;

  constructor(repository: Repository, table: ChunkTable, signal: AbortSignal) {
    this.#repository = repository;
    this.#table = table;
    this.#signal = signal;
  }

  /** The bytes of a stream, checked as a whole at its end. @throws IoError DAMAGED at the first chunk that is not whole */
  async *stream(ref: StreamRef, target: string): AsyncGenerator<Uint8Array, void, undefined> {
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const bytes of this.#whole(this.listed(ref, target))) {
      hash.update(bytes);
      sizeBytes += bytes.length;
      yield bytes;
    }
    if (sizeBytes !== ref.sizeBytes || hash.digest('hex') !== ref.sha256)
      throw storeError('DAMAGED', 'restore', target, `${target}: its chunks are whole, and are not what was backed up`);
  }

  /** Pieces of a stream. @param ranges in order, apart from one another */
  async *ranges(
    ref: StreamRef,
    ranges: readonly { readonly from: number; readonly to: number }[],
    target: string,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const wanted = new Overlaps(ranges);
    const starts: number[] = [];
    const chunks = async function* (listed: AsyncIterable<ListedChunk>) {
      let offset = 0;
      for await (const chunk of listed) {
        if (wanted.within(offset, offset + chunk.plainBytes).length > 0) {
          starts.push(offset);
          yield chunk;
        }
        offset += chunk.plainBytes;
      }
    };
    for await (const bytes of this.#whole(chunks(this.listed(ref, target)))) {
      const start = starts.shift() ?? 0;
      for (const { from, to } of wanted.within(start, start + bytes.length))
        yield bytes.subarray(Math.max(0, from - start), Math.min(bytes.length, to - start));
    }
  }

  /** Of which chunks a stream is made. @throws IoError DAMAGED when its list is not whole */
  async *listed(ref: StreamRef, target: string): AsyncGenerator<ListedChunk, void, undefined> {
    const parts = ref.list.map((id) => ({ id: Buffer.from(id, 'hex'), plainBytes: undefined }));
    yield* readListed(this.#whole(parts), target);
  }

  /** Each chunk, or what is wrong with it. In order. */
  async *chunks(
    wanted: Iterable<Wanted> | AsyncIterable<Wanted>,
  ): AsyncGenerator<{ readonly id: Uint8Array; readonly found: Found }, void, undefined> {
    let before: Promise<readonly { id: Uint8Array; found: Found }[]> | undefined;
    try {
      for await (const window of windows(wanted)) {
        const next = this.#fetch(window);
        next.catch(() => undefined);
        if (before) yield* await before;
        before = next;
      }
      if (before) yield* await before;
    } finally {
      await before?.catch(() => undefined);
    }
  }

  async *#whole(wanted: Iterable<Wanted> | AsyncIterable<Wanted>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const { found } of this.chunks(wanted)) {
      if (found instanceof IoError) throw found;
      yield found;
    }
  }

  async #fetch(window: readonly Wanted[]): Promise<readonly { id: Uint8Array; found: Found }[]> {
    const found = new Map<string, Found>();
    let missing = await this.#fetchOnce(window, found);
    if (missing.length > 0 && !this.#isReread) {
      this.#isReread = true;
      this.#table = (await readAll(this.#repository, this.#signal)).table;
      missing = await this.#fetchOnce(missing, found);
    }
    return window.map(({ id }) => ({ id, found: found.get(hexOf(id)) ?? gone(id) }));
  }

  /** @returns those whose pack was not there */
  async #fetchOnce(window: readonly Wanted[], found: Map<string, Found>): Promise<readonly Wanted[]> {
    const missing: Wanted[] = [];
    const placed = new Map<string, { wanted: Wanted; place: Place }>();
    for (const wanted of window) {
      const place = this.#table.get(wanted.id);
      if (!place) missing.push(wanted);
      else if (wanted.plainBytes !== undefined && wanted.plainBytes !== place.plainBytes)
        found.set(hexOf(wanted.id), damaged(wanted.id, place.pack, 'it has another length than it should'));
      else placed.set(hexOf(wanted.id), { wanted, place });
    }
    const runs = runsOf([...placed.values()]);
    const next = async (): Promise<void> => {
      for (let run = runs.shift(); run; run = runs.shift()) missing.push(...(await this.#fetchRun(run, found)));
    };
    await Promise.all(Array.from({ length: fetchesAtOnce }, next));
    return missing;
  }

  async #fetchRun(run: Run, found: Map<string, Found>): Promise<readonly Wanted[]> {
    const { store } = this.#repository.options;
    const { pack, from, to } = run;
    let bytes: Uint8Array;
    try {
      bytes = await store.get(packKey(pack), this.#signal, { from, to });
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      if (error.code === 'MISSING') return run.chunks.map(({ wanted }) => wanted);
      if (error.code !== 'DAMAGED' && error.code !== 'INVALID') throw error;
      for (const { wanted } of run.chunks) found.set(hexOf(wanted.id), damaged(wanted.id, pack, error.message));
      return [];
    }
    for (const { wanted, place } of run.chunks) {
      const box = bytes.subarray(place.offset - from, place.offset - from + place.boxBytes);
      const plain = await openChunk(this.#repository.keys, wanted.id, box, place.plainBytes);
      found.set(hexOf(wanted.id), plain ?? damaged(wanted.id, pack, 'it was changed'));
    }
    return [];
  }
}

export interface Wanted {
  readonly id: Uint8Array;
  /** Undefined: as the index says. */
  readonly plainBytes: number | undefined;
}

interface Run {
  readonly pack: string;
  readonly from: number;
  to: number;
  readonly chunks: { readonly wanted: Wanted; readonly place: Place }[];
}

function runsOf(placed: readonly { readonly wanted: Wanted; readonly place: Place }[]): Run[] {
  const sorted = placed.toSorted(({ place: a }, { place: b }) =>
    a.pack < b.pack ? -1 : a.pack > b.pack ? 1 : a.offset - b.offset,
  );
  const runs: Run[] = [];
  for (const chunk of sorted) {
    const { pack, offset, boxBytes } = chunk.place;
    const last = runs.at(-1);
    if (last?.pack === pack && offset - last.to <= gapBytes) {
      last.to = offset + boxBytes;
      last.chunks.push(chunk);
    } else runs.push({ pack, from: offset, to: offset + boxBytes, chunks: [chunk] });
  }
  return runs;
}

async function* windows(wanted: Iterable<Wanted> | AsyncIterable<Wanted>): AsyncGenerator<readonly Wanted[]> {
  let [window, bytes]: [Wanted[], number] = [[], 0];
  for await (const chunk of wanted) {
    window.push(chunk);
    bytes += chunk.plainBytes ?? windowBytes / 32;
    if (bytes < windowBytes && window.length < windowChunks) continue;
    yield window;
    [window, bytes] = [[], 0];
  }
  if (window.length > 0) yield window;
}

/** Ranges that are asked for in order: those behind are forgotten. */
class Overlaps {
  readonly #ranges: readonly { readonly from: number; readonly to: number }[];
  constructor(ranges: readonly { readonly from: number; readonly to: number }[]) {
    this.#ranges = ranges;
  }

  within(from: number, to: number): readonly { readonly from: number; readonly to: number }[] {
    let [low, high] = [0, this.#ranges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ranges[middle]?.to ?? 0) <= from) low = middle + 1;
      else high = middle;
    }
    let end = low;
    while ((this.#ranges[end]?.from ?? to) < to) end++;
    return this.#ranges.slice(low, end);
  }
}

const hexOf = (id: Uint8Array): string => Buffer.from(id).toString('hex');

const gone = (id: Uint8Array): IoError =>
  storeError(
    'DAMAGED',
    'read',
    hexOf(id),
    `a part of the backup is missing in the store (chunk ${hexOf(id).slice(0, 12)})`,
    mend,
  );

const damaged = (id: Uint8Array, pack: string, why: string): IoError =>
  storeError(
    'DAMAGED',
    'read',
    packKey(pack),
    `a part of the backup is damaged (chunk ${hexOf(id).slice(0, 12)} in ${packKey(pack)}): ${why}`,
    mend,
  );

const mend = 'Take another backup of this volume; a check says which ones are hurt.';
