/** Machines of a version to come, for tests: as the first ones, but labels of nodes are shouted, and no node can be cordoned. */
import { assign, createMachine, type AnyStateMachine } from 'xstate';
import { machines, type Library } from '#actors/machines.ts';
import { nodeMachine } from '#actors/node/machine.ts';

interface Labelled {
  readonly context: { readonly metadata: object };
  readonly event: { readonly data: { readonly labels: Readonly<Record<string, string>> } };
}

const shout = ({ context, event }: Labelled) => ({
  metadata: {
    ...context.metadata,
    labels: Object.fromEntries(Object.entries(event.data.labels).map(([key, value]) => [key, value.toUpperCase()])),
  },
});

const { 'node.cordoned': _, ...accepted } = nodeMachine.config.on ?? {};
const config = {
  ...nodeMachine.config,
  on: { ...accepted, 'node.labelled': { actions: assign(shout as never) } },
};

export const secondLibrary: Library = {
  ...machines,
  node: {
    ...machines.node,
    machine: createMachine(config as never, nodeMachine.implementations as never) as unknown as AnyStateMachine,
  },
};
