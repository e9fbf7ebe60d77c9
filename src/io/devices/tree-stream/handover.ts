/** Chunks from whoever makes them to whoever takes them: the maker is a few ahead, and waits when it is further. */
export class Handover<T> {
  readonly #ahead: number;
  #chunks: T[] = [];
  #isOver = false;
  #error: Error | undefined;
  #wakeMaker = (): void => undefined;
  #wakeTaker = (): void => undefined;

  constructor(ahead: number) {
    this.#ahead = ahead;
  }

  /** Resolves when the next one may come. @throws Error when nobody takes them any more */
  async put(chunk: T): Promise<void> {
    this.#chunks.push(chunk);
    this.#wakeTaker();
    while (this.#chunks.length > this.#ahead && !this.#isOver)
      await new Promise<void>((resolve) => (this.#wakeMaker = resolve));
    if (this.#isOver) throw new Error('nobody takes it any more');
  }

  /** There are no more. */
  end(error?: Error): void {
    this.#isOver = true;
    this.#error = error;
    this.#wakeTaker();
  }

  /** The taker has had enough. */
  stop(): void {
    this.#isOver = true;
    this.#chunks = [];
    this.#wakeMaker();
  }

  async *taken(): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#wakeMaker();
        yield chunk;
      } else if (this.#isOver) {
        if (this.#error !== undefined) throw this.#error;
        return;
      } else await new Promise<void>((resolve) => (this.#wakeTaker = resolve));
    }
  }
}
