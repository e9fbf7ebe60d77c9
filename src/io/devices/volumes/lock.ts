/**
 * One at a time per key, in the order of asking. Steps on one dataset must not interleave, whoever asks for them;
 * different datasets do not wait for one another.
 */
import type { Deadline } from './deadline.ts';

export type Locked = <T>(key: string, within: Deadline, body: () => Promise<T>) => Promise<T>;

/** @throws IoError ABORTED, TIMED_OUT while waiting; then the body never runs */
export function keyedLock(): Locked {
  const tails = new Map<string, Promise<void>>();
  return async (key, within, body) => {
    const before = tails.get(key) ?? Promise.resolve();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const tail = before.then(() => held);
    tails.set(key, tail);
    try {
      await within.race(before);
      within.check();
      return await body();
    } finally {
      release();
      if (tails.get(key) === tail) tails.delete(key);
    }
  };
}
