/**
 * Waiting that a signal can end.
 *
 * Thousands may wait under one signal, and Node warns of a leak at the eleventh listener: so there is one listener
 * for each signal, and it is taken off when nobody waits any more. (A listener that stays keeps signals that were
 * made of several alive as long as those.)
 */
interface Waiters {
  readonly all: Set<() => void>;
  readonly listener: () => void;
}
const waiting = new WeakMap<AbortSignal, Waiters>();

/** Calls `fn` when the signal, which has not aborted yet, does. @returns what takes that back */
export function onAbort(signal: AbortSignal, fn: () => void): () => void {
  const waiters = waiting.get(signal) ?? listen(signal);
  waiters.all.add(fn);
  return () => {
    if (!waiters.all.delete(fn) || waiters.all.size > 0) return;
    signal.removeEventListener('abort', waiters.listener);
    waiting.delete(signal);
  };
}

function listen(signal: AbortSignal): Waiters {
  const all = new Set<() => void>();
  const listener = () => {
    for (const fn of [...all]) fn();
  };
  const waiters = { all, listener };
  signal.addEventListener('abort', listener, { once: true });
  waiting.set(signal, waiters);
  return waiters;
}

/** Waits for the promise no longer than the signal allows; what the promise stands for goes on. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(reasonOf(signal));
    const forget = signal.aborted ? giveUp() : onAbort(signal, giveUp);
    promise.then(
      (value) => {
        forget?.();
        resolve(value);
      },
      (error: unknown) => {
        forget?.();
        reject(error);
      },
    );
  });
}

const reasonOf = (signal: AbortSignal): Error =>
  signal.reason instanceof Error ? signal.reason : new DOMException('This operation was aborted', 'AbortError');
