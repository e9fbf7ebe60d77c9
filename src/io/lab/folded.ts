/**
 * A lab and its rows, folded together: what live service, replay and the past have in common.
 * Synchronous and without I/O; whoever owns one decides where its rows go.
 */
import type { LabEvent } from '#events/envelope.ts';
import type { Step } from '#actors/actor.ts';
import { Lab } from '#actors/lab.ts';
import { projections, viewNames, type ViewName, type ViewRows } from '#projections/registry.ts';
import type { Projection } from '#projections/projection.ts';
import { LogRows, Table, type Changes } from '#projections/rows.ts';
import type { RowList, TableView } from './port.ts';

export class Folded {
  readonly lab = new Lab();
  readonly #tables = new Map<ViewName, Table<object>>();
  readonly #logs = new Map<ViewName, LogRows<object>>();

  constructor() {
    for (const name of viewNames) {
      if (projections[name].keeps === 'table')
        this.#tables.set(name, new Table((projections[name] as unknown as Projection<object>).bound));
      else this.#logs.set(name, new LogRows());
    }
  }

  fold(event: LabEvent): Step {
    const step = this.lab.fold(event);
    for (const name of viewNames) {
      const rows = this.#tables.get(name) ?? this.#logs.get(name);
      if (rows) (projections[name] as unknown as Projection<object>).apply(rows, step, this.lab);
    }
    return step;
  }

  table<V extends TableView>(view: V): Table<ViewRows[V]> {
    return this.#tables.get(view) as unknown as Table<ViewRows[V]>;
  }

  rows<V extends TableView>(view: V): RowList<ViewRows[V]> {
    return this.table(view).entries();
  }

  /** What changed in each view since the last call. */
  takeChanges(): ReadonlyMap<ViewName, Changes<object>> {
    const changes = new Map<ViewName, Changes<object>>();
    for (const [name, rows] of [...this.#tables, ...this.#logs]) {
      const taken = rows.take();
      if (taken) changes.set(name, taken);
    }
    return changes;
  }
}

export const tableViews = viewNames.filter((name) => projections[name].keeps === 'table') as readonly TableView[];
