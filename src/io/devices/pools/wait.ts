/** Looks again until something is so. What the kernel does by itself has no other way to tell that it is done. */
import type { Clock } from '../clock/port.ts';
import { sleep } from '../clock/port.ts';
import type { Deadline } from '../volumes/deadline.ts';

const firstMs = 50;
const slowestMs = 5000;

/**
 * @param look returns undefined while it is not yet so
 * @throws IoError ABORTED, TIMED_OUT; what `look` throws
 */
export async function waitUntil<T>(clock: Clock, within: Deadline, look: () => Promise<T | undefined>): Promise<T> {
  for (let pauseMs = firstMs; ; pauseMs = Math.min(slowestMs, pauseMs * 1.5)) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(clock, Math.min(pauseMs, within.timeoutMs), within.signal);
    within.check();
  }
}
