/** Whether somebody says anything: one timer, however much is heard. */
import type { Clock, Timer } from '../../../devices/clock/port.ts';

export class Silence {
  readonly #clock: Clock;
  readonly #mostMs: number;
  readonly #tooLong: () => void;
  #sinceMs: number | undefined;
  #timer: Timer | undefined;

  /** Begins at once. @param tooLong is called when so much time has passed since the last `begin` */
  constructor(clock: Clock, mostMs: number, tooLong: () => void) {
    this.#clock = clock;
    this.#mostMs = mostMs;
    this.#tooLong = tooLong;
    this.begin();
  }

  begin(): void {
    this.#sinceMs = this.#clock.monotonicMs();
    this.#timer ??= this.#clock.setTimeout(() => this.#look(), this.#mostMs);
  }

  /** What was heard is being worked on: nobody is waited for. */
  pause(): void {
    this.#sinceMs = undefined;
  }

  end(): void {
    this.pause();
    if (this.#timer) this.#clock.clearTimeout(this.#timer);
  }

  #look(): void {
    this.#timer = undefined;
    if (this.#sinceMs === undefined) return;
    const leftMs = this.#sinceMs + this.#mostMs - this.#clock.monotonicMs();
    if (leftMs <= 0) this.#tooLong();
    else this.#timer = this.#clock.setTimeout(() => this.#look(), leftMs);
  }
}
