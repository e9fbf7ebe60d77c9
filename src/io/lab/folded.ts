/**
 * A lab and its rows, folded together: what live service, replay and the past have in common.
 * Synchronous and without I/O; whoever owns one decides where its rows go.
 */
import type { Index, LabEvent } from '#events/envelope.ts';
import type { Step } from '#actors/actor.ts';
import type { StoredActor } from '#actors/advance.ts';
import { Lab } from '#actors/lab.ts';
import { projections, viewNames, type ViewName, type ViewRows } from '#projections/registry.ts';
import type { Projection } from '#projections/projection.ts';
import { LogRows, Table, type Changes } from '#projections/rows.ts';
import type { RowList, TableView } from './port.ts';

type AnyRows = Table<object> | LogRows<object>;

export class Folded {
  readonly lab = new Lab();
  readonly #views: readonly {
    readonly name: ViewName;
    readonly projection: Projection<object>;
    readonly rows: AnyRows;
  }[];

  /** @param views whose rows are wanted */
  constructor(views: readonly ViewName[] = viewNames) {
    this.#views = views.map((name) => {
      const projection = projections[name] as unknown as Projection<object>;
      return { name, projection, rows: projection.keeps === 'table' ? new Table(projection.bound) : new LogRows() };
    });
  }

  fold(event: LabEvent): Step {
    const step = this.lab.fold(event);
    for (const { projection, rows } of this.#views) projection.apply(rows, step, this.lab);
    return step;
  }

  /** Puts stored states back, before the first fold; and the rows that they tell alone. */
  restore(
    at: { readonly index: Index; readonly at: number },
    stored: readonly StoredActor[],
    commands: Parameters<Lab['restore']>[2],
  ): void {
    const actors = this.lab.restore(at, stored, commands);
    for (const { projection, rows } of this.#views) {
      if (!projection.rowOf || !(rows instanceof Table)) continue;
      for (const actor of actors) {
        const row = projection.rowOf(actor);
        if (row) rows.restore(actor.stream, row);
      }
    }
  }

  table<V extends TableView>(view: V): Table<ViewRows[V]> {
    return this.#views.find(({ name }) => name === view)?.rows as unknown as Table<ViewRows[V]>;
  }

  rows<V extends TableView>(view: V): RowList<ViewRows[V]> {
    return this.table(view).entries();
  }

  /** What changed in each view since the last call. */
  takeChanges(): ReadonlyMap<ViewName, Changes<object>> {
    const changes = new Map<ViewName, Changes<object>>();
    for (const { name, rows } of this.#views) {
      const taken = rows.take();
      if (taken) changes.set(name, taken);
    }
    return changes;
  }
}

export const tableViews = viewNames.filter((name) => projections[name].keeps === 'table') as readonly TableView[];

/** Tables that are stored; the others come with the actors. */
export const storedViews = tableViews.filter((name) => projections[name].rowOf === undefined);
