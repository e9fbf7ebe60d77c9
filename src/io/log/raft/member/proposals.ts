/**
 * What waits to be proposed, in the order in which it came. One batch goes to disk and peers at a time: while it is
 * synced the next one forms, up to a bound, so that a burst does not make everybody wait for one large write.
 */
export interface Proposal {
  readonly id: number;
  /** To be proposed in this term or not at all. */
  readonly term: number | undefined;
  readonly entries: readonly Uint8Array[];
}

/** Of one batch: about what a disk writes in the time that it takes to sync. */
const maxEntries = 512;
const maxBytes = 256 * 1024;

export class Proposals {
  readonly #waiting: Proposal[] = [];

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(proposal: Proposal): void {
    this.#waiting.push(proposal);
  }

  /** The next ones, for one term, until the batch is full; at least one if there is one. */
  takeBatch(): readonly Proposal[] {
    const [first] = this.#waiting;
    if (!first) return [];
    let end = 0;
    let count = 0;
    let bytes = 0;
    for (const { term, entries } of this.#waiting) {
      if (term !== first.term || count >= maxEntries || bytes >= maxBytes) break;
      end++;
      count += entries.length;
      for (const { length } of entries) bytes += length;
    }
    return this.#waiting.splice(0, end);
  }

  /** There is no room for them now: they go first when there is. */
  putBack(batch: readonly Proposal[]): void {
    this.#waiting.unshift(...batch);
  }
}
