/**
 * Rows that no log keeps: usage and work in progress, as the agents tell them, of this node and of others.
 *
 * Figures go with the object that they are of. A measurement may take a while, and its object be gone meanwhile:
 * figures of what is not there are not taken.
 */
import { kindOf, type Kind, type StreamId } from '#events/envelope.ts';
import type { LabView, Step } from '#actors/actor.ts';
import { observedViews, type ObservedView } from '#io/contract/live.ts';
import { Table } from '#projections/rows.ts';
import type { RowChanges, RowList } from './port.ts';

/** `row`: undefined when it went. `origin`: the node that told it; undefined for this one. */
type Tap = (view: ObservedView, key: string, row: object | undefined, origin: string | undefined) => void;
type Listener = (changes: Omit<RowChanges, 'index'>) => void;

/** Kinds with figures, or without which others have none. */
const measured: readonly Kind[] = ['app', 'instance', 'node', 'volume'];

export class Observed {
  readonly #lab: LabView;
  readonly #tables = new Map<ObservedView, Table<object>>(observedViews.map((view) => [view, new Table<object>()]));
  readonly #listeners = new Map<ObservedView, Set<Listener>>(observedViews.map((view) => [view, new Set<Listener>()]));

  readonly #taps = new Set<Tap>();
  /** Who told a row that is there, by view and key; this node's own have no entry. */
  readonly #origins = new Map<string, string>();
  /** Whether somebody looks at another node. */
  watchedElsewhere: (view: ObservedView) => boolean = () => false;

  constructor(lab: LabView) {
    this.#lab = lab;
  }

  /** Hears every row that is put or goes, and does not count as somebody who looks. @returns the way out */
  tap(listener: Tap): () => void {
    this.#taps.add(listener);
    return () => this.#taps.delete(listener);
  }

  /** @param origin the node that told it; undefined for this one */
  put(view: ObservedView, key: string, row: object, origin?: string): void {
    if (view === 'usage' && !isThere(this.#lab, key)) return;
    if (origin === undefined) this.#origins.delete(`${view}|${key}`);
    else this.#origins.set(`${view}|${key}`, origin);
    for (const tap of this.#taps) tap(view, key, row, origin);
    this.#tables.get(view)?.put(key, row);
    this.#tell(view);
  }

  /** Without effect on what another node has told since. */
  delete(view: ObservedView, key: string, origin?: string): void {
    if (this.#origins.get(`${view}|${key}`) !== origin) return;
    this.#origins.delete(`${view}|${key}`);
    for (const tap of this.#taps) tap(view, key, undefined, origin);
    this.#tables.get(view)?.delete(key);
    this.#tell(view);
  }

  /** What this node told itself. */
  ownRows(view: ObservedView): readonly (readonly [key: string, row: object])[] {
    const rows = this.rows(view) as readonly (readonly [key: string, row: object])[];
    return rows.filter(([key]) => !this.#origins.has(`${view}|${key}`));
  }

  /** Lets go of figures whose objects the steps have ended. */
  settle(steps: readonly Step[]): void {
    if (!steps.some(({ after }) => after?.final && measured.includes(after.kind))) return;
    for (const [key] of this.rows('usage')) {
      if (isThere(this.#lab, key)) continue;
      this.#origins.delete(`usage|${key}`);
      this.#tables.get('usage')?.delete(key);
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
    return this.isWatchedHere(view) || this.watchedElsewhere(view);
  }

  /** At this node. */
  isWatchedHere(view: ObservedView): boolean {
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
