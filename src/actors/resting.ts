/** Kinds that wait for nothing: what is asked of them has happened as soon as it is decided. */
import type { Settled } from './actor.ts';

export const restsAlways = (): Settled => ({ done: true });
