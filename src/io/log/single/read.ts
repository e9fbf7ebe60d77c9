/** Reads events back from the store; every record is judged again, because disks also rot while they are in use. */
import type { LabEvent } from '#events/envelope.ts';
import { countOf, eventsOf, indexOf, keyOf } from '../codec.ts';
import type { Store } from '../../stores/port.ts';
import { sliceEvents } from '../recent.ts';
import { asDamage, checkRecord, missing } from './scan.ts';

/**
 * Events in (after, upTo], both at or below the head. Only an entry that `after` or `upTo` cut in two comes in part.
 * @throws LogError DAMAGED, TOO_NEW
 */
export async function* readStored(store: Store, after: number, upTo: number): AsyncIterable<readonly LabEvent[]> {
  if (after >= upTo) return;
  let expected = await firstOfEntry(store, after + 1);
  let events: LabEvent[] = [];
  try {
    for await (const slice of store.range({ gte: keyOf(expected), lt: keyOf(upTo + 1) })) {
      for (const [key, record] of slice) {
        checkRecord(key, record, expected);
        for (const event of eventsOf(expected, record)) {
          if (event.index > after && event.index <= upTo) events.push(event);
        }
        expected += countOf(record);
        if (events.length >= sliceEvents) {
          yield events;
          events = [];
        }
      }
    }
  } catch (error) {
    throw asDamage(error, expected);
  }
  // A record that vanished from the end must not look like the end.
  if (expected <= upTo) throw missing(expected, upTo);
  if (events.length > 0) yield events;
}

/** Index of the last event; 0 for a log without any. */
export async function headOf(store: Store): Promise<number> {
  for await (const slice of store.range({ reverse: true, limit: 1 })) {
    const [key, record] = slice[0] ?? [];
    const first = key && indexOf(key);
    if (first && record) return first + countOf(record) - 1;
  }
  return 0;
}

/** Index of the first event of the entry that holds the event `index`. */
async function firstOfEntry(store: Store, index: number): Promise<number> {
  for await (const slice of store.range({ lt: keyOf(index + 1), reverse: true, limit: 1 })) {
    const [key] = slice[0] ?? [];
    const first = key && indexOf(key);
    // The identity at 0 is no event; a hole is reported by the scan that follows.
    if (first) return first;
  }
  return index;
}
