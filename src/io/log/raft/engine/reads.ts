/** Reads that were asked of the member, until it answers; and until nobody answers any more. */
import type { ReadRefused } from '#events/raft/message.ts';
import type { LogError } from '../../port.ts';

/** From which index on nothing is stale, or why nobody can tell. */
type ReadAnswer = { readonly index: number } | { readonly why: ReadRefused };

export class Reads {
  readonly #asked = new Map<string, { resolve(answer: ReadAnswer): void; reject(error: LogError): void }>();

  /** @param name good once, also across restarts. @param ask what makes the member answer */
  begin(name: string, ask: () => void): Promise<ReadAnswer> {
    return new Promise((resolve, reject) => {
      this.#asked.set(name, { resolve, reject });
      ask();
    });
  }

  answer(name: string, answer: ReadAnswer): void {
    const asked = this.#asked.get(name);
    this.#asked.delete(name);
    asked?.resolve(answer);
  }

  endAll(error: LogError): void {
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}
