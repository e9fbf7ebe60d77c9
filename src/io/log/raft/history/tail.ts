/**
 * The newest entries of the history in memory, for the nodes that follow this one: whoever keeps up is served from here,
 * and whoever falls behind reads the segments. Its bounds are the only buffer that followers have.
 */
import { ByteRing } from '../../byte-ring.ts';
import type { HistoryEntry } from './segment.ts';

const maxEntries = 2048;
const maxBytes = 512 * 1024;
/** Of a slice, unless one entry alone is larger. */
export const sliceEntries = 512;
export const sliceBytes = 256 * 1024;

interface Kept {
  readonly index: number;
  readonly term: number;
  /** Of its bytes in the ring. */
  readonly at: number;
  readonly length: number;
  /** With bytes of its own, for those who follow: all get the same one. */
  entry: HistoryEntry | undefined;
}

export class HistoryTail {
  /** Ascending and without a gap. */
  #kept: Kept[] = [];
  readonly #ring = new ByteRing(maxBytes);

  add(entries: readonly HistoryEntry[]): void {
    for (const { index, term, bytes } of entries) {
      const last = this.#kept.at(-1);
      if (last && index <= last.index) continue;
      if (last && index !== last.index + 1) this.clear();
      this.#kept.push({ index, term, at: this.#ring.put(bytes), length: bytes.length, entry: undefined });
    }
    const { oldest } = this.#ring;
    let drop = Math.max(0, this.#kept.length - maxEntries);
    for (let next = this.#kept[drop]; next && next.at < oldest; next = this.#kept[drop]) drop++;
    if (drop > 0) this.#kept.splice(0, drop);
  }

  clear(): void {
    this.#kept = [];
  }

  /** @returns a slice of what comes behind this entry; undefined where that is not, or no longer, all here */
  after(index: number): readonly HistoryEntry[] | undefined {
    const [oldest] = this.#kept;
    if (!oldest || index + 1 < oldest.index) return undefined;
    const from = index + 1 - oldest.index;
    if (from >= this.#kept.length) return undefined;
    const to = endOfSlice(this.#kept, from, ({ length }) => length);
    return this.#kept.slice(from, to).map((kept) => this.#own(kept));
  }

  #own(kept: Kept): HistoryEntry {
    const { index, term, at, length } = kept;
    kept.entry ??= { index, term, bytes: this.#ring.view(at, length).slice() };
    return kept.entry;
  }
}

/** As many entries from there on as fit into a slice. */
export function sliceOf(entries: readonly HistoryEntry[], from: number): readonly HistoryEntry[] {
  const to = endOfSlice(entries, from, ({ bytes }) => bytes.length);
  return entries.slice(from, to);
}

function endOfSlice<T>(entries: readonly T[], from: number, lengthOf: (entry: T) => number): number {
  let to = from;
  for (let bytes = 0; to < entries.length && to - from < sliceEntries; to++) {
    bytes += lengthOf(entries[to] as T);
    if (bytes > sliceBytes && to > from) break;
  }
  return to;
}
