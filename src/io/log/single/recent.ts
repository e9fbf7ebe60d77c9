/**
 * The newest records in memory, shared by all followers: whoever keeps up is served from here and each entry is
 * unpacked once; whoever falls behind reads from the store. Its bounds are the only buffer that followers have.
 */
import type { LabEvent } from '#events/envelope.ts';
import { eventsOf } from '../codec.ts';
import type { Committed } from './group-commit.ts';
import { sliceEvents } from './read.ts';

const maxRecords = 4096;
const maxBytes = 4 * 1024 * 1024;

interface Kept extends Committed {
  events?: readonly LabEvent[];
}

export class Recent {
  /** Ascending and without a gap. */
  #kept: Kept[] = [];
  #bytes = 0;

  add(records: readonly Committed[]): void {
    for (const record of records) {
      this.#kept.push({ ...record });
      this.#bytes += record.record.length;
    }
    let drop = 0;
    while (this.#kept.length - drop > maxRecords || this.#bytes > maxBytes) {
      this.#bytes -= (this.#kept[drop] as Kept).record.length;
      drop++;
    }
    if (drop > 0) this.#kept.splice(0, drop);
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
      kept.events ??= eventsOf(kept.first, kept.record);
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
