/**
 * So many at a time for each key, in the order of asking. Hundreds of volumes may be due at the same moment: their file
 * system does them one after the other all the same, and the time of each begins when it has its turn.
 */
export class Turns {
  readonly #most: number;
  readonly #busy = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(most: number) {
    this.#most = most;
  }

  /** @param signal whoever is not wanted any more gives up his place: the work has to look at it */
  async run<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#turn(key, signal);
    try {
      return await work();
    } finally {
      this.#end(key);
    }
  }

  async #turn(key: string, signal: AbortSignal): Promise<void> {
    const busy = this.#busy.get(key) ?? 0;
    if (busy < this.#most) return void this.#busy.set(key, busy + 1);
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.set(key, waiting);
    await new Promise<void>((resolve, reject) => {
      const giveUp = (): void => {
        waiting.splice(waiting.indexOf(go), 1);
        reject(signal.reason as Error);
      };
      // The place of whoever has ended: the number of those who are busy stays.
      const go = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      if (signal.aborted) return reject(signal.reason as Error);
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.push(go);
    });
  }

  #end(key: string): void {
    const next = this.#waiting.get(key)?.shift();
    if (next) return next();
    const busy = (this.#busy.get(key) ?? 1) - 1;
    if (busy > 0) return void this.#busy.set(key, busy);
    this.#busy.delete(key);
    this.#waiting.delete(key);
  }
}
