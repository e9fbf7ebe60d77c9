/**
 * Copies of the newest byte strings, in one block of memory that is written round and round.
 *
 *   put ─▶ │ d │ e ·· │ b │ c │      at: bytes that were ever put before, gaps at the end of the block included
 *                  ▲
 *                  end; what began before `oldest` is overwritten
 *
 * Why: V8 frees a buffer that has lived for some moments only when it clears its whole old heap, and it does so seldom in
 * a process that is small else. Of buffers that are kept for seconds and then dropped, tens of megabytes wait for that.
 */
export class ByteRing {
  readonly #block: Uint8Array;
  #end = 0;

  constructor(capacityBytes: number) {
    this.#block = new Uint8Array(capacityBytes);
  }

  /** Whatever was put at this place or behind it is still here. */
  get oldest(): number {
    return this.#end - this.#block.length;
  }

  /** Copies the bytes. @returns where; before `oldest` if they are more than the ring holds, which is empty then */
  put(bytes: Uint8Array): number {
    const { length: capacity } = this.#block;
    const room = capacity - (this.#end % capacity);
    const at = bytes.length > room ? this.#end + room : this.#end;
    if (bytes.length <= capacity) this.#block.set(bytes, at % capacity);
    this.#end = at + bytes.length;
    return at;
  }

  /** Not a copy: to be used before the next `put`. */
  view(at: number, length: number): Uint8Array {
    const begin = at % this.#block.length;
    return this.#block.subarray(begin, begin + length);
  }
}
