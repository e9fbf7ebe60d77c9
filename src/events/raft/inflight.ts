/**
 * Appends that are on their way to one follower: a window in count and bytes, oldest first. An acknowledgement of one
 * frees all before it, because followers answer with the last index they have.
 */
export class Inflight {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #sent: { readonly lastIndex: number; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#sent.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A message that is larger than the window still goes out when nothing else is under way. */
  get isFull(): boolean {
    return this.#sent.length >= this.#maxCount || this.#bytes >= this.#maxBytes;
  }

  add(lastIndex: number, bytes: number): void {
    this.#sent.push({ lastIndex, bytes });
    this.#bytes += bytes;
  }

  freeTo(index: number): void {
    let freed = 0;
    for (const { lastIndex, bytes } of this.#sent) {
      if (lastIndex > index) break;
      this.#bytes -= bytes;
      freed++;
    }
    if (freed > 0) this.#sent.splice(0, freed);
  }

  clear(): void {
    this.#sent = [];
    this.#bytes = 0;
  }
}
