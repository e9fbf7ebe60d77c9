/**
 * Time for tests of simulated devices: it jumps to the next timer as soon as nothing else is left to do. Hours pass in
 * milliseconds, and always in the same order.
 */
import type { Clock, Timer } from '#io/devices/clock/port.ts';

interface Waiting {
  readonly at: number;
  readonly fn: () => void;
}

export function restlessClock(): Clock {
  let now = 1_800_000_000_000;
  let waiting: Waiting[] = [];
  let isMoving = false;

  const move = () => {
    const next = waiting.shift();
    isMoving = next !== undefined;
    if (!next) return;
    now = Math.max(now, next.at);
    next.fn();
    // After everything that this has set going by promises.
    setImmediate(move);
  };
  return {
    now: () => now,
    monotonicMs: () => now,
    setTimeout(fn, delayMs): Timer {
      const timer = { at: now + delayMs, fn };
      const later = waiting.findIndex(({ at }) => at > timer.at);
      waiting.splice(later < 0 ? waiting.length : later, 0, timer);
      if (!isMoving) {
        isMoving = true;
        setImmediate(move);
      }
      return timer;
    },
    clearTimeout(timer) {
      waiting = waiting.filter((one) => one !== timer);
    },
  };
}
