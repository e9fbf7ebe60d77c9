/**
 * A view that a client follows: first all rows, then what changes, never more than the client has credit for.
 *
 *              ┌──────── too much pending ────────┐
 *              ▼                                  │
 *   wanted → (loading) → sending ── all sent ──▶ following ⇄ pending
 *
 * Nothing is missed and nothing told twice, because the rows are read in the turn in which changes begin to be heard,
 * and changes up to the index of the snapshot are not heard. What changes while the client has no credit is kept by
 * key, the last state of each; when that becomes too much, it is forgotten and a new snapshot takes its place.
 *
 * `known` are the keys that the client has once everything sent has arrived: a row that is deleted, does not match any
 * more or leaves the reader's sight is a `del` for exactly those who have it.
 */
import type { RowChanges, RowList } from '../../lab/port.ts';
import type { Row } from '../filter.ts';
import { Chunk, rowsFrame, snapFrame, type RowJson } from './frames.ts';
import type { RowSource, Snapshot } from './row-source.ts';

export const defaultMaxPending = 2000;

export interface RowsSubOptions {
  readonly sub: number;
  readonly epoch: string;
  readonly source: RowSource;
  readonly json: RowJson;
  readonly maxPending: number;
  readonly chunkRows: number;
  /** Where the client stands already. */
  readonly resume: { readonly after: number; readonly epoch: string } | undefined;
  /** There may be a frame to send. */
  wake(): void;
  /** The rows could not be read. */
  fail(error: unknown): void;
}

export interface RowFrame {
  readonly text: string;
  readonly index: number;
}

interface Sending {
  readonly rows: RowList<object>;
  readonly index: number;
  /** The row that comes next. */
  next: number;
}

/** A row that the client is to forget. */
const gone = Symbol('gone');

export class RowsSub {
  readonly #options: RowsSubOptions;
  readonly #unwatch: () => void;
  readonly #known = new Set<string>();
  readonly #pending = new Map<string, object | typeof gone>();
  /** What the client stands at once everything sent has arrived; changes up to here are in it. */
  #index = 0;
  /** What the client has been told that it stands at. Behind `#index` when nothing of what changed concerns it. */
  #told = 0;
  /** What `#pending` leads to. */
  #pendingIndex = 0;
  #wantsSnapshot = true;
  #isLoading = false;
  /** The client is told that it has gone on, also when it missed nothing. */
  #confirms = false;
  #snapshot: Sending | undefined;
  #isClosed = false;

  constructor(options: RowsSubOptions) {
    this.#options = options;
    this.#unwatch = options.source.watch((changes) => this.#hear(changes));
    if (options.resume) this.#resume(options.resume);
  }

  /** The next frame to send, if there is one. */
  next(): RowFrame | undefined {
    if (this.#isClosed) return undefined;
    if (this.#wantsSnapshot && !this.#isLoading && !this.#snapshot) this.#begin();
    if (this.#isLoading) return undefined;
    if (this.#snapshot) return this.#nextOfSnapshot(this.#snapshot);
    if (this.#pending.size > 0 || this.#confirms) return this.#nextOfPending();
    this.#index = Math.max(this.#index, this.#pendingIndex);
    return undefined;
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.#known.clear();
    this.#pending.clear();
    this.#snapshot = undefined;
  }

  #hear({ index, put, del }: RowChanges): void {
    // A snapshot that is to come has it; one that was read has it up to its index.
    if (this.#wantsSnapshot && !this.#isLoading) return;
    if (this.#options.source.isLogged && index <= this.#index) return;
    for (const [key, row] of put) {
      if (this.#options.source.wants(key, row as Row)) this.#pending.set(key, row as object);
      else this.#drop(key);
    }
    for (const key of del) this.#drop(key);
    this.#pendingIndex = Math.max(this.#pendingIndex, index);
    if (this.#pending.size > this.#options.maxPending) {
      // A snapshot that is under way is told to its end, and this one after it.
      this.#pending.clear();
      this.#wantsSnapshot = true;
    }
    this.#options.wake();
  }

  #drop(key: string): void {
    if (this.#known.has(key)) this.#pending.set(key, gone);
    else this.#pending.delete(key);
  }

  /** Reads all rows. At once, or changes from now on are kept until they are there. */
  #begin(): void {
    const { source } = this.#options;
    this.#wantsSnapshot = false;
    this.#pending.clear();
    const found = source.snapshot();
    if (!(found instanceof Promise)) return this.#started(found);
    this.#isLoading = true;
    this.#index = source.index();
    found.then(
      (snapshot) => {
        this.#isLoading = false;
        if (this.#isClosed) return;
        this.#started(snapshot);
        this.#options.wake();
      },
      (error: unknown) => {
        this.#isLoading = false;
        if (!this.#isClosed) this.#options.fail(error);
      },
    );
  }

  #started({ rows, index }: Snapshot): void {
    this.#known.clear();
    if (!this.#options.source.accumulates) for (const [key] of rows) this.#known.add(key);
    this.#snapshot = { rows, index, next: 0 };
    this.#index = index;
    this.#pendingIndex = Math.max(this.#pendingIndex, index);
  }

  #nextOfSnapshot(snapshot: Sending): RowFrame {
    const { sub, epoch, json, chunkRows } = this.#options;
    const chunk = new Chunk(chunkRows);
    for (let row = snapshot.rows[snapshot.next]; row; row = snapshot.rows[snapshot.next]) {
      if (!chunk.add(json.text(...row))) break;
      snapshot.next++;
    }
    const { index } = snapshot;
    this.#told = index;
    const more = snapshot.next < snapshot.rows.length;
    if (!more) this.#snapshot = undefined;
    return { text: snapFrame({ sub, epoch, index, more }, chunk.parts), index };
  }

  #nextOfPending(): RowFrame {
    const { sub, json, source, chunkRows } = this.#options;
    const chunk = new Chunk(chunkRows);
    const [put, del]: [string[], string[]] = [[], []];
    for (const [key, row] of this.#pending) {
      const text = row === gone ? JSON.stringify(key) : json.text(key, row);
      if (!chunk.add(text)) break;
      (row === gone ? del : put).push(text);
      this.#pending.delete(key);
      if (row === gone) this.#known.delete(key);
      else if (!source.accumulates) this.#known.add(key);
    }
    this.#confirms = false;
    // Before the last of several, the client stands where it stood: there it goes on after a lost connection.
    if (this.#pending.size === 0) this.#told = this.#index = this.#pendingIndex;
    return { text: rowsFrame({ sub, index: this.#told }, put, del), index: this.#told };
  }

  /** Goes on where the client stands, when what it missed is still known. */
  #resume({ after, epoch }: { readonly after: number; readonly epoch: string }): void {
    const { source } = this.#options;
    const missed = source.since(after, epoch);
    if (!missed || missed.reduce((sum, { put, del }) => sum + put.length + del.length, 0) > this.#options.maxPending)
      return;
    // What it has is not told: of the rows that there are, it has those or is about to get them.
    const now = source.accumulates ? undefined : source.snapshot();
    if (now && !(now instanceof Promise)) for (const [key] of now.rows) this.#known.add(key);
    for (const { put, del } of missed) {
      for (const [key, row] of put) {
        if (source.wants(key, row as Row)) this.#pending.set(key, row as object);
        // It may be one that left this reader's sight: not even its key is told. A new snapshot leaves it out.
        else if (!source.maySee(key, row as Row)) return this.#restart();
        else if (!source.accumulates) this.#forget(key);
      }
      for (const key of del) this.#forget(key);
    }
    this.#told = this.#index = after;
    this.#pendingIndex = source.index();
    this.#wantsSnapshot = false;
    this.#confirms = true;
  }

  #forget(key: string): void {
    this.#known.add(key);
    this.#pending.set(key, gone);
  }

  #restart(): void {
    this.#pending.clear();
    this.#known.clear();
    this.#wantsSnapshot = true;
  }
}
