/**
 * A pool may stop answering: its disk hangs, the server of its share is gone. What waits for such a file system can be
 * neither ended nor timed, and keeps a thread of those that Node has for files, which the log of the lab needs, too. So
 * the caller has his answer in time, what he waited for is left behind, and nobody begins more there while
 * `mostLeftBehind` still wait: whoever comes waits for one of them, as long as his own time lasts.
 */
import type { Call } from '../call.ts';
import { sleep, type Clock } from '../clock/port.ts';
import { IoError } from '../error.ts';
import { deadline } from './deadline.ts';

/** One may be something that only took longer than it was given. */
const mostLeftBehind = 2;
/** A program that is ended at the end of the time needs a moment until it is gone, and its caller until all is tidy. */
const graceMs = 10_000;

export type Answering = <T>(op: string, pool: string, call: Call, work: () => Promise<T>) => Promise<T>;

/** @throws IoError TIMED_OUT, ABORTED: the work may still go on after that */
export function answering(clock: Clock): Answering {
  const leftBehind = new Map<string, Set<Promise<void>>>();

  async function turn(op: string, pool: string, call: Call): Promise<void> {
    const within = deadline(call, op, pool, clock);
    for (let left = leftBehind.get(pool); left && left.size >= mostLeftBehind; left = leftBehind.get(pool)) {
      try {
        await within.race(Promise.race(left));
      } catch (error) {
        throw error instanceof IoError && error.code === 'TIMED_OUT' ? silent(op, pool, left.size) : error;
      }
    }
  }

  function leave(pool: string, work: Promise<unknown>): void {
    const left = leftBehind.get(pool) ?? new Set();
    leftBehind.set(pool, left);
    const over = work.then(
      () => undefined,
      () => undefined,
    );
    left.add(over);
    void over.then(() => {
      left.delete(over);
      if (left.size === 0) leftBehind.delete(pool);
    });
  }

  return async (op, pool, call, work) => {
    await turn(op, pool, call);
    const done = new AbortController();
    const doing = work();
    const inVain = lateness(clock, call, done.signal).then(() => {
      if (done.signal.aborted) return doing;
      leave(pool, doing);
      throw gaveUp(op, pool, call);
    });
    try {
      return await Promise.race([doing, inVain]);
    } finally {
      done.abort();
    }
  };
}

/** Resolves when the caller should have had an answer for so long that none is to be expected, or when he has it. */
async function lateness(clock: Clock, call: Call, done: AbortSignal): Promise<void> {
  await sleep(clock, Math.min(call.timeoutMs, longestTimerMs), AbortSignal.any([call.signal, done]));
  await sleep(clock, graceMs, done);
}

function gaveUp(op: string, pool: string, { signal }: Call): IoError {
  const code = signal.aborted ? 'ABORTED' : 'TIMED_OUT';
  const message = `${op} in the pool ${pool} was given up, and has not ended since: its file system does not answer`;
  return new IoError(code, { op, target: pool, message, hint });
}

const silent = (op: string, pool: string, count: number): IoError =>
  new IoError('TIMED_OUT', {
    op,
    target: pool,
    message: `${op} did not begin: the file system of the pool ${pool} does not answer, ${count} calls still wait for it`,
    hint,
  });

const hint = 'Look at its disks, or at the server of its share: it goes on by itself when they answer.';
const longestTimerMs = 2 ** 31 - 1;
