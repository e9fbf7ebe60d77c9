import type { ActorDef } from '../actor.ts';
import { restsAlways } from '../resting.ts';

const isStream = <T>(stream: T | null | undefined): stream is T => stream !== null && stream !== undefined;

export const scheduleActor: ActorDef<'schedule'> = {
  refersTo: ({ app, spec }) => [
    ...new Set([app, spec.app, spec.volume, spec.pool, spec.target].filter((stream) => isStream(stream))),
  ],
  settled: restsAlways,
};
