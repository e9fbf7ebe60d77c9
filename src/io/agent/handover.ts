/**
 * Where the bytes of an export or an import pass from one to the other: the work of this node, which a committed state
 * asks for, and whoever asked for it, on a connection that may come from another node. Whoever is first waits for the
 * other, for a while. Nothing of it outlives the process: what was cut off begins anew, or fails.
 */
import type { Clock } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import { deadline } from '../devices/volumes/deadline.ts';

/** Bytes that pass once. */
export interface Passing {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Whoever takes them has done with them, well or not. */
  end(error?: unknown): void;
}

/** How long the first one waits for the other. */
const meetWithinMs = 30_000;

interface Meeting {
  readonly given: Later<Passing>;
  readonly taken: Later<void>;
}

export class Handover {
  readonly #clock: Clock;
  readonly #meetings = new Map<string, Meeting>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Resolves when somebody has taken all of them.
   * @throws IoError TIMED_OUT when nobody comes, ABORTED, BUSY; and what the one who took them ended with
   */
  async give(id: string, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const { given, taken } = this.#meetingOf(id);
    if (given.isSettled) throw twice(id);
    const done = later<void>();
    given.resolve({
      bytes,
      end: (error) => (error === undefined ? done.resolve() : done.reject(error)),
    });
    try {
      await this.#within(id, signal, meetWithinMs).race(taken.promise);
      await this.#within(id, signal, longestMs).race(done.promise);
    } finally {
      this.#meetings.delete(id);
    }
  }

  /** The one who takes them says how it ended. @throws IoError TIMED_OUT when nobody comes, ABORTED, BUSY */
  async take(id: string, signal: AbortSignal): Promise<Passing> {
    const { given, taken } = this.#meetingOf(id);
    if (taken.isSettled) throw twice(id);
    taken.resolve();
    try {
      return await this.#within(id, signal, meetWithinMs).race(given.promise);
    } catch (error) {
      this.#meetings.delete(id);
      throw error;
    }
  }

  #meetingOf(id: string): Meeting {
    const meeting = this.#meetings.get(id) ?? { given: later<Passing>(), taken: later<void>() };
    this.#meetings.set(id, meeting);
    return meeting;
  }

  #within(id: string, signal: AbortSignal, timeoutMs: number) {
    return deadline({ signal, timeoutMs, progress: () => {} }, 'hand over', id, this.#clock);
  }
}

/** For ever, as timers count. */
const longestMs = 2 ** 31 - 1;

const twice = (id: string): IoError =>
  new IoError('BUSY', { op: 'hand over', target: id, message: 'somebody is there for it already' });

interface Later<T> {
  readonly promise: Promise<T>;
  isSettled: boolean;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function later<T>(): Later<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Whoever waits for it may have gone.
  promise.catch(() => {});
  const one: Later<T> = {
    promise,
    isSettled: false,
    resolve: (value) => {
      one.isSettled = true;
      resolve(value);
    },
    reject,
  };
  return one;
}
