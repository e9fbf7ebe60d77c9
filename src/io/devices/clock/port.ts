/** Time, given to everything that needs it: the wall clock, a clock that only goes forward, and timers. */
export interface Clock {
  /** Milliseconds since 1970 by the wall clock; may jump. */
  now(): number;
  /** Milliseconds since some start; never goes back, does not jump. */
  monotonicMs(): number;
  /** The shape XState wants of a clock. */
  setTimeout(fn: () => void, delayMs: number): Timer;
  clearTimeout(timer: Timer): void;
}
export type Timer = object;

/** Resolves after the delay, or at once when the signal aborts; never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.setTimeout(done, delayMs);
    signal?.addEventListener('abort', done, { once: true });
  });
}
