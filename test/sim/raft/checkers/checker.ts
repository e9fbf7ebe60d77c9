/** Hears of everything that members do, and complains when a law does not hold. */
import type { Observer } from '#io/world/consensus/member.ts';

export type Checker = Partial<Observer>;
