import type { EventOf, LabEvent, StreamId } from '#events/envelope.ts';
import type { Metadata, Problem } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';

/** What a person asked for. It ends when its target settles: a policy looks at the target, the person need not. */
export interface Operation {
  readonly metadata: Metadata;
  readonly command: string;
  readonly target: StreamId;
  readonly targetName: string;
  readonly by: string;
  readonly startedAt: number;
  readonly problem: Problem | null;
}

export const operationMachine = setup({
  types: {} as {
    context: Operation;
    input: EventOf<'operation.started'>;
    events: Extract<LabEvent, { type: `operation.${string}` }>;
  },
}).createMachine({
  id: 'operation',
  context: ({ input: { data, by, at } }) => ({
    metadata: data.metadata,
    command: data.command,
    target: data.target,
    targetName: data.targetName,
    by,
    startedAt: at,
    problem: null,
  }),
  initial: 'running',
  states: {
    running: {
      on: {
        'operation.succeeded': 'succeeded',
        'operation.failed': { target: 'failed', actions: assign(({ event }) => ({ problem: event.data.problem })) },
      },
    },
    succeeded: { type: 'final' },
    failed: { type: 'final' },
  },
});
