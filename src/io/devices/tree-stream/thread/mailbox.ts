/** Messages of a port, one after another, for somebody who waits for them. */
export class Mailbox<T> {
  #messages: T[] = [];
  #wake: (() => void) | undefined;

  post(message: T): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  /** For one reader at a time. */
  async next(): Promise<T> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** What is there already. */
  now(): T | undefined {
    return this.#messages.shift();
  }
}
