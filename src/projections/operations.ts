import type { ActorState, LabView } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { defineProjection } from './projection.ts';
import { waitingOf } from './waiting.ts';

export interface OperationRow {
  readonly id: StreamId<'operation'>;
  readonly namespace: string;
  readonly name: string;
  readonly command: string;
  readonly target: StreamId;
  readonly targetName: string;
  readonly by: string;
  readonly state: 'running' | 'succeeded' | 'failed';
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly problem: Problem | null;
  /** Why it does not go on. */
  readonly waits: Problem | null;
}

export const operationsProjection = defineProjection<OperationRow>({
  name: 'operations',
  version: 2,
  keeps: 'table',
  apply: (rows, { event, after }, lab) => {
    if (after?.kind === 'operation') {
      rows.put(after.stream, rowOf(after as ActorState<'operation'>, event.at, lab));
      return;
    }
    // What their target waits for changes with it, and with where it runs.
    const target = after?.kind === 'instance' ? (after as ActorState<'instance'>).context.app : event.stream;
    if (after?.kind !== 'app' && after?.kind !== 'volume' && after?.kind !== 'instance') return;
    const waits = waitingOf(lab.get(target), lab)?.problem ?? null;
    for (const operation of lab.referrers(target, 'operation')) {
      if (rows.get(operation.stream)?.waits !== waits) rows.put(operation.stream, rowOf(operation, event.at, lab));
    }
  },
  // A person may ask for an operation after the fact, but not for ever: its events stay.
  bound: { limit: 1000, order: (row) => row.startedAt, mayGo: (row) => row.endedAt !== null },
  scope: (row) => ({ verb: 'read', kind: 'operation', namespace: row.namespace }),
});

function rowOf({ context, state, stream, final }: ActorState<'operation'>, at: number, lab: LabView): OperationRow {
  return {
    id: stream,
    namespace: context.metadata.namespace,
    name: context.metadata.name,
    command: context.command,
    target: context.target,
    targetName: context.targetName,
    by: context.by,
    state: state as OperationRow['state'],
    startedAt: context.startedAt,
    endedAt: final ? at : null,
    problem: context.problem,
    waits: final ? null : (waitingOf(lab.get(context.target), lab)?.problem ?? null),
  };
}
