/** Long work in slices: others on the same thread get their turn between them, and it ends when nobody wants it any more. */
import { setImmediate as turn } from 'node:timers/promises';
import type { Call } from '../call.ts';
import { realClock } from '../clock/real.ts';
import { deadline } from '../volumes/deadline.ts';

const sliceMs = 10;
/** Whoever waits is told now and then that it gets on. */
const tellMs = 500;

/** @returns to be called often; a promise is waited for. @throws IoError ABORTED, TIMED_OUT */
export function slices(call: Call, op: string, target: string): () => Promise<void> | undefined {
  const within = deadline(call, op, target);
  let since = realClock.monotonicMs();
  let toldAt = since;
  within.check();
  const next = async (): Promise<void> => {
    await turn();
    within.check();
    since = realClock.monotonicMs();
    if (since - toldAt < tellMs) return;
    toldAt = since;
    call.progress({ text: `${op} of ${target}` });
  };
  return () => (realClock.monotonicMs() - since < sliceMs ? undefined : next());
}
