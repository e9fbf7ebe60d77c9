/** A signal that aborts after a while, by the clock that everything here is timed by. */
import type { Clock } from '../devices/clock/port.ts';

export interface Deadline {
  readonly signal: AbortSignal;
  /** It was in time: nothing aborts any more. */
  done(): void;
}

/** @param also other reasons to stop */
export function deadline(clock: Clock, timeoutMs: number, ...also: readonly AbortSignal[]): Deadline {
  const over = new AbortController();
  const timer = clock.setTimeout(() => over.abort(), timeoutMs);
  return {
    signal: also.length === 0 ? over.signal : AbortSignal.any([over.signal, ...also]),
    done: () => clock.clearTimeout(timer),
  };
}
