import type { ActorState } from '#actors/actor.ts';
import type { StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import { defineProjection } from './projection.ts';

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
}

export const operationsProjection = defineProjection<OperationRow>({
  name: 'operations',
  version: 1,
  keeps: 'table',
  apply: (rows, { event, after }) => {
    if (after?.kind !== 'operation') return;
    const { context, state, stream } = after as ActorState<'operation'>;
    rows.put(stream, {
      id: stream as StreamId<'operation'>,
      namespace: context.metadata.namespace,
      name: context.metadata.name,
      command: context.command,
      target: context.target,
      targetName: context.targetName,
      by: context.by,
      state: state as OperationRow['state'],
      startedAt: context.startedAt,
      endedAt: after.final ? event.at : null,
      problem: context.problem,
    });
  },
  // A person may ask for an operation after the fact, but not for ever: its events stay.
  bound: { limit: 1000, order: (row) => row.startedAt, mayGo: (row) => row.endedAt !== null },
  scope: (row) => ({ verb: 'read', kind: 'operation', namespace: row.namespace }),
});
