/**
 * Of a view that has a row for each event: whether one is missing between those that were found. A checksum tells of a
 * row that was changed, and not of one whose key is gone.
 */
export interface Bounds {
  /** Rows of later events, and of earlier ones. */
  readonly after: number;
  readonly before: number;
  readonly reverse: boolean;
}

export class Gapless {
  readonly #bounds: Bounds;
  /** Up to here there are rows for sure; later ones may be there already. */
  readonly #last: number;
  #next: number | undefined;

  /** @param stored index of the last event whose row was stored before it was looked for */
  constructor(bounds: Bounds, stored: number) {
    this.#bounds = bounds;
    this.#last = Math.min(bounds.before - 1, stored);
    if (!bounds.reverse) this.#next = bounds.after + 1;
  }

  /** @returns the index that was left out before this one; undefined: none was */
  missedBefore(index: number): number | undefined {
    const expected = this.#next ?? Math.max(this.#last, index);
    this.#next = this.#bounds.reverse ? index - 1 : index + 1;
    return index === expected ? undefined : expected;
  }

  /** After the last row. @returns the index that was left out; undefined: none was */
  missedAtEnd(): number | undefined {
    const next = this.#next ?? this.#last;
    const isThrough = this.#bounds.reverse ? next <= this.#bounds.after : next > this.#last;
    return isThrough ? undefined : next;
  }
}
