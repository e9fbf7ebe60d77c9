/**
 * How often machines may ask at the door. Whoever reaches the port of the nodes can ask, a thousand times a second and
 * under another name each time; each of these is work for the leader, and may be an event in the history of the lab.
 *
 * One address is bounded, so that it takes nothing from the others, and all of them together, for who has one address may
 * have thousands. A machine with a token that is good is not counted among all: a token is good once, so that these are
 * as many as somebody has made tokens, and no crowd of strangers keeps them out.
 */
import type { Clock } from '../../devices/clock/port.ts';
import { placeOf } from '../../http/auth/limiter.ts';
import { Allowance, type Rate } from '../../lab/limited.ts';

/** Of one address, or network of IPv6. A machine that waits asks every three seconds, and twenty may share one. */
export const knocksOfOne: Rate = { perSecond: 7, burst: 80 };
/** Of everybody. */
export const knocksOfAll: Rate = { perSecond: 20, burst: 200 };
/** Beyond that many addresses, the others are counted as one: memory is bounded. */
const maxPlaces = 2000;
const forgetEveryMs = 1000;
const everybodyElse = 'others';

export class KnockLimit {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #all: Allowance;
  readonly #places = new Map<string, Allowance>();
  #forgotAtMs = -Infinity;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#all = new Allowance(knocksOfAll, clock.monotonicMs());
  }

  /** @param hasToken it has one that is good. @returns who has asked too often, if anybody has; then nothing is counted */
  knock(address: string, hasToken: boolean): 'address' | 'all' | undefined {
    const now = this.#clock.monotonicMs();
    const place = this.#of(placeOf(address), now);
    if (!place.has(now)) return 'address';
    if (!hasToken && !this.#all.take(now)) return 'all';
    place.take(now);
    return undefined;
  }

  #of(address: string, now: number): Allowance {
    const known = this.#places.get(address);
    if (known) return known;
    if (this.#places.size >= maxPlaces && now >= this.#forgotAtMs + forgetEveryMs) this.#forgetRested(now);
    const place = this.#places.size < maxPlaces ? address : everybodyElse;
    const made = this.#places.get(place) ?? new Allowance(knocksOfOne, now);
    this.#places.set(place, made);
    return made;
  }

  /** Who may ask as often as one who never did. */
  #forgetRested(now: number): void {
    this.#forgotAtMs = now;
    for (const [address, allowance] of this.#places) if (allowance.isWhole(now)) this.#places.delete(address);
  }
}
