/**
 * The newest records in memory, shared by all followers: whoever keeps up is served from here and each entry is
 * unpacked once; whoever falls behind reads from the store. Its bounds are the only buffer that followers have.
 */
import type { LabEvent } from '#events/envelope.ts';
import { ByteRing } from './byte-ring.ts';
import { eventsOf } from './codec.ts';

/** A slice of a log that is read ends with the entry that reaches this many events. */
export const sliceEvents = 500;

const maxRecords = 4096;
const maxBytes = 4 * 1024 * 1024;

/** Events of one entry, as the log has them. */
export interface Recorded {
  /** Index of the first event, */
  readonly first: number;
  /** and of the last one. */
  readonly last: number;
  readonly record: Uint8Array;
}

interface Kept {
  readonly first: number;
  readonly last: number;
  /** Of its record in the ring. */
  readonly at: number;
  readonly length: number;
  events: readonly LabEvent[] | undefined;
}

export class Recent {
  /** Ascending and without a gap. */
  #kept: Kept[] = [];
  readonly #ring = new ByteRing(maxBytes);

  add(records: readonly Recorded[]): void {
    for (const { first, last, record } of records)
      this.#kept.push({ first, last, at: this.#ring.put(record), length: record.length, events: undefined });
    const { oldest } = this.#ring;
    let drop = Math.max(0, this.#kept.length - maxRecords);
    for (let next = this.#kept[drop]; next && next.at < oldest; next = this.#kept[drop]) drop++;
    if (drop > 0) this.#kept.splice(0, drop);
  }

  clear(): void {
    this.#kept = [];
  }

  /**
   * A slice of the events behind `after`, which must be below the head.
   * @returns undefined when they are no longer all here
   */
  after(after: number): readonly LabEvent[] | undefined {
    const oldest = this.#kept[0];
    if (!oldest || oldest.first > after + 1) return undefined;
    const slice: LabEvent[] = [];
    for (let at = this.#holding(after + 1); at < this.#kept.length && slice.length < sliceEvents; at++) {
      const kept = this.#kept[at] as Kept;
      kept.events ??= eventsOf(kept.first, this.#ring.view(kept.at, kept.length));
      for (const event of kept.events) if (event.index > after) slice.push(event);
    }
    return slice;
  }

  /** Position of the record that holds the event. */
  #holding(index: number): number {
    let low = 0;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#kept[middle] as Kept).last < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
