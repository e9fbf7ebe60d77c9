/** Rows that no log keeps: usage and work in progress, as the agents tell them. */
import { observedViews, type ObservedView } from '#io/contract/live.ts';
import { Table } from '#projections/rows.ts';
import type { RowChanges, RowList } from './port.ts';

type Listener = (changes: Omit<RowChanges, 'index'>) => void;

export class Observed {
  readonly #tables = new Map<ObservedView, Table<object>>(observedViews.map((view) => [view, new Table<object>()]));
  readonly #listeners = new Map<ObservedView, Set<Listener>>(observedViews.map((view) => [view, new Set<Listener>()]));

  put(view: ObservedView, key: string, row: object): void {
    this.#tables.get(view)?.put(key, row);
    this.#tell(view);
  }

  delete(view: ObservedView, key: string): void {
    this.#tables.get(view)?.delete(key);
    this.#tell(view);
  }

  rows(view: ObservedView): RowList<unknown> {
    return this.#tables.get(view)?.entries() ?? [];
  }

  watch(view: ObservedView, listener: Listener): () => void {
    this.#listeners.get(view)?.add(listener);
    return () => this.#listeners.get(view)?.delete(listener);
  }

  /** Whether anybody looks: figures that cost something are then taken more often. */
  isWatched(view: ObservedView): boolean {
    return (this.#listeners.get(view)?.size ?? 0) > 0;
  }

  #tell(view: ObservedView): void {
    const changes = this.#tables.get(view)?.take();
    if (!changes) return;
    for (const listener of this.#listeners.get(view) ?? [])
      listener({ put: [...changes.put], del: [...changes.deleted] });
  }
}
