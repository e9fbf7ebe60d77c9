/**
 * Waits for one thing after another, each for no longer than a silence may be: a stream may take days, so there is no
 * time-out for the whole. One timer looks now and then, because one for each piece would cost as much as the piece.
 */
import type { Clock, Timer } from '../clock/port.ts';
import { realClock } from '../clock/real.ts';
import { IoError } from '../error.ts';

export interface Patience {
  /** One at a time. @throws IoError ABORTED, TIMED_OUT */
  wait<T>(promise: Promise<T>): Promise<T>;
  /** Nobody waits any more. */
  end(): void;
}

export interface PatienceOptions {
  readonly op: string;
  readonly target: string;
  readonly signal: AbortSignal;
  readonly silenceMs: number;
  readonly clock?: Clock;
}

export function patience({ op, target, signal, silenceMs, clock = realClock }: PatienceOptions): Patience {
  let fail: ((error: IoError) => void) | undefined;
  let since = 0;
  let timer: Timer | undefined;
  const look = (): void => {
    timer = undefined;
    if (!fail) return;
    const silentMs = clock.monotonicMs() - since;
    if (silentMs < silenceMs) return watch(silenceMs - silentMs);
    fail(new IoError('TIMED_OUT', { op, target, message: `${op} for ${target}: nothing for ${silenceMs / 1000} s` }));
  };
  const watch = (ms: number): void => {
    timer = clock.setTimeout(look, Math.min(ms, longestLookMs));
  };
  const aborted = () => new IoError('ABORTED', { op, target, message: `${op} for ${target} was cancelled` });
  const onAbort = () => fail?.(aborted());
  signal.addEventListener('abort', onAbort, { once: true });

  return {
    async wait(promise) {
      if (signal.aborted) {
        promise.catch(() => undefined);
        throw aborted();
      }
      since = clock.monotonicMs();
      if (timer === undefined) watch(silenceMs);
      try {
        return await new Promise((resolve, reject) => {
          fail = reject;
          promise.then(resolve, reject);
        });
      } finally {
        fail = undefined;
      }
    },
    end() {
      if (timer !== undefined) clock.clearTimeout(timer);
      timer = undefined;
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/** A timer that was set for one piece serves for the next ones, too. */
const longestLookMs = 1000;
