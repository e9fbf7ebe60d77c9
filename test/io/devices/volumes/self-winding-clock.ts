/** A clock that does not wait: when nothing else is left to do, it jumps to the next timer. */
import type { Clock, Timer } from '#io/devices/clock/port.ts';

export function selfWindingClock(): Clock {
  const timers: { readonly at: number; readonly order: number; readonly fn: () => void }[] = [];
  let nowMs = 0;
  let order = 0;
  let pumping = false;
  const pump = () => {
    const next = timers.sort((a, b) => a.at - b.at || a.order - b.order).shift();
    if (!next) return void (pumping = false);
    nowMs = next.at;
    next.fn();
    setImmediate(pump);
  };
  return {
    now: () => 1_700_000_000_000 + nowMs,
    monotonicMs: () => nowMs,
    setTimeout(fn, delayMs): Timer {
      const timer = { at: nowMs + delayMs, order: order++, fn };
      timers.push(timer);
      if (!pumping) {
        pumping = true;
        setImmediate(pump);
      }
      return timer;
    },
    clearTimeout(timer) {
      const found = timers.indexOf(timer as (typeof timers)[number]);
      if (found >= 0) timers.splice(found, 1);
    },
  };
}
