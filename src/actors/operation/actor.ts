import type { ActorDef } from '../actor.ts';
import { restsAlways } from '../resting.ts';

export const operationActor: ActorDef<'operation'> = { refersTo: ({ target }) => [target], settled: restsAlways };
