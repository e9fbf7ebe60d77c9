import type { EventOf } from '#events/envelope.ts';
import type { Metadata } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';

export interface Cluster {
  readonly metadata: Metadata;
  readonly timeZone: string;
}

export const clusterMachine = setup({
  types: {} as {
    context: Cluster;
    input: EventOf<'cluster.created'>;
    events: EventOf<'cluster.created' | 'cluster.settings-changed'>;
  },
}).createMachine({
  id: 'cluster',
  context: ({ input }) => ({ metadata: input.data.metadata, timeZone: input.data.timeZone }),
  initial: 'active',
  states: {
    active: {
      on: { 'cluster.settings-changed': { actions: assign(({ event }) => ({ timeZone: event.data.timeZone })) } },
    },
  },
});
