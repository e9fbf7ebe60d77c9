/** Time that stands still until a test moves it. Timers fire in order of their time, then of their making. */
import type { Clock, Timer } from '#io/devices/clock/port.ts';

interface Waiting {
  readonly at: number;
  readonly fn: () => void;
}

export class VirtualClock implements Clock {
  #now = 1_700_000_000_000;
  #timers: Waiting[] = [];

  now(): number {
    return this.#now;
  }
  monotonicMs(): number {
    return this.#now;
  }
  setTimeout(fn: () => void, delayMs: number): Timer {
    const timer = { at: this.#now + delayMs, fn };
    this.#timers.push(timer);
    this.#timers.sort((a, b) => a.at - b.at);
    return timer;
  }
  clearTimeout(timer: Timer): void {
    this.#timers = this.#timers.filter((candidate) => candidate !== timer);
  }

  get pending(): number {
    return this.#timers.length;
  }

  /** Lets everything that is ready run, then fires the next timer. @returns false when there was none */
  async step(): Promise<boolean> {
    await settle();
    const next = this.#timers.shift();
    if (!next) return false;
    this.#now = Math.max(this.#now, next.at);
    next.fn();
    await settle();
    return true;
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    await settle();
    while (this.#timers[0] && this.#timers[0].at <= until) await this.step();
    this.#now = until;
  }
}

/** Until no promise has anything more to do by itself. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
