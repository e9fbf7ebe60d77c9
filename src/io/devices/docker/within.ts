/**
 * Bounds one call to an engine: it ends when the work ends, when the caller aborts, or when its time is over.
 *
 * The work gets a signal of its own and should stop when that aborts; whether it does or not, the caller is answered
 * at once. What the engine did meanwhile is unknown then, as `Call` says.
 */
import { setMaxListeners } from 'node:events';
import { formatDuration } from '#events/values/duration.ts';
import type { Call } from '../call.ts';
import type { Clock } from '../clock/port.ts';
import { IoError } from '../error.ts';

/** What is attempted, and on what: both end up in the error. */
export interface About {
  readonly op: string;
  readonly target: string;
}

/** @throws ABORTED, TIMED_OUT, and whatever `work` rejects with */
export async function within<T>(
  clock: Clock,
  call: Pick<Call, 'signal' | 'timeoutMs'>,
  about: About,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (call.signal.aborted) throw cancelled(about);
  // One signal may well end dozens of calls: that is no leak.
  setMaxListeners(0, call.signal);
  const own = new AbortController();
  let give: (error: IoError) => void = () => {};
  const over = new Promise<never>((_, reject) => (give = reject));
  const end = (error: IoError) => {
    give(error);
    own.abort();
  };
  const onAbort = () => end(cancelled(about));
  const timer = clock.setTimeout(() => end(late(about, call.timeoutMs)), call.timeoutMs);
  call.signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([over, work(own.signal)]);
  } finally {
    clock.clearTimeout(timer);
    call.signal.removeEventListener('abort', onAbort);
  }
}

/**
 * The call of something that is not cancelled once it has begun: only its time ends it.
 * @throws ABORTED when it was cancelled before
 */
export function toItsEnd(call: Call, about: About): Call {
  if (call.signal.aborted) throw cancelled(about);
  return { ...call, signal: new AbortController().signal };
}

export const cancelled = ({ op, target }: About): IoError =>
  new IoError('ABORTED', { op, target, message: `${op} of ${target} was cancelled` });

const late = ({ op, target }: About, timeoutMs: number): IoError =>
  new IoError('TIMED_OUT', {
    op,
    target,
    message: `${op} of ${target} took longer than ${formatDuration(timeoutMs)}`,
    hint: 'The engine may still finish it. Look at the load of the machine and at the log of the engine.',
  });
