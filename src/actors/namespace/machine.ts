import type { EventOf } from '#events/envelope.ts';
import type { Metadata } from '#events/values/metadata.ts';
import { setup } from 'xstate';

export interface Namespace {
  readonly metadata: Metadata;
}

export const namespaceMachine = setup({
  types: {} as {
    context: Namespace;
    input: EventOf<'namespace.created'>;
    events: EventOf<'namespace.created' | 'namespace.deleted'>;
  },
}).createMachine({
  id: 'namespace',
  context: ({ input }) => ({ metadata: input.data.metadata }),
  initial: 'active',
  states: {
    active: { on: { 'namespace.deleted': 'deleted' } },
    deleted: { type: 'final' },
  },
});
