/** Rows in memory, and what changed since the last look: to store, and to send to subscribers. */
import type { Bound, Rows } from './projection.ts';

export interface Changes<R> {
  readonly put: readonly (readonly [key: string, row: R])[];
  readonly deleted: readonly string[];
}

export class Table<R extends object> implements Rows<R> {
  readonly #rows = new Map<string, R>();
  #changed = new Set<string>();
  readonly #bound: Bound<R> | undefined;

  constructor(bound?: Bound<R>) {
    this.#bound = bound;
  }

  get(key: string): R | undefined {
    return this.#rows.get(key);
  }

  put(key: string, row: R): void {
    this.#rows.set(key, row);
    this.#changed.add(key);
    if (this.#bound && this.#rows.size > this.#bound.limit) this.#evict(this.#bound);
  }

  /** By order and key, never by the order of arrival: a table that was restored drops the same row. */
  #evict({ order, mayGo }: Bound<R>): void {
    let first: readonly [key: string, at: number] | undefined;
    for (const [key, row] of this.#rows) {
      if (!mayGo(row)) continue;
      const at = order(row);
      if (!first || at < first[1] || (at === first[1] && key < first[0])) first = [key, at];
    }
    if (first) this.delete(first[0]);
  }

  delete(key: string): void {
    if (this.#rows.delete(key)) this.#changed.add(key);
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Sorted by key. */
  entries(): readonly (readonly [string, R])[] {
    return [...this.#rows].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  restore(key: string, row: R): void {
    this.#rows.set(key, row);
  }

  /** What changed since the last call. */
  take(): Changes<R> | undefined {
    if (this.#changed.size === 0) return undefined;
    const put: [string, R][] = [];
    const deleted: string[] = [];
    for (const key of this.#changed) {
      const row = this.#rows.get(key);
      if (row) put.push([key, row]);
      else deleted.push(key);
    }
    this.#changed = new Set();
    return { put, deleted };
  }
}

/** Rows that accumulate: nothing is kept here, only handed on. */
export class LogRows<R extends object> implements Rows<R> {
  #put: [string, R][] = [];

  get(): undefined {
    return undefined;
  }

  put(key: string, row: R): void {
    this.#put.push([key, row]);
  }

  delete(key: string): void {
    throw new Error(`row ${key} of a projection that only accumulates cannot be deleted`);
  }

  take(): Changes<R> | undefined {
    if (this.#put.length === 0) return undefined;
    const changes = { put: this.#put, deleted: [] };
    this.#put = [];
    return changes;
  }
}
