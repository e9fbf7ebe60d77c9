/**
 * The event log of the lab: what all its engines (`single/`, later `raft/`) promise.
 * One contract suite, `test/contracts/event-log.ts`, holds for every engine.
 */
import type { Entry, Index, LabEvent, StreamId } from '#events/envelope.ts';

export interface Leadership {
  readonly term: number;
  readonly leader?: string;
  readonly mine: boolean;
}

export interface EventLog {
  /** The index of the last durable event; 0 for an empty log. */
  readonly head: Index;

  /**
   * Appends all drafts of the entry or none. Checks `expect` in the order of the calls: the first stream whose
   * version differs is the answer `conflict`, and nothing is appended. A stream that an entry ends has version 0 for
   * those after it, and if it is ever born again it begins at version 1. Resolves once the entry is durable, with the
   * index of its last event. An abort or a time-out means unknown: append the same command again, the lab
   * deduplicates. Rejects with LogError REFUSED for an entry that no log takes (too large, no events), NOT_LEADER where
   * another member has to be asked: nothing was written, and the log goes on; with UNKNOWN, where that cannot be told.
   * Otherwise rejects only when the log is closed or broken; then no later append
   * succeeds either.
   *
   * @param term in which this node led when the entry was decided: it is appended in that term or not at all
   */
  append(
    entry: Entry,
    signal: AbortSignal,
    term?: number,
  ): Promise<{ readonly index: Index } | { readonly conflict: StreamId }>;

  /** Events in (after, upTo], in slices that never split an entry. @throws LogError BELOW_FLOOR, PAST_HEAD */
  read(after: Index, upTo: Index): AsyncIterable<readonly LabEvent[]>;

  /**
   * Everything after `after`: first what is stored, then what becomes durable, each event exactly once and in order,
   * never splitting an entry. An empty slice is a bookmark: nothing more up to `upTo`. Ends when the signal aborts.
   * @throws LogError PAST_HEAD
   */
  follow(
    after: Index,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly upTo: Index; readonly events: readonly LabEvent[] }>;

  /**
   * An index such that everything acknowledged before this call is at or below it; it can be read here.
   * @param term if given, this node must still lead in it @throws LogError NO_QUORUM, NOT_LEADER
   */
  readIndex(signal: AbortSignal, term?: number): Promise<Index>;

  /** Who leads, now and whenever that changes. */
  leadership(signal: AbortSignal): AsyncIterable<Leadership>;

  close(): Promise<void>;
}

export class LogError extends Error {
  readonly code:
    | 'BELOW_FLOOR'
    | 'PAST_HEAD'
    | 'REFUSED'
    /** Another member leads, or none: nothing was appended. */
    | 'NOT_LEADER'
    /** No majority answers. Nothing was appended. */
    | 'NO_QUORUM'
    /** Nobody here knows whether it was appended: ask again with the same command. */
    | 'UNKNOWN'
    | 'DAMAGED'
    | 'SHORTENED'
    | 'TOO_NEW'
    | 'CLOSED'
    | 'BROKEN';
  /** What a person can do about it. */
  readonly hint: string;
  constructor(code: LogError['code'], message: string, hint: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'LogError';
    this.code = code;
    this.hint = hint;
  }
}

/** The log was closed on purpose: no failure. */
export const isClosed = (error: unknown): boolean => error instanceof LogError && error.code === 'CLOSED';
