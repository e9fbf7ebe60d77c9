/**
 * What stands between a simulated daemon and the devices of its host. Devices live on when the daemon is killed; a
 * call of a dead daemon may still have its effect, but its answer never arrives.
 */
import type { Clock } from '../devices/clock/port.ts';

const never = new Promise<never>(() => {});

export class Gate {
  #isOpen = true;

  close(): void {
    this.#isOpen = false;
  }

  /** The same port, as this daemon sees it. */
  through<P extends object>(port: P): P {
    return new Proxy(port, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          if (!this.#isOpen) return never;
          const result: unknown = (member as (...args: unknown[]) => unknown).apply(target, args);
          if (isAsyncIterable(result)) return this.#lines(result);
          return result instanceof Promise ? this.#answer(result) : result;
        };
      },
    });
  }

  /** A clock whose timers do nothing once the gate is closed. */
  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      monotonicMs: () => clock.monotonicMs(),
      setTimeout: (fn, delayMs) => clock.setTimeout(() => (this.#isOpen ? fn() : undefined), delayMs),
      clearTimeout: (timer) => clock.clearTimeout(timer),
    };
  }

  async #answer<T>(result: Promise<T>): Promise<T> {
    try {
      const value = await result;
      return this.#isOpen ? value : await never;
    } catch (error) {
      if (!this.#isOpen) await never;
      throw error;
    }
  }

  async *#lines<T>(source: AsyncIterable<T>): AsyncIterable<T> {
    for await (const line of source) {
      if (!this.#isOpen) await never;
      yield line;
    }
  }
}

const isAsyncIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
