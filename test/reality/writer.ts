/** Somebody who writes all the time, one request after another, and remembers what was answered. */
import { randomUUID } from 'node:crypto';
import { Refused, type Api } from './api.ts';
import { pause } from './host.ts';

export class Writer {
  /** Values that were acknowledged, in order. */
  readonly acknowledged: string[] = [];
  /** The value of the last request, answered or not. */
  attempted = '';
  /** When, by this process's clock. */
  readonly #at: number[] = [];
  /** Requests that were not answered by the first try, by what came instead. */
  readonly troubles: string[] = [];
  /** Values that none of the tries brought. */
  readonly failed: string[] = [];
  readonly #label: string;
  readonly #apis: readonly Api[];
  readonly #tries: number;
  readonly #withinMs: number;
  #isStopping = false;
  readonly #ended: Promise<void>;

  /** @param apis each request goes to the next one, a repeated one too */
  constructor(label: string, apis: readonly Api[], { tries = 1, withinMs = 35_000 } = {}) {
    this.#label = label;
    this.#apis = apis;
    this.#tries = tries;
    this.#withinMs = withinMs;
    this.#ended = this.#write();
  }

  async #write(): Promise<void> {
    let turn = 0;
    for (let count = 0; !this.#isStopping; count++) {
      const value = `${this.#label}-${count}`;
      this.attempted = value;
      const key = randomUUID();
      for (let tried = 1; tried <= this.#tries && !this.#isStopping; tried++) {
        const api = this.#apis[turn++ % this.#apis.length] as Api;
        try {
          await api.label('n1', { [this.#label]: value }, { key, withinMs: this.#withinMs });
          this.acknowledged.push(value);
          this.#at.push(performance.now());
          break;
        } catch (error) {
          this.troubles.push(error instanceof Refused ? error.problem.code : `no answer: ${String(error)}`);
          await pause(20);
        }
        if (tried === this.#tries) this.failed.push(value);
      }
    }
  }

  /** The longest time without an answer, since then. */
  longestGapMs(since: number): number {
    const times = [since, ...this.#at.filter((at) => at > since), performance.now()];
    return Math.max(...times.slice(1).map((at, before) => at - (times[before] ?? at)));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#ended;
  }
}
