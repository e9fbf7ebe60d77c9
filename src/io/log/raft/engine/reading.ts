/**
 * Reads events back from the history. It is kept by entries of the consensus log, and asked by indices of events: each
 * entry says how many events are before it, so the segment with an event is found by looking at the first entry of some.
 */
import type { LabEvent, StreamId } from '#events/envelope.ts';
import { countOf, eventsOf, positionsOf } from '../../codec.ts';
import { LogError } from '../../port.ts';
import { sliceEvents } from '../../recent.ts';
import type { History } from '../history/history.ts';
import { headAfter, recordsOf, unpackApplied } from './applied.ts';

export class EventReader {
  readonly #history: () => History;
  /** How many events are before the first entry of a sealed segment; by the index of that entry. */
  readonly #heads = new Map<number, number>();

  /** @param history that is kept now; it is another one after a snapshot was installed */
  constructor(history: () => History) {
    this.#history = history;
  }

  /**
   * Events in (after, upTo], both known to be in the history. Only an entry that `after` or `upTo` cut in two comes in part.
   * @throws LogError BELOW_FLOOR, TOO_NEW, DAMAGED; StoreError MISSING for a segment that has not come yet, DAMAGED
   */
  async *read(after: number, upTo: number): AsyncGenerator<readonly LabEvent[], void, undefined> {
    if (after >= upTo) return;
    let expected = after + 1;
    let slice: LabEvent[] = [];
    const history = this.#history();
    for await (const entries of history.read(await this.#entryBefore(after), history.last)) {
      for (const entry of entries) {
        for (const { first, bytes } of recordsOf(entry.index, unpackApplied(entry.index, entry.bytes))) {
          if (first + countOf(bytes) <= expected) continue;
          if (first > expected) throw gapAt(expected, first);
          for (const event of eventsOf(first, bytes)) {
            if (event.index < expected || event.index > upTo) continue;
            slice.push(event);
            expected = event.index + 1;
          }
          if (expected > upTo) break;
          if (slice.length < sliceEvents) continue;
          yield slice;
          slice = [];
        }
        if (expected > upTo) break;
      }
      if (expected > upTo) break;
    }
    if (slice.length > 0) yield slice;
    if (expected <= upTo) throw gapAt(expected, upTo + 1);
  }

  /** Index of the last event in the history; 0 where there is none. @throws LogError TOO_NEW, DAMAGED; StoreError DAMAGED */
  async head(): Promise<number> {
    const history = this.#history();
    for await (const [entry] of history.read(Math.max(history.floor.index, history.last - 1), history.last))
      if (entry) return headAfter(entry.index, unpackApplied(entry.index, entry.bytes));
    return 0;
  }

  /**
   * Brings versions of streams, as of event `after`, up to the end of the history. @returns the last event there
   * @throws LogError DAMAGED when that is before `after`
   */
  async catchUp(versions: Map<StreamId, number>, after: number): Promise<number> {
    const end = await this.head();
    // To go on counting from `after` would give all later events other places than they have elsewhere.
    if (end < after) throw gapAt(end + 1, after + 1);
    let head = after;
    const history = this.#history();
    for await (const entries of history.read(await this.#entryBefore(after), history.last)) {
      for (const entry of entries) {
        const applied = unpackApplied(entry.index, entry.bytes);
        head = Math.max(head, applied.head);
        for (const { first, bytes } of recordsOf(entry.index, applied)) {
          const last = first + countOf(bytes) - 1;
          if (last <= after) continue;
          const { positions, ends } = positionsOf(bytes);
          for (const [stream, version] of positions) versions.set(stream, version);
          for (const stream of ends) versions.delete(stream);
          head = last;
        }
      }
    }
    return head;
  }

  /** An entry behind which the event after this one stands, in a segment that begins not far before. */
  async #entryBefore(event: number): Promise<number> {
    const history = this.#history();
    const floor = history.floor.index;
    const segments = history.manifest();
    let low = 0;
    let high = segments.length;
    // The last segment that begins at or before the event.
    while (low < high) {
      const middle = (low + high) >>> 1;
      const segment = segments[middle];
      if (segment && (await this.#headBefore(segment.first)) <= event) low = middle + 1;
      else high = middle;
    }
    const open = segments.at(-1)?.last ?? floor;
    if (low === segments.length && history.last > open && (await this.#headBefore(open + 1)) <= event) return open;
    return (segments[low - 1]?.first ?? floor + 1) - 1;
  }

  async #headBefore(first: number): Promise<number> {
    const known = this.#heads.get(first);
    if (known !== undefined) return known;
    for await (const [entry] of this.#history().read(first - 1, first)) {
      if (!entry) continue;
      const { head } = unpackApplied(entry.index, entry.bytes);
      this.#heads.set(first, head);
      return head;
    }
    throw gapAt(first, first + 1);
  }
}

const gapAt = (from: number, to: number): LogError =>
  new LogError(
    'DAMAGED',
    `events ${from} to ${to - 1} are not in the history`,
    'Keep a copy of the data directory and look at the disk (dmesg, SMART); other members have the whole history.',
  );
