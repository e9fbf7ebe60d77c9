/** What a replica of the present is answered with beside its row: what would be lost with it, as its node says it. */
import type { ViewRows } from '#projections/registry.ts';
import type { ReplicaRow } from '#projections/views/replicas.ts';
import type { ReplicaLagRow } from './live.ts';

export interface ReplicaLoss {
  /** At most what was written in so many seconds before `asOf`; null: unknown, so it may be everything. */
  readonly seconds: number | null;
  /** About so much was written since the snapshot that it holds; null: unknown. */
  readonly bytes: number | null;
  /** Milliseconds since 1970, by the clock of its node. */
  readonly asOf: number;
}

export type ReplicaAnswer = ReplicaRow & {
  /** Null: its node says nothing at the moment. Absent in answers about the past. */
  readonly loss?: ReplicaLoss | null;
};

/** Rows as REST answers with them: some with what no log keeps. */
export type AnsweredRows = Omit<ViewRows, 'replicas'> & { readonly replicas: ReplicaAnswer };

/** @param row undefined: nobody says anything */
export function replicaLoss(row: ReplicaLagRow | undefined): ReplicaLoss | null {
  if (!row) return null;
  return {
    seconds: row.lossMs === undefined ? null : Math.ceil(row.lossMs / 1000),
    bytes: row.bytes ?? null,
    asOf: row.at,
  };
}
