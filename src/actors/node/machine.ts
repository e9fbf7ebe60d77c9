import type { EventOf, LabEvent } from '#events/envelope.ts';
import type { NodeFacts } from '#events/node.ts';
import type { Fill } from '#events/volume.ts';
import type { Metadata } from '#events/values/metadata.ts';
import { assign, setup } from 'xstate';

export interface Node {
  readonly metadata: Metadata;
  readonly addresses: readonly string[];
  readonly facts: NodeFacts;
  /** A cordoned node keeps what it runs and gets nothing new. */
  readonly cordoned: boolean;
  /** Pools that are nearly full, and what they held when that began. */
  readonly fullPools: Readonly<Record<string, Fill>>;
  /** When it was last heard of, while it is down. */
  readonly downSince: number | null;
}

/** `up` and `down` are what the lab believes: a node that is down may still run what it ran. */
export const nodeMachine = setup({
  types: {} as {
    context: Node;
    input: EventOf<'node.joined'>;
    events: Extract<LabEvent, { type: `node.${string}` }>;
  },
}).createMachine({
  id: 'node',
  context: ({ input }) => ({
    metadata: input.data.metadata,
    addresses: input.data.addresses,
    facts: input.data.facts,
    cordoned: false,
    fullPools: {},
    downSince: null,
  }),
  initial: 'up',
  // The machine of a node is known by what happened to it, wherever it stands.
  on: {
    'node.facts-changed': {
      actions: assign(({ event }) => ({ addresses: event.data.addresses, facts: event.data.facts })),
    },
    'node.cordoned': { guard: ({ context }) => !context.cordoned, actions: assign({ cordoned: true }) },
    'node.pool-filled': {
      guard: ({ context, event }) => !Object.hasOwn(context.fullPools, event.data.pool),
      actions: assign(({ context, event: { data } }) => ({
        fullPools: { ...context.fullPools, [data.pool]: { usedBytes: data.usedBytes, sizeBytes: data.sizeBytes } },
      })),
    },
    'node.pool-eased': {
      guard: ({ context, event }) => Object.hasOwn(context.fullPools, event.data.pool),
      actions: assign(({ context, event }) => ({
        fullPools: Object.fromEntries(Object.entries(context.fullPools).filter(([pool]) => pool !== event.data.pool)),
      })),
    },
    'node.uncordoned': { guard: ({ context }) => context.cordoned, actions: assign({ cordoned: false }) },
  },
  states: {
    up: {
      on: {
        'node.went-down': { target: 'down', actions: assign(({ event }) => ({ downSince: event.data.lastSeenAt })) },
      },
    },
    down: {
      on: {
        'node.came-up': {
          target: 'up',
          actions: assign({ downSince: null }),
        },
        'node.removed': 'removed',
      },
    },
    removed: { type: 'final' },
  },
});
