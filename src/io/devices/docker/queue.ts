/**
 * Values that come when they come, read one after another. One reader. What was put in before the end is read before
 * the end; a failure likewise.
 */
export class Queue<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #end: 'open' | 'ended' | { readonly error: unknown } = 'open';
  #wake: () => void = () => {};
  #room: () => void = () => {};
  readonly #closed: () => void;

  /** `onClose` is called when the reader has stopped: at the end, or before it. */
  constructor(onClose: () => void = () => {}) {
    this.#closed = onClose;
  }

  get waiting(): number {
    return this.#items.length;
  }

  push(item: T): void {
    if (this.#end !== 'open') return;
    this.#items.push(item);
    this.#wake();
  }

  end(): void {
    this.#finish('ended');
  }

  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Resolves once the reader has taken all that was there, or the queue has ended. */
  async drained(): Promise<void> {
    while (this.#items.length > 0 && this.#end === 'open') {
      await new Promise<void>((resolve) => {
        const others = this.#room;
        this.#room = () => {
          others();
          resolve();
        };
      });
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    try {
      for (;;) {
        while (this.#items.length > 0) yield this.#items.shift() as T;
        this.#makeRoom();
        if (this.#end === 'ended') return;
        if (this.#end !== 'open') throw this.#end.error;
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#finish('ended');
      this.#items = [];
      this.#closed();
    }
  }

  #finish(end: 'ended' | { readonly error: unknown }): void {
    if (this.#end !== 'open') return;
    this.#end = end;
    this.#wake();
    this.#makeRoom();
  }

  #makeRoom(): void {
    const tell = this.#room;
    this.#room = () => {};
    tell();
  }
}
