/**
 * Log lines of an app, as they come: collected for a tenth of a second or until they fill a frame, then sent together.
 *
 * A reader that follows and is too slow gets the newest lines and the number of those that were left out. Slow is who
 * stays behind for a while: a burst is no reason, because what is sent in one turn cannot leave in it. One that reads what there is, and does not follow, gets every line in its own time.
 */
import type { LiveLogLine } from '#io/contract/live.ts';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import { deadline } from '../deadline.ts';
import { Chunk, frame, maxChunkBytes, maxChunkRows } from './frames.ts';
import type { Outlet } from './outlet.ts';

const collectMs = 100;
/** What waits for a slow reader at most: so many lines, and so much text. */
const maxWaiting = 2000;
const maxWaitingChars = 4 * 1024 * 1024;
/** How long a reader may be behind before lines are left out. */
const patienceMs = 1000;
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
  #waitingChars = 0;
  #dropped = 0;
  /** Since when more waits than may, by the clock that never goes back; until less than a frame waits. */
  #behindSinceMs: number | undefined;
  #timer: Timer | undefined;
  #isAwaitingRoom = false;

  constructor(options: LogsSubOptions) {
    this.#options = options;
    void this.#run();
  }

  close(): void {
    this.#stop.abort();
    if (this.#timer) this.#options.clock.clearTimeout(this.#timer);
    this.#waiting = [];
    this.#waitingChars = 0;
  }

  async #run(): Promise<void> {
    const { outlet, follow, lines, end } = this.#options;
    const { signal } = this.#stop;
    try {
      for await (const line of lines(signal)) {
        if (signal.aborted) return;
        this.#take(line);
        if (!this.#fillsFrame) continue;
        if (!follow) await this.#sendAll();
        else if (outlet.hasRoom) this.#send();
        else if (this.#isTooMuch) await this.#makeRoom();
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

  get #fillsFrame(): boolean {
    return this.#waiting.length >= maxChunkRows || this.#waitingChars >= maxChunkBytes;
  }
  get #isTooMuch(): boolean {
    return this.#waiting.length > maxWaiting || this.#waitingChars > maxWaitingChars;
  }

  #take(line: LiveLogLine): void {
    const taken = line.text.length > maxTextChars ? { ...line, text: line.text.slice(0, maxTextChars) } : line;
    this.#waiting.push(taken);
    this.#waitingChars += taken.text.length;
    this.#timer ??= this.#options.clock.setTimeout(() => this.#due(), collectMs);
  }

  /** More waits than may: the reader gets its moment, once; then the oldest go. */
  async #makeRoom(): Promise<void> {
    const { clock, outlet } = this.#options;
    this.#behindSinceMs ??= clock.monotonicMs();
    const leftMs = this.#behindSinceMs + patienceMs - clock.monotonicMs();
    if (leftMs > 0) {
      const patience = deadline(clock, leftMs, this.#stop.signal);
      const over = aborted(patience.signal);
      while (!outlet.hasRoom && !patience.signal.aborted) await Promise.race([outlet.room(), over]);
      patience.done();
    }
    if (this.#stop.signal.aborted) return;
    if (outlet.hasRoom) return this.#send();
    while (this.#isTooMuch) {
      this.#waitingChars -= this.#waiting.shift()?.text.length ?? 0;
      this.#dropped++;
    }
  }

  #due(): void {
    this.#timer = undefined;
    if (this.#stop.signal.aborted || this.#waiting.length === 0) return;
    const { outlet } = this.#options;
    if (outlet.hasRoom) return this.#send();
    if (this.#isAwaitingRoom) return;
    // A slow reader: they wait, up to a number.
    this.#isAwaitingRoom = true;
    void outlet.room().then(() => {
      this.#isAwaitingRoom = false;
      this.#due();
    });
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
    for (const { text } of lines) this.#waitingChars -= text.length;
    if (!this.#fillsFrame) this.#behindSinceMs = undefined;
    const dropped = this.#dropped === 0 ? {} : { dropped: this.#dropped };
    this.#dropped = 0;
    outlet.send(frame({ t: 'lines', sub, lines, ...dropped }));
    if (this.#waiting.length > 0) this.#timer ??= this.#options.clock.setTimeout(() => this.#due(), 0);
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
