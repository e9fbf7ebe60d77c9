/**
 * Writes the watermark at coarse intervals: one write about a second after the log has grown, never two at once.
 * A write that fails is reported like any failed write of the log: the state of the disk is unknown.
 */
import type { Clock, Timer } from '../../devices/clock/port.ts';
import type { Mark, Watermark } from './watermark.ts';

const intervalMs = 1000;

export class WatermarkKeeper {
  readonly #watermark: Watermark;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #incarnation: string;
  #written: number;
  #wanted: number;
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(watermark: Watermark, mark: Mark, clock: Clock, onError: (error: unknown) => void) {
    this.#watermark = watermark;
    this.#clock = clock;
    this.#onError = onError;
    this.#incarnation = mark.incarnation;
    this.#written = mark.durable;
    this.#wanted = mark.durable;
  }

  /** Everything up to this index is durable. */
  grew(durable: number): void {
    this.#wanted = durable;
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.flush().catch(this.#onError);
    }, intervalMs);
  }

  /** Writes now what is not written yet. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      if (this.#written === this.#wanted) return;
      const durable = this.#wanted;
      await this.#watermark.write({ incarnation: this.#incarnation, durable });
      this.#written = durable;
    });
    return this.#writing;
  }

  stop(): void {
    if (this.#timer) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
