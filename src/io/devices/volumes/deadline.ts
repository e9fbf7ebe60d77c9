/**
 * The time that one call to a device has left, over all the steps that it takes.
 *
 * A call carries one `timeoutMs` for the whole; a deadline is made when the call begins and is handed from step to
 * step in place of the call: its `timeoutMs` is what is left now. It runs on the clock that it is given, so that the
 * simulated twin waits in virtual time.
 */
import type { Call } from '../call.ts';
import type { Clock, Timer } from '../clock/port.ts';
import { realClock } from '../clock/real.ts';
import { IoError } from '../error.ts';

export interface Deadline {
  readonly signal: AbortSignal;
  /** Milliseconds left, at this moment; never below 0. */
  readonly timeoutMs: number;
  /** @throws IoError ABORTED or TIMED_OUT: called between two steps */
  check(): void;
  /** Waits for the promise, but no longer than the deadline. @throws IoError ABORTED or TIMED_OUT */
  race<T>(promise: Promise<T>): Promise<T>;
}

export function deadline(call: Call, op: string, target: string, clock: Clock = realClock): Deadline {
  const endsAt = clock.monotonicMs() + call.timeoutMs;
  const leftMs = () => Math.max(0, endsAt - clock.monotonicMs());
  const aborted = () => new IoError('ABORTED', { op, target, message: `${op} of ${target} was cancelled` });
  const timedOut = () => new IoError('TIMED_OUT', { op, target, message: `${op} of ${target} did not end in time` });
  const check = () => {
    if (call.signal.aborted) throw aborted();
    if (leftMs() === 0) throw timedOut();
  };
  return {
    signal: call.signal,
    get timeoutMs() {
      return leftMs();
    },
    check,
    async race(promise) {
      check();
      let timer: Timer | undefined;
      let onAbort = (): void => undefined;
      const over = new Promise<never>((_, reject) => {
        onAbort = () => reject(aborted());
        timer = clock.setTimeout(() => reject(timedOut()), Math.min(leftMs(), longestTimerMs));
        call.signal.addEventListener('abort', onAbort, { once: true });
      });
      try {
        return await Promise.race([promise, over]);
      } finally {
        if (timer !== undefined) clock.clearTimeout(timer);
        call.signal.removeEventListener('abort', onAbort);
      }
    },
  };
}

const longestTimerMs = 2 ** 31 - 1;
