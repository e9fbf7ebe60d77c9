/**
 * The commands that were appended lately, so that one that is sent again is taken for what it is. The oldest are
 * forgotten in log order, the same ones on every replica. What is not there may be new, or forgotten: `forgotten` tells up
 * to where, and whoever knows that a command came later knows that it is new.
 *
 * The order is kept in a ring beside the table: to find the first key of a `Map` from which keys are always deleted at
 * the front, the engine walks over all that were deleted before it (measured: half the time of a fold).
 */

/** Index of the first and the last event of a command. */
export type CommandRange = readonly [first: number, last: number];

export class RememberedCommands {
  readonly #limit: number;
  readonly #ranges = new Map<string, CommandRange>();
  readonly #ring: string[] = [];
  /** Where the oldest id stands once the ring is full. */
  #oldest = 0;

  /** `limit`: how many are remembered, at least one. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#ranges.size;
  }

  /** Index of the last event of the newest one that was forgotten; 0 when none was. A command's events are in one piece. */
  get forgotten(): number {
    if (this.#ring.length < this.#limit) return 0;
    const oldest = this.#ranges.get(this.#ring[this.#oldest] ?? '');
    return (oldest?.[0] ?? 1) - 1;
  }

  get(id: string): CommandRange | undefined {
    return this.#ranges.get(id);
  }

  /** The oldest first. */
  *[Symbol.iterator](): Generator<readonly [id: string, range: CommandRange]> {
    for (let n = 0; n < this.#ring.length; n++) {
      const id = this.#ring[(this.#oldest + n) % this.#ring.length] ?? '';
      const range = this.#ranges.get(id);
      if (range) yield [id, range];
    }
  }

  /** Notes one more event of a command. Indices never go back. */
  add(id: string, index: number): void {
    const range = this.#ranges.get(id);
    this.set(id, [range?.[0] ?? index, index]);
  }

  /** Puts a range in; an id that is new takes the place of the oldest when there are too many. */
  set(id: string, range: CommandRange): void {
    if (!this.#ranges.has(id)) this.#enter(id);
    this.#ranges.set(id, range);
  }

  #enter(id: string): void {
    if (this.#ring.length < this.#limit) {
      this.#ring.push(id);
      return;
    }
    this.#ranges.delete(this.#ring[this.#oldest] ?? '');
    this.#ring[this.#oldest] = id;
    this.#oldest = (this.#oldest + 1) % this.#limit;
  }
}
