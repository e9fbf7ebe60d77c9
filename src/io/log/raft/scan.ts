/**
 * Reads and judges every entry once, in order, and keeps those that a member can start with.
 *
 *        base │ kept for slow followers │ after the start │ damage │ behind
 *             └──────────── one whole log ───────────────┘         └ seen, counted, left as it is
 *
 * Entries at or before the start are in its snapshot: what is missing or damaged there is no loss, only what follows is
 * kept. After the start each entry has to follow on the one before, by index and by term. The first that does not ends
 * what is intact; nothing behind it can be trusted to be part of this log, but it tells how far the log once went.
 */
import type { Entry, SnapshotMeta } from '#events/raft/entry.ts';
import type { Store } from '../../stores/port.ts';
import { readEntryRecord, type StoredEntry } from './entry-codec.ts';
import { allEntries, indexOfKey } from './keys.ts';
import type { Finding } from './storage.ts';
import { isFurther, type Position } from './suspicion.ts';

export interface Scanned {
  readonly base: Position;
  /** After `base`, without gap. */
  readonly entries: readonly Entry[];
  readonly last: Position;
  readonly findings: readonly Finding[];
  /** Whether something after the start is damaged or missing. */
  readonly isBroken: boolean;
  /** Keys of a write that never ended. */
  readonly torn: readonly Uint8Array[];
  /** The furthest intact entry, behind the damage too. */
  readonly furthest: Position;
  /** The highest index at which anything stands. */
  readonly tail: number;
}

export async function scanEntries(store: Store, start: SnapshotMeta, marked: number): Promise<Scanned> {
  const scan = new EntryScan(start, marked);
  for await (const slice of store.range(allEntries)) for (const [key, record] of slice) scan.take(key, record);
  return scan.end();
}

export class EntryScan {
  readonly #start: Position;
  /** Up to here the log is known to have been durable. */
  readonly #marked: number;
  /** Undefined before the first entry that can be used. */
  #base: Position | undefined;
  #entries: Entry[] = [];
  readonly #findings: Finding[] = [];
  #isBroken = false;
  #cutOff: { readonly index: number; readonly key: Uint8Array } | undefined;
  #furthest: Position;
  #tail = 0;

  constructor({ index, term }: SnapshotMeta, marked: number) {
    this.#start = { index, term };
    this.#marked = marked;
    this.#furthest = this.#start;
  }

  take(key: Uint8Array, record: Uint8Array): void {
    const index = indexOfKey(key);
    // If it was an entry, there is a gap where it was.
    if (index === undefined) return;
    if (this.#cutOff) this.#break('damaged-entry', `Entry ${this.#cutOff.index} is damaged`);
    this.#tail = index;
    const stored = readEntryRecord(key, record);
    if (typeof stored === 'object' && isFurther(stored.entry, this.#furthest)) this.#furthest = stored.entry;
    if (this.#isBroken) return;
    if (index > this.#start.index) this.#takeAfterStart(index, key, stored);
    else this.#takeOld(index, stored);
  }

  end(): Scanned {
    if (!this.#isBroken) this.#passStart();
    if (this.#cutOff) {
      const explain = `Entry ${this.#cutOff.index}, the last one, was never written to its end; it counted for nobody, and was removed.`;
      this.#findings.push({ kind: 'torn-tail', explain });
    }
    return {
      base: this.#base ?? this.#start,
      entries: this.#entries,
      last: this.#last,
      findings: this.#findings,
      isBroken: this.#isBroken,
      torn: this.#cutOff ? [this.#cutOff.key] : [],
      furthest: this.#furthest,
      tail: this.#tail,
    };
  }

  get #last(): Position {
    return this.#entries.at(-1) ?? this.#base ?? this.#start;
  }

  #takeOld(index: number, stored: StoredEntry | string): void {
    if (typeof stored === 'string') {
      const explain = `Entry ${index} is damaged; the snapshot at ${this.#start.index} holds what it did.`;
      this.#findings.push({ kind: 'damaged-entry', explain });
      this.#base = undefined;
      this.#entries = [];
      return;
    }
    const { entry, termBefore } = stored;
    if (this.#base === undefined || !this.#follows(stored)) {
      this.#base = { index: index - 1, term: termBefore };
      this.#entries = [];
    }
    this.#entries.push(entry);
  }

  #takeAfterStart(index: number, key: Uint8Array, stored: StoredEntry | 'cut-off' | 'damaged'): void {
    this.#passStart();
    const next = this.#last.index + 1;
    if (index > next) {
      const missing = next === index - 1 ? `Entry ${next} is` : `Entries ${next} to ${index - 1} are`;
      this.#break('gap', `${missing} missing`);
    } else if (stored === 'cut-off' && index > this.#marked) this.#cutOff = { index, key };
    else if (typeof stored === 'string') this.#break('damaged-entry', `Entry ${index} is damaged`);
    else if (this.#follows(stored)) this.#entries.push(stored.entry);
    else this.#break('damaged-entry', `Entry ${index} does not belong to the entry before it`);
  }

  /** Old entries are of use only if they go on up to the start. */
  #passStart(): void {
    if (this.#base && this.#last.index >= this.#start.index && this.#termAtStart === this.#start.term) return;
    this.#base = this.#start;
    this.#entries = [];
  }

  get #termAtStart(): number | undefined {
    const { index } = this.#start;
    const base = this.#base;
    if (!base) return undefined;
    return index === base.index ? base.term : this.#entries[index - base.index - 1]?.term;
  }

  #follows({ entry, termBefore }: StoredEntry): boolean {
    const last = this.#last;
    return entry.index === last.index + 1 && termBefore === last.term && entry.term >= last.term;
  }

  #break(kind: Finding['kind'], what: string): void {
    this.#cutOff = undefined;
    if (this.#isBroken) return;
    this.#passStart();
    this.#isBroken = true;
    const explain = `${what}: what comes after entry ${this.#last.index} cannot be used until the group has sent it again.`;
    this.#findings.push({ kind, explain });
  }
}
