import type { ActorDef } from '../actor.ts';
import { restsAlways } from '../resting.ts';

export const namespaceActor: ActorDef<'namespace'> = { refersTo: () => [], settled: restsAlways };
