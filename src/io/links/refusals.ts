/**
 * Who was turned away, and why, told once an hour for each: a stranger who knocks all day fills no disk. What was left
 * untold is counted and told with the next one.
 *
 * Memory is bounded: beyond that many different callers, the others are told as one.
 */
import type { Logger } from 'pino';
import type { Clock } from '../devices/clock/port.ts';

const hourMs = 60 * 60 * 1000;
const maxKeys = 1000;
const everybodyElse = 'others';

interface Seen {
  readonly sinceMs: number;
  untold: number;
}

export class RefusalLog {
  readonly #log: Logger;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #words: string;
  /** In the order of `sinceMs`. */
  readonly #seen = new Map<string, Seen>();

  /** @param words what each line says */
  constructor(log: Logger, clock: Pick<Clock, 'monotonicMs'>, words = 'refused a connection') {
    this.#log = log;
    this.#clock = clock;
    this.#words = words;
  }

  /** @param who a node, or the address of a stranger: what it says of itself it could say anew each time */
  refused(who: string, code: string, explain: string): void {
    this.#forgetOld();
    const isOwn = this.#seen.has(keyOf(who, code)) || this.#seen.size < maxKeys;
    const named = isOwn ? who : everybodyElse;
    const key = keyOf(named, code);
    const seen = this.#seen.get(key);
    if (seen) {
      seen.untold += 1;
      return;
    }
    this.#seen.set(key, { sinceMs: this.#clock.monotonicMs(), untold: 0 });
    this.#log.warn({ who: named, code, explain }, this.#words);
  }

  #forgetOld(): void {
    const beforeMs = this.#clock.monotonicMs() - hourMs;
    for (const [key, { sinceMs, untold }] of this.#seen) {
      if (sinceMs > beforeMs) return;
      this.#seen.delete(key);
      const [who, code] = JSON.parse(key) as [string, string];
      if (untold > 0) this.#log.warn({ who, code, times: untold }, `${this.#words}, more often within an hour`);
    }
  }
}

const keyOf = (who: string, code: string): string => JSON.stringify([who, code]);
