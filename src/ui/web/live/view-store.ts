/**
 * The rows of one live view for any number of components: opened by the first, closed a while after the last, so that
 * going back and forth between screens shows rows at once instead of an empty frame.
 *
 * A row that did not really change keeps its reference, also over a new snapshot after a lost connection: what glows is
 * what changed.
 */
import type { ViewHandlers } from '#ui/client/live-subscriptions.ts';
import type { Problem } from '#io/contract/problem.ts';

export interface ViewState<R> {
  /** Whether the rows are all there; before that there is nothing to say about the lab. */
  readonly ready: boolean;
  /** Sorted by key. */
  readonly rows: readonly R[];
  readonly byKey: ReadonlyMap<string, R>;
  readonly index: number | undefined;
  /** Why nothing more comes. */
  readonly problem: Problem | undefined;
}

const nothing: ViewState<never> = {
  ready: false,
  rows: [],
  byKey: new Map<string, never>(),
  index: undefined,
  problem: undefined,
};

type Open<R> = (handlers: ViewHandlers<R>) => () => void;

export class ViewStore<R> {
  readonly #open: Open<R>;
  readonly #isStill: boolean;
  readonly #idle: () => void;
  readonly #lingerMs: number;
  readonly #listeners = new Set<() => void>();
  #state: ViewState<R> = nothing;
  #close: (() => void) | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;

  /** @param isStill nothing comes after the first snapshot: rows of the past need not be followed */
  constructor(open: Open<R>, options: { readonly isStill: boolean; readonly lingerMs: number }, idle: () => void) {
    const { isStill, lingerMs } = options;
    this.#open = open;
    this.#isStill = isStill;
    this.#lingerMs = lingerMs;
    this.#idle = idle;
  }

  readonly get = (): ViewState<R> => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    clearTimeout(this.#lingering);
    this.#listeners.add(listener);
    this.#close ??= this.#open({
      snapshot: (rows, index) => this.#replace(rows, index),
      change: (put, del, index) => this.#change(put, del, index),
      end: (problem) => this.#set({ ...this.#state, ready: true, problem }),
    });
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#lingering = setTimeout(() => this.stop(), this.#lingerMs);
    };
  };

  stop(): void {
    clearTimeout(this.#lingering);
    this.#close?.();
    this.#close = undefined;
    this.#state = nothing;
    this.#idle();
  }

  #replace(rows: readonly (readonly [string, R])[], index: number): void {
    const before = this.#state.byKey;
    this.#put(new Map(rows.map(([key, row]) => [key, same(before.get(key), row)])), index);
    if (this.#isStill) this.#close?.();
  }

  #change(put: readonly (readonly [string, R])[], del: readonly string[], index: number): void {
    const byKey = new Map(this.#state.byKey);
    for (const [key, row] of put) byKey.set(key, same(byKey.get(key), row));
    for (const key of del) byKey.delete(key);
    this.#put(byKey, index);
  }

  #put(byKey: Map<string, R>, index: number): void {
    const rows = [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    this.#set({ ready: true, rows, byKey, index, problem: undefined });
  }

  #set(state: ViewState<R>): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

const same = <R>(before: R | undefined, row: R): R =>
  before !== undefined && JSON.stringify(before) === JSON.stringify(row) ? before : row;

/** One store for each question, whoever asks. */
export class ViewStores {
  readonly #stores = new Map<string, ViewStore<unknown>>();
  readonly #lingerMs: number;

  constructor(lingerMs = 20_000) {
    this.#lingerMs = lingerMs;
  }

  get<R>(key: string, open: Open<R>, isStill = false): ViewStore<R> {
    let store = this.#stores.get(key) as ViewStore<R> | undefined;
    if (!store) {
      const made: ViewStore<R> = new ViewStore<R>(open, { isStill, lingerMs: this.#lingerMs }, () => {
        if (this.#stores.get(key) === (made as ViewStore<unknown>)) this.#stores.delete(key);
      });
      store = made;
      this.#stores.set(key, made as ViewStore<unknown>);
    }
    return store;
  }

  closeAll(): void {
    for (const store of this.#stores.values()) store.stop();
    this.#stores.clear();
  }
}
