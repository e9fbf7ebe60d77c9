import type { ActorDef } from '../actor.ts';
import { restsAlways } from '../resting.ts';

export const scheduleActor: ActorDef<'schedule'> = {
  refersTo: ({ app, spec }) => (app === null ? [spec.volume] : [app, spec.volume]),
  settled: restsAlways,
};
