/**
 * What is read and judged before a log is used: every record, once.
 *
 * - Each record's checksum holds, and its first index is the one after the record before.
 * - The log is the one that its watermark names, and not shorter than the watermark or the state database remember.
 * - Versions follow on those that the state database knows.
 *
 * Whatever fails is reported with its place, and nothing is repaired: a log that shortens itself loses what was
 * promised. Only records behind `headsAt` are unpacked, the rest costs a checksum each.
 */
import type { StreamId } from '#events/envelope.ts';
import { countOf, indexOf, isIntact, isKnownFormat, positionsOf, upgradeHint } from '../codec.ts';
import { LogError } from '../port.ts';
import { StoreError, type Store } from '../../stores/port.ts';
import { readIdentity } from './identity.ts';
import type { Mark } from './watermark.ts';

export interface Known {
  /** Versions of streams as of the event `headsAt`, from the state database; empty and 0 are allowed. */
  readonly heads: ReadonlyMap<StreamId, number>;
  readonly headsAt: number;
  readonly mark: Mark | undefined;
}

export interface Scanned {
  /** Undefined for a store that was never a log. */
  readonly incarnation: string | undefined;
  readonly head: number;
  readonly heads: Map<StreamId, number>;
}

/** @throws LogError DAMAGED, SHORTENED, TOO_NEW */
export async function scan(store: Store, known: Known): Promise<Scanned> {
  const heads = new Map(known.heads);
  let incarnation: string | undefined;
  let head = 0;
  try {
    for await (const slice of store.range({})) {
      for (const [key, record] of slice) {
        const first = indexOf(key);
        if (first === 0) {
          incarnation = readIdentity(record);
          if (incarnation === undefined) throw damaged(0, 'the identity of the log is unreadable');
        } else {
          checkRecord(key, record, head + 1);
          head += countOf(record);
          if (head > known.headsAt) bringUpToDate(heads, record, head - countOf(record) + 1, known.headsAt);
        }
      }
    }
  } catch (error) {
    throw asDamage(error, head + 1);
  }
  checkIdentity(incarnation, head, known.mark);
  checkLength(head, 'its watermark', known.mark?.durable ?? 0);
  checkLength(head, 'the state database', known.headsAt);
  return { incarnation, head, heads };
}

/** @throws LogError DAMAGED, TOO_NEW unless this is the entry whose first event is `expected` */
export function checkRecord(key: Uint8Array, record: Uint8Array, expected: number): void {
  const first = indexOf(key);
  if (first === undefined) throw damaged(expected, 'what stands there is no event');
  if (first > expected) throw missing(expected, first - 1);
  if (first < expected) throw damaged(expected, `event ${first} stands there once more`);
  if (!isIntact(key, record)) throw damaged(first, 'its checksum does not match');
  if (!isKnownFormat(record)) {
    throw new LogError('TOO_NEW', `event ${first} is stored in a format that this version does not know`, upgradeHint);
  }
}

export const missing = (from: number, to: number): LogError => damaged(from, `events ${from} to ${to} are missing`);

/** What a store reports as damage, with its place in the log. */
export const asDamage = (error: unknown, index: number): unknown =>
  error instanceof StoreError && error.code === 'DAMAGED' ? damaged(index, error.message, error) : error;

function bringUpToDate(heads: Map<StreamId, number>, record: Uint8Array, first: number, headsAt: number): void {
  if (first <= headsAt) {
    throw new LogError(
      'DAMAGED',
      `the state database ends at event ${headsAt}, in the middle of the entry that begins at event ${first}`,
      'Delete the state database: it is rebuilt from the log at the next start.',
    );
  }
  const { positions, ends } = positionsOf(record);
  for (const [i, [stream, version]] of positions.entries()) {
    const expected = (heads.get(stream) ?? 0) + 1;
    // A stream that ended may begin again; who held its version when it ended is not known here.
    if (version !== expected && version !== 1) {
      throw new LogError(
        'DAMAGED',
        `event ${first + i} is version ${version} of ${stream}, but version ${expected} comes next` +
          (headsAt > 0 ? ` after what the state database knew at event ${headsAt}` : ''),
        headsAt > 0 ? 'Delete the state database: it is rebuilt from the log at the next start.' : restoreHint,
      );
    }
    heads.set(stream, version);
  }
  for (const stream of ends) heads.delete(stream);
}

function checkIdentity(incarnation: string | undefined, head: number, mark: Mark | undefined): void {
  if (incarnation === undefined && head > 0) throw damaged(1, 'the identity of the log is missing');
  if (mark === undefined) {
    // Nothing is appended before the first watermark is durable.
    if (head > 0) {
      throw new LogError(
        'DAMAGED',
        `the event log has ${head} events, but its watermark is missing or unreadable: nobody can tell whether newer events were lost`,
        restoreHint,
      );
    }
  } else if (incarnation === undefined) {
    throw new LogError(
      'SHORTENED',
      `the event log is empty, but its watermark names a log with at least ${mark.durable} events`,
      restoreHint,
    );
  } else if (incarnation !== mark.incarnation) {
    throw new LogError(
      'DAMAGED',
      `the event log is ${incarnation}, but its watermark belongs to the log ${mark.incarnation}`,
      'Put database and watermark of the same backup together, both, then start again.',
    );
  }
}

function checkLength(head: number, witness: string, durable: number): void {
  if (head >= durable) return;
  throw new LogError(
    'SHORTENED',
    `the event log ends at event ${head}, but ${witness} has seen event ${durable}: ${durable - head} or more events are lost`,
    restoreHint,
  );
}

const restoreHint =
  'Nothing was changed. Keep a copy of the data directory, check the disk (dmesg, SMART), then restore the ' +
  'directory from the newest backup; a node of a lab with others can be removed and joined anew instead.';

const damaged = (index: number, what: string, cause?: unknown): LogError =>
  new LogError('DAMAGED', `the event log is damaged at event ${index}: ${what}`, restoreHint, cause);
