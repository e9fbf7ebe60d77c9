/**
 * One watch on each view of the lab, for all who follow it: hands changes on, remembers the last ones for whoever comes
 * back after a lost connection, and knows when the view last changed.
 *
 *   floor ─┤ changes that are remembered ├─ now        after ≥ floor: what was missed can be told
 */
import { viewNames, type ViewName } from '#projections/registry.ts';
import type { LabPort, RowChanges } from '../../lab/port.ts';

/** Rows that the remembered changes of one view may have. */
const defaultRingRows = 2000;

export class ViewHub {
  /** Index of the last change; of the start when there was none since. */
  changedAt: number;
  readonly #lab: LabPort;
  readonly #maxRows: number;
  readonly #unwatch: () => void;
  readonly #listeners = new Set<(changes: RowChanges) => void>();
  readonly #ring: RowChanges[] = [];
  #rows = 0;
  /** From here on nothing was forgotten. */
  #floor: number;

  constructor(lab: LabPort, view: ViewName, maxRows: number) {
    this.#lab = lab;
    this.#maxRows = maxRows;
    this.changedAt = lab.index;
    this.#floor = lab.index;
    this.#unwatch = lab.watch(view, (changes) => this.#take(changes));
  }

  /** @returns the way out */
  subscribe(listener: (changes: RowChanges) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What changed after an index of this epoch, oldest first; undefined when that is not known any more. */
  since(after: number, epoch: string): readonly RowChanges[] | undefined {
    if (epoch !== this.#lab.epoch || after < this.#floor || after > this.#lab.index) return undefined;
    return this.#ring.filter(({ index }) => index > after);
  }

  close(): void {
    this.#unwatch();
    this.#listeners.clear();
  }

  #take(changes: RowChanges): void {
    this.changedAt = changes.index;
    this.#ring.push(changes);
    this.#rows += sizeOf(changes);
    while (this.#rows > this.#maxRows) {
      const oldest = this.#ring.shift();
      if (!oldest) break;
      this.#rows -= sizeOf(oldest);
      this.#floor = oldest.index;
    }
    for (const listener of this.#listeners) listener(changes);
  }
}

const sizeOf = ({ put, del }: RowChanges): number => put.length + del.length;

export class Hubs {
  readonly #hubs = new Map<ViewName, ViewHub>();

  constructor(lab: LabPort, ringRows = defaultRingRows) {
    for (const view of viewNames) if (view !== 'audit') this.#hubs.set(view, new ViewHub(lab, view, ringRows));
  }

  of(view: ViewName): ViewHub {
    const hub = this.#hubs.get(view);
    if (!hub) throw new Error(`view ${view} cannot be followed`);
    return hub;
  }

  close(): void {
    for (const hub of this.#hubs.values()) hub.close();
  }
}
