/**
 * The rows of a live view, kept as the server keeps them: a snapshot replaces everything, a change puts and deletes.
 * Unchanged rows keep their reference, and `list()` keeps its own until something changes: both are safe to hand to
 * a renderer that compares references.
 */
export type Keyed<R> = readonly (readonly [key: string, row: R])[];

export class LiveRows<R> {
  readonly #rows = new Map<string, R>();
  readonly #listeners = new Set<() => void>();
  #keys: readonly string[] | undefined;
  #list: readonly R[] | undefined;
  #index: number | undefined;

  /** The index that the rows stand at; undefined before the first snapshot. */
  get index(): number | undefined {
    return this.#index;
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): R | undefined {
    return this.#rows.get(key);
  }

  has(key: string): boolean {
    return this.#rows.has(key);
  }

  /** Sorted. */
  keys(): readonly string[] {
    this.#keys ??= [...this.#rows.keys()].toSorted();
    return this.#keys;
  }

  /** Sorted by key. */
  list(): readonly R[] {
    this.#list ??= this.keys().map((key) => this.#rows.get(key) as R);
    return this.#list;
  }

  /** Calls back after every change. @returns the way out */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  replace(rows: Keyed<R>, index: number): void {
    this.#rows.clear();
    for (const [key, row] of rows) this.#rows.set(key, row);
    this.#keys = undefined;
    this.#changed(index);
  }

  change(put: Keyed<R>, del: readonly string[], index: number): void {
    for (const [key, row] of put) {
      if (!this.#rows.has(key)) this.#keys = undefined;
      this.#rows.set(key, row);
    }
    for (const key of del) if (this.#rows.delete(key)) this.#keys = undefined;
    this.#changed(index);
  }

  #changed(index: number): void {
    this.#index = index;
    this.#list = undefined;
    for (const listener of this.#listeners) listener();
  }
}
