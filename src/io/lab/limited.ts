/**
 * Bounds how often each node may ask for something that costs this one more than an answer. A node that is well never
 * comes near it: what is asked too often by one that is not is refused, and disturbs nobody else.
 */
import type { Clock } from '../devices/clock/port.ts';
import type { Answer } from './others.ts';

export interface Rate {
  /** Of each node, as time goes by. */
  readonly perSecond: number;
  /** At once, after a rest. */
  readonly burst: number;
}

export function limited<A extends Answer>(rate: Rate, clock: Clock, answer: A): Answer {
  const admit = limit(rate, clock);
  return async (said, from, signal) => {
    admit(from);
    return answer(said, from, signal);
  };
}

/** @returns counts a call of a node. That throws with code BUSY where it is one too many */
export function limit(rate: Rate, clock: Clock): (from: string) => void {
  const allowances = new Map<string, Allowance>();
  return (from) => {
    const now = clock.monotonicMs();
    const allowance = allowances.get(from) ?? new Allowance(rate, now);
    allowances.set(from, allowance);
    if (!allowance.take(now)) {
      throw Object.assign(new Error(`node ${from} asks for this too often`), { code: 'BUSY' });
    }
  };
}

/** What is left of a rate: a token bucket. Times are of a monotonic clock, in milliseconds. */
export class Allowance {
  readonly #rate: Rate;
  #calls: number;
  #atMs: number;

  constructor(rate: Rate, nowMs: number) {
    this.#rate = rate;
    this.#calls = rate.burst;
    this.#atMs = nowMs;
  }

  /** @returns false when it is one too many, which is not counted */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#calls -= 1;
    return true;
  }

  has(nowMs: number): boolean {
    return this.#left(nowMs) >= 1;
  }

  /** Nothing is counted any more. */
  isWhole(nowMs: number): boolean {
    return this.#left(nowMs) >= this.#rate.burst;
  }

  #left(nowMs: number): number {
    const { perSecond, burst } = this.#rate;
    this.#calls = Math.min(burst, this.#calls + ((nowMs - this.#atMs) / 1000) * perSecond);
    this.#atMs = nowMs;
    return this.#calls;
  }
}
