/** One process's view of a simulated database: it dies with its process, and breaks with its first failed write. */
import { StoreError, type Op, type Range, type Store } from './port.ts';
import { never } from './sim-medium.ts';
import type { SortedBytes } from './sorted-bytes.ts';

const sliceEntries = 1000;

interface Device {
  readonly image: SortedBytes;
  /** @throws StoreError FAILED for a record that cannot be read any more */
  checkReadable(key: Uint8Array): void;
  delay(): Promise<void> | undefined;
  write(handle: SimStore, ops: readonly Op[], sync: boolean): Promise<void>;
  closed(handle: SimStore): void;
}

export class SimStore implements Store {
  readonly #device: Device;
  #state: 'open' | 'closed' | 'dead' = 'open';
  #failed: StoreError | undefined;
  /** Writes take effect in the order of the calls. */
  #lastWrite: Promise<void> | undefined;

  constructor(device: Device) {
    this.#device = device;
  }

  get alive(): boolean {
    return this.#state !== 'dead';
  }

  kill(): void {
    this.#state = 'dead';
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.#arrive();
    this.#device.checkReadable(key);
    return this.#device.image.get(key)?.slice();
  }

  async *range(range: Range): AsyncIterable<readonly (readonly [Uint8Array, Uint8Array])[]> {
    await this.#arrive();
    const entries = this.#device.image.entries(range);
    for (let at = 0; at < entries.length; at += sliceEntries) {
      if (at > 0) await this.#arrive();
      const slice = entries.slice(at, at + sliceEntries);
      for (const [key] of slice) this.#device.checkReadable(key);
      yield slice.map(([key, value]) => [key, value.slice()] as const);
    }
  }

  async batch(ops: readonly Op[], options: { readonly sync: boolean }): Promise<void> {
    const copies = ops.map((op) =>
      'put' in op ? { put: op.put.slice(), value: op.value.slice() } : { del: op.del.slice() },
    );
    await this.#write(() => copies, options.sync);
  }

  async clear(range: Range): Promise<void> {
    await this.#write(() => this.#device.image.entries(range).map(([key]) => ({ del: key })), false);
  }

  async close(): Promise<void> {
    if (this.#state === 'dead') return never();
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    await this.#lastWrite?.catch(() => undefined);
    if (!this.alive) return never();
    this.#device.closed(this);
  }

  async #write(ops: () => readonly Op[], sync: boolean): Promise<void> {
    if (this.#state === 'closed') throw closedError();
    const before = this.#lastWrite;
    const write = (async () => {
      if (before) await before;
      if (!this.alive) return never();
      if (this.#failed) throw this.#failed;
      try {
        await this.#device.write(this, ops(), sync);
      } catch (error) {
        if (error instanceof StoreError) this.#failed = error;
        throw error;
      }
      if (!this.alive) return never();
    })();
    this.#lastWrite = write;
    try {
      await write;
    } finally {
      if (this.#lastWrite === write) this.#lastWrite = undefined;
    }
  }

  async #arrive(): Promise<void> {
    if (this.#state === 'closed') throw closedError();
    if (this.alive) await this.#device.delay();
    if (!this.alive) await never();
  }
}

const closedError = (): StoreError =>
  new StoreError('FAILED', 'the database of the simulated disk is closed', 'Open it again.');
