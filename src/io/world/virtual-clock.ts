/**
 * Virtual time: timers fire in order of their time (then of their making), and time jumps from one to the next.
 *
 * Everything in a simulated world waits either for a promise or for this clock, so once the promises have run dry the
 * world stands still, and the next timer is what happens next. One turn of the real event loop is enough for that:
 * promise callbacks run to exhaustion before it ends.
 */
import type { Clock, Timer } from '../devices/clock/port.ts';

interface Scheduled {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
  cancelled: boolean;
}

export class VirtualClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs: number;
  #order = 0;
  readonly #timers: Scheduled[] = [];

  /** @param startAt wall time at the beginning, milliseconds since 1970 */
  constructor(startAt: number) {
    this.#wallOffsetMs = startAt;
  }

  now(): number {
    return Math.floor(this.#nowMs + this.#wallOffsetMs);
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  /** Sets the wall clock forth or back; timers are not touched. */
  jump(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  setTimeout(fn: () => void, delayMs: number): Timer {
    const timer: Scheduled = { at: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fn, cancelled: false };
    const isAfter = (other: Scheduled): boolean => other.at > timer.at;
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      if (other && !isAfter(other)) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
    return timer;
  }

  clearTimeout(timer: Timer): void {
    const scheduled = timer as Scheduled;
    if (scheduled.cancelled) return;
    scheduled.cancelled = true;
    const at = this.#timers.indexOf(scheduled);
    if (at >= 0) this.#timers.splice(at, 1);
  }

  /** Lets everything happen that can happen without time passing, then the next timer. @returns false when none is left */
  async step(untilMs = Number.POSITIVE_INFINITY): Promise<boolean> {
    await quiet();
    const next = this.#timers[0];
    if (!next || next.at > untilMs) return false;
    this.#timers.shift();
    next.cancelled = true;
    this.#nowMs = Math.max(this.#nowMs, next.at);
    next.fn();
    return true;
  }

  /** Lets this much time pass. */
  async run(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    while (await this.step(untilMs));
    this.#nowMs = untilMs;
  }

  /** Lets time pass until the condition holds. @returns whether it did within the bound */
  async runUntil(condition: () => boolean, boundMs: number): Promise<boolean> {
    const untilMs = this.#nowMs + boundMs;
    await quiet();
    while (!condition()) {
      if (!(await this.step(untilMs))) {
        this.#nowMs = untilMs;
        await quiet();
        return condition();
      }
      await quiet();
    }
    return true;
  }
}

/** All promise callbacks that are ready have run. */
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
