/**
 * Natural group commit: one synced batch is under way, and whatever arrives meanwhile forms the next one.
 *
 * The slower the disk, the larger the batches: no timer, nothing to tune. Records become durable in the order in
 * which they were added. A failed batch ends the log: after a failed sync nobody knows what is on the disk.
 */
import type { Op, Store } from '../../stores/port.ts';

export interface Committed {
  /** Index of the first event. */
  readonly first: number;
  /** Index of the last event. */
  readonly last: number;
  readonly key: Uint8Array;
  readonly record: Uint8Array;
}

/** Of one batch: entries, and bytes unless one entry alone is larger. */
const maxEntries = 512;
const maxBytes = 1024 * 1024;
/**
 * Turns of the microtask queue before a batch is sealed. Writers who have just been answered often append again at
 * once, a few promises later; without this they would miss the batch and wait for two.
 */
const turns = 8;

interface Waiting {
  readonly committed: Committed;
  resolve(): void;
  reject(error: unknown): void;
}

export class GroupCommit {
  readonly #store: Store;
  readonly #onCommitted: (records: readonly Committed[]) => void;
  readonly #onError: (error: unknown) => unknown;
  #queue: Waiting[] = [];
  #running: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  /**
   * @param onCommitted is called before the writers are answered, in order
   * @param onError is called once; what it returns is what every waiting writer gets
   */
  constructor(
    store: Store,
    onCommitted: (records: readonly Committed[]) => void,
    onError: (error: unknown) => unknown,
  ) {
    this.#store = store;
    this.#onCommitted = onCommitted;
    this.#onError = onError;
  }

  /** Resolves once the record is durable. */
  add(committed: Committed): Promise<void> {
    const done = new Promise<void>((resolve, reject) => this.#queue.push({ committed, resolve, reject }));
    this.#last = done;
    this.#running ??= this.#run();
    return done;
  }

  /** Resolves once everything added so far is durable; rejects when that failed. */
  settled(): Promise<void> {
    return this.#last;
  }

  async #run(): Promise<void> {
    while (this.#queue.length > 0) {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const batch = this.#take();
      try {
        await this.#store.batch(
          batch.map(({ committed }): Op => ({ put: committed.key, value: committed.record })),
          { sync: true },
        );
      } catch (error) {
        const reason = this.#onError(error);
        for (const waiting of [...batch, ...this.#queue]) waiting.reject(reason);
        this.#queue = [];
        break;
      }
      this.#onCommitted(batch.map(({ committed }) => committed));
      for (const waiting of batch) waiting.resolve();
    }
    this.#running = undefined;
  }

  #take(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { committed } of this.#queue) {
      bytes += committed.record.length;
      if (count > 0 && (count === maxEntries || bytes > maxBytes)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }
}
