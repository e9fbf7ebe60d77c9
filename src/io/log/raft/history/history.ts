/**
 * What was ever applied, kept for auditing whatever the consensus log forgets: sealed segments, chained by their hashes,
 * and an open one at the end.
 *
 *   floor │ segment │ segment │ … │ open segment ◀─ append
 *         └── sealed: equal on ───┘
 *             all members
 *
 * Laws: what `sync` said is durable survives; what was appended after it may be lost from the end when the power fails,
 * and is appended once more from the consensus log, which is compacted only up to `durable`. Appending is idempotent, and
 * leaves no gap. After an error of a write nothing more is written: the process must end.
 *
 * A seal, in an order in which a crash between any two steps leaves something that `open.ts` completes:
 *
 *   end written, synced ─▶ renamed ─▶ next open segment made ─▶ manifest replaced
 */
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import { LogError } from '../../port.ts';
import { FrameReader } from '../snapshots/frame-reader.ts';
import { PartFile } from '../snapshots/part-file.ts';
import type { BrokenHistory } from './check.ts';
import { headAt, type HistoryHead } from './head.ts';
import { droppedBelow, placeAfter, startAfter, writeManifest, type Floor, type Manifest } from './manifest.ts';
import { OpenSegment } from './open-segment.ts';
import { Overlap, type Standing } from './overlap.ts';
import { entriesIn } from './read.ts';
import { belowFloor, gap, pastHead, tooLarge } from './refusals.ts';
import type { Sealing } from './sealing.ts';
import { SegmentReceiver } from './segment-receiver.ts';
import {
  expecting,
  maxEntryBytes,
  partName,
  sealedName,
  type HistoryEntry,
  type SegmentInfo,
  type SegmentStart,
} from './segment.ts';
import type { SegmentSource } from './source.ts';
import { verifyManifest, verifyOpen, verifySealed } from './verify.ts';

export interface HistoryParts {
  /** Of the history alone. */
  readonly directory: Directory;
  readonly sealing: Sealing;
  readonly manifest: Manifest;
  readonly open: OpenSegment;
  /** First entries of sealed segments that are not here. */
  readonly missing: Iterable<number>;
}

export interface VerifyOptions {
  readonly signal?: AbortSignal;
  /** Up to this entry all is right. */
  readonly progress?: (index: number) => void;
}

export class History {
  readonly #directory: Directory;
  readonly #sealing: Sealing;
  readonly #overlap: Overlap;
  #manifest: Manifest;
  #open: OpenSegment;
  readonly #missing: Set<number>;
  #durable: number;
  #turn: Promise<unknown> = Promise.resolve();
  #ended: { readonly reason: unknown } | undefined;

  /** Everything that is here is durable. */
  constructor(parts: HistoryParts) {
    this.#directory = parts.directory;
    this.#sealing = parts.sealing;
    this.#overlap = new Overlap(parts.directory);
    this.#manifest = parts.manifest;
    this.#open = parts.open;
    this.#missing = new Set(parts.missing);
    this.#durable = parts.open.last;
  }

  /** Index of the last entry that was appended. */
  get last(): number {
    return this.#open.last;
  }

  /** The consensus log may forget entries up to here, and no others. */
  get durable(): number {
    return this.#durable;
  }

  get floor(): Floor {
    return this.#manifest.floor;
  }

  /** Sealed segments, oldest first, with those that are missing. */
  manifest(): readonly SegmentInfo[] {
    return this.#manifest.segments;
  }

  /** Those that are not here, or were found broken, oldest first. To be fetched (`fetch.ts`). */
  missing(): readonly SegmentInfo[] {
    return this.#manifest.segments.filter(({ first }) => this.#missing.has(first));
  }

  /**
   * Appends applied entries, of any kind, without gap; those that it has are compared and passed over. Not durable before
   * `sync`. @throws LogError DAMAGED when one of them is another one than it has: then nothing was written, and nothing is
   * written any more (`overlap.ts`). LogError REFUSED for a gap (the history lost its end: begin it anew from a snapshot) or an entry above
   * 16 MiB: then nothing was written. StoreError FAILED
   */
  append(entries: readonly HistoryEntry[]): Promise<void> {
    return this.#writing(async () => {
      const begin = entries.findIndex(({ index }) => index > this.last);
      const again = begin < 0 ? entries : entries.slice(0, begin);
      await this.#overlap.check(again, (index) => this.#segmentWith(index));
      if (begin < 0) return;
      this.#check(entries, begin);
      for (let at = begin; at < entries.length;) {
        const run = this.#open.take(entries, at, this.#sealing);
        await this.#directory.writeAt(this.#open.name, run.offset, run.bytes);
        if (this.#open.isFull(this.#sealing)) await this.#seal();
        at += run.count;
      }
    });
  }

  /** @returns the index up to which everything is durable now. @throws StoreError FAILED */
  sync(): Promise<number> {
    return this.#writing(async () => {
      if (this.#durable < this.last) await this.#directory.sync(this.#open.name);
      this.#durable = this.last;
      return this.#durable;
    });
  }

  /**
   * The history as of this entry, for a snapshot that is made there.
   * @throws LogError BELOW_FLOOR, PAST_HEAD; StoreError MISSING, DAMAGED
   */
  at(index: number): Promise<HistoryHead> {
    return this.#inTurn(() => {
      this.#checkRange(index, index);
      return headAt(this.#directory, this.#manifest, this.#open, index);
    });
  }

  /**
   * Entries in (after, upTo], in slices.
   * @throws LogError BELOW_FLOOR, PAST_HEAD; StoreError MISSING for a segment that has to be fetched first, DAMAGED
   */
  async *read(after: number, upTo: number): AsyncGenerator<readonly HistoryEntry[], void, undefined> {
    this.#checkRange(after, upTo);
    for (let at = after; at < upTo;) {
      const { file, start, last, pieces } = await this.#segmentAfter(at);
      const end = Math.min(last, upTo);
      yield* entriesIn(pieces, new FrameReader(expecting(file, start)), at, end);
      at = end;
    }
  }

  /**
   * Reads every byte and follows the chain of hashes. A sealed segment that is not right counts as missing from then on,
   * so that it is fetched anew. @returns the first broken place
   * @throws LogError TOO_NEW; the signal's reason; StoreError FAILED when manifest or open segment cannot be read
   */
  async verify(options: VerifyOptions = {}): Promise<BrokenHistory | undefined> {
    const manifestBroken = await this.#inTurn(() => verifyManifest(this.#directory, this.#manifest));
    if (manifestBroken) return manifestBroken;
    let at = this.floor.index;
    for (let place = placeAfter(this.#manifest, at); place; place = placeAfter(this.#manifest, at)) {
      options.signal?.throwIfAborted();
      const [segment, start] = place;
      const broken = await verifySealed(this.#directory, segment, start);
      // It may have been dropped meanwhile.
      if (broken && segment.first > this.floor.index) {
        this.#missing.add(segment.first);
        return broken;
      }
      at = Math.max(segment.last, this.floor.index);
      options.progress?.(at);
    }
    return this.#inTurn(() => verifyOpen(this.#directory, this.#open));
  }

  /** What the floor would be if everything below this index was dropped: what has to be signed. */
  floorBelow(index: number): Pick<Floor, 'index' | 'hash'> {
    const { floor } = droppedBelow(this.#manifest, index, new Uint8Array(0));
    return { index: floor.index, hash: floor.hash };
  }

  /**
   * Drops the sealed segments that lie wholly below this index, because the lab decided so. What is kept can still be
   * verified: the floor has the hash that it goes on from. @throws StoreError FAILED
   */
  dropBelow(index: number, signature: Uint8Array): Promise<Floor> {
    return this.#writing(async () => {
      const { segments } = this.#manifest;
      const next = droppedBelow(this.#manifest, index, signature);
      if (next === this.#manifest) return this.floor;
      await writeManifest(this.#directory, next);
      this.#manifest = next;
      for (const { first } of segments.slice(0, segments.length - next.segments.length)) {
        this.#missing.delete(first);
        await this.#directory.delete(sealedName(first));
      }
      return this.floor;
    });
  }

  /** What other members may fetch from here. @param name of this member */
  source(name: string): SegmentSource {
    return {
      name,
      list: async () => this.manifest().filter(({ first }) => !this.#missing.has(first)),
      read: ({ first }, from) => this.#directory.stream(sealedName(first), from),
    };
  }

  /**
   * Begins, or goes on, to receive a missing segment. One receiver at a time.
   * @returns undefined when it is not missing (any more). @throws StoreError FAILED, LogError TOO_NEW
   */
  async receive({ first }: SegmentInfo): Promise<SegmentReceiver | undefined> {
    const place = this.#missing.has(first) ? placeAfter(this.#manifest, first - 1) : undefined;
    if (!place) return undefined;
    const [segment, start] = place;
    const name = partName(first);
    const { sizeBytes } = segment;
    const reader = (): FrameReader => new FrameReader(expecting(name, start, sizeBytes));
    const part = await PartFile.open(this.#directory, name, { sizeBytes, reader, syncEveryBytes: sizeBytes });
    return new SegmentReceiver(segment, start, part, () => this.#arrived(first, part));
  }

  /** What was appended and not synced is not synced by this. */
  async close(): Promise<void> {
    this.#ended ??= { reason: new StoreError('FAILED', 'the history is closed', 'Open it again.') };
    await this.#turn;
    await this.#directory.close();
  }

  #check(entries: readonly HistoryEntry[], begin: number): void {
    for (const [at, { index, bytes }] of entries.slice(begin).entries()) {
      const next = this.last + 1 + at;
      if (index !== next) throw gap(index, next);
      if (bytes.length > maxEntryBytes) throw tooLarge(index, bytes.length);
    }
  }

  #checkRange(after: number, upTo: number): void {
    const { index } = this.floor;
    if (after < index) throw belowFloor(after, index);
    if (upTo > this.last) throw pastHead(upTo, this.last);
  }

  async #seal(): Promise<void> {
    const full = this.#open;
    const { end, info } = full.seal();
    await this.#directory.writeAt(full.name, full.sizeBytes, end);
    await this.#directory.sync(full.name);
    await this.#directory.rename(full.name, sealedName(info.first));
    const manifest = { ...this.#manifest, segments: [...this.#manifest.segments, info] };
    const { segment, bytes } = OpenSegment.begin(startAfter(manifest));
    await this.#directory.replace(segment.name, bytes);
    await writeManifest(this.#directory, manifest);
    this.#manifest = manifest;
    this.#open = segment;
    this.#durable = info.last;
  }

  /** The segment with the entry behind this one. */
  #segmentAfter(at: number): Promise<{
    readonly file: string;
    readonly start: SegmentStart;
    readonly last: number;
    readonly pieces: AsyncIterable<Uint8Array>;
  }> {
    return this.#inTurn(async () => {
      const { file, start, last } = this.#standingAfter(at);
      if (file !== this.#open.name) return { file, start, last, pieces: this.#directory.stream(file) };
      const bytes = await this.#directory.read(file);
      return { file, start, last, pieces: only(bytes ?? new Uint8Array(0)) };
    });
  }

  /** Where this entry stands; undefined where it was dropped. */
  #segmentWith(index: number): Standing | undefined {
    return index > this.floor.index ? this.#standingAfter(index - 1) : undefined;
  }

  #standingAfter(at: number): Standing {
    const place = placeAfter(this.#manifest, at);
    if (!place) return { file: this.#open.name, start: this.#open.start, last: this.#open.last };
    const [{ first, last }, start] = place;
    return { file: sealedName(first), start, last };
  }

  #arrived(first: number, part: PartFile): Promise<void> {
    return this.#writing(async () => {
      // It may have been dropped.
      if (!this.#missing.has(first)) return part.discard();
      await part.complete(sealedName(first));
      this.#missing.delete(first);
    });
  }

  /** After an error nothing more is written. */
  #writing<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      if (this.#ended) throw this.#ended.reason;
      try {
        return await work();
      } catch (error) {
        const goesOn = error instanceof LogError && error.code !== 'DAMAGED';
        if (!goesOn) this.#ended ??= { reason: error };
        throw error;
      }
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
