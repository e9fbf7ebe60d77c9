import type { ActorDef } from '../actor.ts';

export const appActor: ActorDef<'app'> = {
  refersTo: ({ volumes, pausedFor }) => [
    ...Object.values(volumes),
    ...(pausedFor === null || pausedFor === 'restart' ? [] : [pausedFor]),
  ],

  settled: ({ state, context }) => {
    switch (state) {
      case 'running':
      case 'stopped':
        return { done: true };
      case 'failed':
      case 'degraded':
        return context.problem ? { failed: context.problem } : undefined;
      default:
        return undefined;
    }
  },
};
