/**
 * Log lines of an app, as they come: collected for a tenth of a second, then sent together. A reader that is too slow
 * to follow gets the newest lines and the number of those that were left out; one that reads what there is, and does
 * not follow, gets every line in its own time.
 */
import type { LiveLogLine } from '#io/contract/live.ts';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import { Chunk, frame } from './frames.ts';
import type { Outlet } from './outlet.ts';

const collectMs = 100;
/** Lines that wait for a slow reader. */
const maxWaiting = 2000;
const maxTextChars = 64 * 1024;

export interface LogsSubOptions {
  readonly sub: number;
  readonly clock: Clock;
  readonly outlet: Outlet;
  readonly follow: boolean;
  /** Ends when the signal aborts. */
  lines(signal: AbortSignal): AsyncIterable<LiveLogLine>;
  /** It is over; an error says why. */
  end(error?: unknown): void;
}

export class LogsSub {
  readonly #options: LogsSubOptions;
  readonly #stop = new AbortController();
  #waiting: LiveLogLine[] = [];
  #dropped = 0;
  #timer: Timer | undefined;

  constructor(options: LogsSubOptions) {
    this.#options = options;
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
    if (this.#timer) this.#options.clock.clearTimeout(this.#timer);
    this.#waiting = [];
  }

  async #run(): Promise<void> {
    const { outlet, follow, lines, end } = this.#options;
    const { signal } = this.#stop;
    try {
      for await (const line of lines(signal)) {
        if (signal.aborted) return;
        this.#take(line);
        if (!follow && this.#waiting.length >= maxWaiting / 2) await this.#sendAll();
      }
      if (signal.aborted) return;
      await this.#sendAll();
      // What left nothing behind may still be told; a closed one not.
      if (!this.#stop.signal.aborted) end();
    } catch (error) {
      if (signal.aborted) return;
      if (outlet.hasRoom) this.#send();
      end(error);
    }
  }

  #take(line: LiveLogLine): void {
    this.#waiting.push(line.text.length > maxTextChars ? { ...line, text: line.text.slice(0, maxTextChars) } : line);
    if (this.#waiting.length > maxWaiting) {
      this.#waiting.shift();
      this.#dropped++;
    }
    this.#timer ??= this.#options.clock.setTimeout(() => this.#due(), collectMs);
  }

  #due(): void {
    this.#timer = undefined;
    if (this.#options.outlet.hasRoom) this.#send();
    // A slow reader: they wait, up to a number.
    else if (this.#waiting.length > 0) this.#timer = this.#options.clock.setTimeout(() => this.#due(), collectMs);
  }

  /** Everything that waits, as fast as the reader takes it. */
  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      await this.#options.outlet.room();
      if (!this.#stop.signal.aborted) this.#send();
    }
  }

  /** One frame. */
  #send(): void {
    const { sub, outlet } = this.#options;
    const chunk = new Chunk();
    let taken = 0;
    for (const line of this.#waiting) {
      if (!chunk.add(JSON.stringify(line))) break;
      taken++;
    }
    if (taken === 0 && this.#dropped === 0) return;
    const lines = this.#waiting.splice(0, taken);
    const dropped = this.#dropped === 0 ? {} : { dropped: this.#dropped };
    this.#dropped = 0;
    outlet.send(frame({ t: 'lines', sub, lines, ...dropped }));
    if (this.#waiting.length > 0) this.#timer ??= this.#options.clock.setTimeout(() => this.#due(), 0);
  }
}
