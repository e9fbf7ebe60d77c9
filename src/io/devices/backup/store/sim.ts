/**
 * Objects in memory, with a store that can be told to misbehave: to say that it stored and not to do it, to lose what it
 * had, to flip bits, to do what was asked and then to time out, to be full. Its clock is its own.
 *
 * `SimObjects` is what lies there, and outlives whoever uses it. Each user has a store of its own over it, and may die at
 * any call: from then on nothing of that user has an effect, and nothing is answered.
 */
import {
  checkKey,
  checkPrefix,
  checkSize,
  noObject,
  noRange,
  storeError,
  type ObjectStore,
  type StoredObject,
} from './port.ts';

export interface SimCall {
  readonly op: 'put' | 'get' | 'head' | 'list' | 'delete';
  readonly key: string;
  /** Calls of this user before this one. */
  readonly nth: number;
}

/**
 * - `lie`: says it is done and does nothing (put, delete) · `stale`: lists what was there when this user came · `flip`: turns a bit over in what is stored, or given
 * - `time-out`: does it, and says TIMED_OUT · `full` and `fail`: does nothing, and says so
 * - `die-before`, `die-after`: the user dies, before the effect or after it
 */
export type SimFault = 'lie' | 'stale' | 'flip' | 'time-out' | 'full' | 'fail' | 'die-before' | 'die-after';

export interface SimUser {
  /** Asked before each call. May take its time: others go on meanwhile. */
  fault?(call: SimCall): SimFault | undefined | Promise<SimFault | undefined>;
}

export class SimObjects {
  readonly #objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedAt: number }>();
  /** The clock of the store; goes on by a second with each put. */
  nowMs = 1_700_000_000_000;

  store(user: SimUser = {}): ObjectStore {
    let [isDead, calls] = [false, 0];
    const before = new Set(this.keys());
    const step = async <T>(
      op: SimCall['op'],
      key: string,
      signal: AbortSignal,
      effect: (flip: boolean, isStale: boolean) => T,
      lie?: T,
    ) => {
      // A call is a round trip, and others act meanwhile.
      await Promise.resolve();
      const fault = isDead ? undefined : await user.fault?.({ op, key, nth: calls++ });
      if (isDead || fault === 'die-before') isDead = true;
      if (isDead) return new Promise<never>(() => undefined);
      if (signal.aborted) throw storeError('ABORTED', op, key, `${op} of ${key} was cancelled`);
      if (fault === 'full') throw storeError('NO_SPACE', op, key, 'the store is full', 'Free space there.');
      if (fault === 'fail') throw storeError('FAILED', op, key, 'the store does not answer');
      if (fault === 'lie' && lie !== undefined) return lie;
      const result = effect(fault === 'flip', fault === 'stale');
      if (fault === 'die-after') {
        isDead = true;
        return new Promise<never>(() => undefined);
      }
      if (fault === 'time-out') throw storeError('TIMED_OUT', op, key, `${op} of ${key} did not end in time`);
      return result;
    };
    return {
      where: 'the simulated store',
      put: async (key, bytes, signal) => {
        checkKey('put', key);
        checkSize('put', key, bytes.length);
        // Not `slice`, which of a Buffer is no copy.
        const copy = new Uint8Array(bytes);
        const put = (flip: boolean) => this.#put(key, flip ? flipped(copy) : copy);
        return step<'stored' | 'exists'>('put', key, signal, put, 'stored');
      },
      get: async (key, signal, range) => {
        checkKey('get', key);
        return step('get', key, signal, (flip) => {
          const object = this.#objects.get(key);
          if (!object) throw noObject('the simulated store', key);
          if (range && range.from >= object.bytes.length) throw noRange('the simulated store', key, range);
          const bytes = new Uint8Array(object.bytes.subarray(range?.from, range?.to));
          return flip ? flipped(bytes) : bytes;
        });
      },
      head: async (key, signal) => {
        checkKey('head', key);
        return step('head', key, signal, () => this.#at(key));
      },
      list: (prefix, signal) => {
        checkPrefix(prefix);
        const found = (_: boolean, isStale: boolean) =>
          this.keys(prefix).flatMap((key) => (isStale && !before.has(key) ? [] : (this.#at(key) ?? [])));
        return (async function* () {
          yield* await step('list', prefix, signal, found);
        })();
      },
      delete: async (key, signal) => {
        checkKey('delete', key);
        await step('delete', key, signal, () => this.#objects.delete(key), true);
      },
    };
  }

  keys(prefix = ''): readonly string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).toSorted();
  }

  bytesOf(key: string): Uint8Array | undefined {
    const object = this.#objects.get(key);
    return object && new Uint8Array(object.bytes);
  }

  /** By a hand from outside: a disk that dies, somebody who cleans up. */
  lose(key: string): void {
    this.#objects.delete(key);
  }

  /** @param bit counted from the first byte; beyond the end it begins anew */
  flip(key: string, bit: number): void {
    const object = this.#objects.get(key);
    if (object) this.#objects.set(key, { ...object, bytes: flipped(object.bytes, bit) });
  }

  copy(): SimObjects {
    const other = new SimObjects();
    for (const [key, object] of this.#objects) other.#objects.set(key, object);
    other.nowMs = this.nowMs;
    return other;
  }

  #put(key: string, bytes: Uint8Array): 'stored' | 'exists' {
    if (this.#objects.has(key)) return 'exists';
    this.nowMs += 1000;
    this.#objects.set(key, { bytes, modifiedAt: this.nowMs });
    return 'stored';
  }

  #at(key: string): StoredObject | undefined {
    const object = this.#objects.get(key);
    return object && { key, sizeBytes: object.bytes.length, modifiedAt: object.modifiedAt };
  }
}

function flipped(bytes: Uint8Array, bit = 8 * (bytes.length >> 1)): Uint8Array {
  const copy = new Uint8Array(bytes);
  const at = Math.floor(bit / 8) % Math.max(1, copy.length);
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8));
  return copy;
}
