/**
 * Rows that no log keeps: usage and work in progress, as the agents tell them.
 *
 * Figures go with the object that they are of. A measurement may take a while, and its object be gone meanwhile:
 * figures of what is not there are not taken.
 */
import { kindOf, type Kind, type StreamId } from '#events/envelope.ts';
import type { LabView, Step } from '#actors/actor.ts';
import { observedViews, type ObservedView } from '#io/contract/live.ts';
import { Table } from '#projections/rows.ts';
import type { RowChanges, RowList } from './port.ts';

type Tap = (view: ObservedView, key: string, row: object) => void;
type Listener = (changes: Omit<RowChanges, 'index'>) => void;

/** Kinds with figures, or without which others have none. */
const measured: readonly Kind[] = ['app', 'instance', 'node', 'volume'];

export class Observed {
  readonly #lab: LabView;
  readonly #tables = new Map<ObservedView, Table<object>>(observedViews.map((view) => [view, new Table<object>()]));
  readonly #listeners = new Map<ObservedView, Set<Listener>>(observedViews.map((view) => [view, new Set<Listener>()]));

  readonly #taps: Tap[] = [];

  constructor(lab: LabView) {
    this.#lab = lab;
  }

  /** Hears every row that is put, and does not count as somebody who looks. */
  tap(listener: Tap): void {
    this.#taps.push(listener);
  }

  put(view: ObservedView, key: string, row: object): void {
    if (view === 'usage' && !isThere(this.#lab, key)) return;
    for (const tap of this.#taps) tap(view, key, row);
    this.#tables.get(view)?.put(key, row);
    this.#tell(view);
  }

  delete(view: ObservedView, key: string): void {
    this.#tables.get(view)?.delete(key);
    this.#tell(view);
  }

  /** Lets go of figures whose objects the steps have ended. */
  settle(steps: readonly Step[]): void {
    if (!steps.some(({ after }) => after?.final && measured.includes(after.kind))) return;
    for (const [key] of this.rows('usage')) {
      if (!isThere(this.#lab, key)) this.#tables.get('usage')?.delete(key);
    }
    this.#tell('usage');
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
    for (const listener of this.#listeners.get(view) ?? []) listener({ put: changes.put, del: changes.deleted });
  }
}

/** Whether there is what a row of `usage` is about: the object itself, the node of a pool, an instance of a service. */
function isThere(lab: LabView, key: string): boolean {
  const [owner = ''] = key.slice(key.indexOf(':') + 1).split('/');
  switch (kindOf(key as StreamId) as Kind | 'pool' | 'service') {
    case 'pool':
      return lab.get(`node:${owner}`) !== undefined;
    case 'service':
      return lab.referrers(`app:${owner}`, 'instance').length > 0;
    default:
      return lab.get(key as StreamId) !== undefined;
  }
}
