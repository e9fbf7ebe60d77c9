import type { StreamId } from '#events/envelope.ts';
import type { ActorDef, ActorState, LabView } from '../actor.ts';

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

/** The assignment that is not known to have stopped, if any. */
export const liveInstance = (app: StreamId<'app'>, lab: LabView): ActorState<'instance'> | undefined =>
  lab.referrers(app, 'instance')[0];

/** States in which the lab wants the app to run. */
export const wantsToRun = (state: string): boolean =>
  ['starting', 'running', 'degraded', 'updating', 'paused'].includes(state);
