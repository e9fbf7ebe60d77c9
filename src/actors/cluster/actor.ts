import type { ActorDef } from '../actor.ts';
import { restsAlways } from '../resting.ts';

export const clusterActor: ActorDef<'cluster'> = { refersTo: () => [], settled: restsAlways };
