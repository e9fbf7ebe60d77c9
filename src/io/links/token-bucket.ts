/**
 * So many bytes per second and no more, shared by everybody who takes from the same bucket, in the order in which they
 * come: whoever takes more than there is leaves a debt, and waits until it is paid.
 */
import { sleep, type Clock } from '../devices/clock/port.ts';

export class TokenBucket {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #burstBytes: number;
  #bytes: number;
  #atMs: number;

  /** @param options.burstBytes what may pass at once after a rest; a tenth of a second's worth by default */
  constructor(options: { readonly bytesPerSecond: number; readonly burstBytes?: number; readonly clock: Clock }) {
    const { bytesPerSecond, clock } = options;
    if (!(bytesPerSecond > 0)) throw new RangeError('a rate limit must be more than 0 bytes per second');
    this.#clock = clock;
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#burstBytes = options.burstBytes ?? bytesPerSecond / 10;
    this.#bytes = this.#burstBytes;
    this.#atMs = clock.monotonicMs();
  }

  /** Resolves when these bytes may pass, or when the signal aborts. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const now = this.#clock.monotonicMs();
    this.#bytes = Math.min(this.#burstBytes, this.#bytes + (now - this.#atMs) * this.#bytesPerMs);
    this.#atMs = now;
    this.#bytes -= bytes;
    if (this.#bytes >= 0) return;
    await sleep(this.#clock, -this.#bytes / this.#bytesPerMs, signal);
    // Not passed after all.
    if (signal?.aborted) this.#bytes += bytes;
  }
}
