import type { ActorDef } from '../actor.ts';

/** One that is on its way out rests when it is gone. */
export const nodeActor: ActorDef<'node'> = {
  refersTo: () => [],
  settled: ({ context }) => (context.departing === null ? { done: true } : undefined),
};
