/**
 * What is known, as keyed rows derived step by step. The same rows are stored, sent to subscribers, filtered by the
 * reader's scopes, and rebuilt at any past index. `apply` is pure: rows, the step, and the lab as it is after the step.
 */
import type { Scope } from '#actors/access/scope.ts';
import type { ActorState, LabView, Step } from '#actors/actor.ts';

export interface Rows<R> {
  get(key: string): R | undefined;
  put(key: string, row: R): void;
  delete(key: string): void;
}

/** Of more than `limit` rows those go first that come first in `order`, as long as they may go at all. */
export interface Bound<R> {
  readonly limit: number;
  order(row: R): number;
  mayGo(row: R): boolean;
}

export interface Projection<R extends object> {
  readonly name: string;
  /** A new version is rebuilt from the log. */
  readonly version: number;
  /**
   * `log`: rows that only accumulate; they are read from disk, never held in memory, and `apply` may only put. A key is
   * the `indexKey` of its event, or `<group>|<indexKey>` where rows of a group are read together.
   */
  readonly keeps: 'table' | 'log';
  /** For a log without groups: each event has a row in it, so that one that a disk lost is noticed where it is read. */
  readonly isGapless?: true;
  apply(rows: Rows<R>, step: Step, lab: LabView): void;
  /** For a table of one row an actor, under its stream, that the actor tells alone: such rows are never stored. */
  readonly rowOf?: (actor: ActorState) => R | undefined;
  /** For a table of things that end and are never removed: how many rows stay. */
  readonly bound?: Bound<R>;
  /** What a reader must be allowed to read to see this row. */
  scope(row: R): Scope;
}

export const defineProjection = <R extends object>(projection: Projection<R>): Projection<R> => projection;
