import type { ActorDef } from '../actor.ts';
import { restsAlways } from '../resting.ts';

export const nodeActor: ActorDef<'node'> = { refersTo: () => [], settled: restsAlways };
