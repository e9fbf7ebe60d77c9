/**
 * What everything on one simulated disk shares: how fast it is, whether it hangs, is full, or is about to fail. Two
 * databases and a directory on one medium stall together, as on one real disk.
 */
import { sleep, type Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { StoreError } from './port.ts';

export interface SimMediumOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Of each call, on average; a call takes 0.5 to 1.5 times as long. With 0 there are no timers at all. */
  readonly latencyMs: number;
}

export type WriteFault = 'ENOSPC' | 'EIO';

interface Stall {
  readonly over: Promise<void>;
  end(): void;
}

export class SimMedium {
  readonly #options: SimMediumOptions;
  #stall: Stall | undefined;
  #failsWrite: WriteFault | undefined;
  #failsSync = false;
  /** Every write fails with ENOSPC, until there is room again. */
  isFull = false;

  constructor(options: SimMediumOptions) {
    this.#options = options;
  }

  get random(): Random {
    return this.#options.random;
  }

  /** What a call waits for; undefined when it need not wait. */
  delay(): Promise<void> | undefined {
    const { clock, random, latencyMs } = this.#options;
    if (latencyMs === 0) return this.#stall?.over;
    const slept = sleep(clock, latencyMs * (0.5 + random.next()));
    return slept.then(() => this.#stall?.over);
  }

  /** Calls hang, those under way too, for this long or until released. A crash does not help. @returns what releases it */
  stall(forMs?: number): () => void {
    if (!this.#stall) {
      let end = (): void => undefined;
      const over = new Promise<void>((resolve) => (end = resolve));
      this.#stall = { over, end };
    }
    const stall = this.#stall;
    const release = (): void => {
      if (this.#stall === stall) this.#stall = undefined;
      stall.end();
    };
    if (forMs !== undefined) this.#options.clock.setTimeout(release, forMs);
    return release;
  }

  /** The next write fails; nobody knows what of it is on the disk. */
  failNextWrite(code: WriteFault): void {
    this.#failsWrite = code;
  }

  /** The next sync fails. What it should have written counts as written from then on, and is not on the disk. */
  failNextSync(): void {
    this.#failsSync = true;
  }

  /** Faults that waited for a process which is dead now. */
  forgetFaults(): void {
    this.#failsWrite = undefined;
    this.#failsSync = false;
  }

  takeWriteFault(): WriteFault | undefined {
    if (this.isFull) return 'ENOSPC';
    const code = this.#failsWrite;
    this.#failsWrite = undefined;
    return code;
  }

  takeSyncFault(): boolean {
    const fails = this.#failsSync;
    this.#failsSync = false;
    return fails;
  }

  /** Uniform integer in [0, below). */
  below(below: number): number {
    return Math.floor(this.random.next() * below);
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(items.length)];
  }
}

export function simFailure(doing: string, code: WriteFault): StoreError {
  const cause = Object.assign(new Error(code), { code });
  return new StoreError('FAILED', `cannot ${doing}: ${code}`, 'End the process.', cause);
}

/** A copy with one bit changed. */
export function withFlippedBit(bytes: Uint8Array, bit: number): Uint8Array {
  const flipped = bytes.slice();
  flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
  return flipped;
}

/** What a call of a dead process gets. */
export const never = (): Promise<never> => new Promise(() => undefined);
