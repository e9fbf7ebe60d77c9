/**
 * What is appended once more, compared with what stands there.
 *
 *   history    1/1  2/1  3/1                     index/term
 *   appended             3/2  4/2                another log: refused
 *
 * After each start a member applies again what came after its snapshot, and that is the same as before. It differs only
 * where the group went on without entries that too many of its disks had lost. To go on behind the old ones would make a
 * history that nobody else has, and that verifies all the same.
 */
import { Buffer } from 'node:buffer';
import type { Directory } from '../../../stores/directory.ts';
import { LogError } from '../../port.ts';
import { explainRead } from '../snapshots/broken.ts';
import { FrameReader } from '../snapshots/frame-reader.ts';
import { entryOf, expecting, type HistoryEntry, type SegmentStart } from './segment.ts';

/** A segment, sealed or open, as far as it goes now. */
export interface Standing {
  readonly file: string;
  readonly start: SegmentStart;
  readonly last: number;
}

interface ReadSegment extends Standing {
  readonly entries: readonly HistoryEntry[];
}

export class Overlap {
  readonly #directory: Directory;
  /** The segment that was compared last: entries come in order, in slices that are often smaller. */
  #read: ReadSegment | undefined;

  constructor(directory: Directory) {
    this.#directory = directory;
  }

  /**
   * @param segmentWith where an entry stands; undefined where that was dropped. What cannot be read is not compared:
   * it has to be fetched, by its hash
   * @throws LogError DAMAGED for the first entry that differs
   */
  async check(again: readonly HistoryEntry[], segmentWith: (index: number) => Standing | undefined): Promise<void> {
    // What was read is only of use as long as entries come again.
    if (again.length === 0) this.#read = undefined;
    for (const entry of again) {
      const segment = this.#isRead(entry.index) ? this.#read : await this.#readFrom(segmentWith(entry.index));
      const own = segment?.entries[entry.index - segment.start.first];
      if (own && !isSame(own, entry)) throw another(own, entry);
    }
  }

  #isRead(index: number): boolean {
    return this.#read !== undefined && index >= this.#read.start.first && index <= this.#read.last;
  }

  async #readFrom(segment: Standing | undefined): Promise<ReadSegment | undefined> {
    this.#read = segment && { ...segment, entries: await entriesOf(this.#directory, segment) };
    return this.#read;
  }
}

/** As far as the file is here and right. @throws LogError TOO_NEW, StoreError FAILED */
async function entriesOf(directory: Directory, { file, start }: Standing): Promise<readonly HistoryEntry[]> {
  const reader = new FrameReader(expecting(file, start));
  const entries: HistoryEntry[] = [];
  try {
    for await (const piece of directory.stream(file)) {
      entries.push(...reader.take(piece).map(entryOf));
      if (reader.broken) break;
    }
  } catch (error) {
    explainRead(error);
  }
  return entries;
}

const isSame = (one: HistoryEntry, other: HistoryEntry): boolean =>
  one.term === other.term && Buffer.compare(one.bytes, other.bytes) === 0;

function another(own: HistoryEntry, { index, term }: HistoryEntry): LogError {
  const difference =
    own.term === term
      ? `that of the consensus log has other content, in the same term ${term}`
      : `it is of term ${own.term}, that of the consensus log of term ${term}`;
  return new LogError(
    'DAMAGED',
    `the history has another entry ${index} than the log of the group: ${difference}`,
    'The group went on without entries that were applied here. Keep a copy of the history, which may be the only one of them; then begin this member anew, with a new incarnation, so that it fetches snapshot and history from the others.',
  );
}
