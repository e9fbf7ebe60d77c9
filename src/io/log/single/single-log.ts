/**
 * The event log of one node: LevelDB alone, without agreement.
 *
 *   append ─ expected versions? ─▶ reserve versions and index ─▶ group commit ─▶ durable ─▶ answer, followers
 *                 │ no
 *                 └─▶ conflict, once everything that it was judged against is durable
 *
 * Versions and indices are reserved in the order of the calls, before anything is on disk; so appends may follow one
 * another without waiting, and each sees those before it. `head` counts what is durable only. A failed write breaks
 * the log for good: the next start reads what is really there.
 */
import { asIndex, type Entry, type Index, type LabEvent, type StreamId } from '#events/envelope.ts';
import type { Clock } from '../../devices/clock/port.ts';
import type { Store } from '../../stores/port.ts';
import { keyOf, makeRecord, packEntry } from '../codec.ts';
import { LogError, type EventLog, type Leadership } from '../port.ts';
import { abortable } from '../abortable.ts';
import { GroupCommit, type Committed } from './group-commit.ts';
import { WatermarkKeeper } from './keeper.ts';
import { readStored } from './read.ts';
import { Recent } from '../recent.ts';
import { Wakeup } from '../wakeup.ts';
import type { Mark, Watermark } from './watermark.ts';

export interface SingleLogParts {
  readonly store: Store;
  readonly watermark: Watermark;
  readonly mark: Mark;
  readonly clock: Clock;
  readonly node: string | undefined;
  readonly heads: Map<StreamId, number>;
  readonly head: number;
  onBroken(error: LogError): void;
}

export class SingleLog implements EventLog {
  readonly #parts: SingleLogParts;
  readonly #commit: GroupCommit;
  readonly #keeper: WatermarkKeeper;
  readonly #recent = new Recent();
  readonly #changed = new Wakeup();
  /** Of each stream that lives, including what is under way. */
  readonly #versions: Map<StreamId, number>;
  /** Index of the last event, including what is under way. */
  #reserved: number;
  #head: number;
  /** Why nothing works any more. */
  #ended: LogError | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: SingleLogParts) {
    this.#parts = parts;
    this.#versions = parts.heads;
    this.#reserved = parts.head;
    this.#head = parts.head;
    this.#keeper = new WatermarkKeeper(parts.watermark, parts.mark, parts.clock, (error) => this.#break(error));
    this.#commit = new GroupCommit(
      parts.store,
      (records) => this.#committed(records),
      (error) => this.#break(error),
    );
  }

  get head(): Index {
    return asIndex(this.#head);
  }

  async append(
    entry: Entry,
    signal: AbortSignal,
  ): Promise<{ readonly index: Index } | { readonly conflict: StreamId }> {
    this.#assertOpen();
    signal.throwIfAborted();
    for (const [stream, version] of entry.expect) {
      if ((this.#versions.get(stream) ?? 0) === version) continue;
      // The version that was found may not be durable yet: an answer must not tell of what a crash would undo.
      await abortable(this.#commit.settled(), signal);
      return { conflict: stream };
    }
    const committed = this.#reserve(entry, packEntry(entry));
    await abortable(this.#commit.add(committed), signal);
    return { index: asIndex(committed.last) };
  }

  #reserve(entry: Entry, packed: Uint8Array): Committed {
    const versions = entry.drafts.map(({ stream }) => {
      const version = (this.#versions.get(stream) ?? 0) + 1;
      this.#versions.set(stream, version);
      return version;
    });
    for (const stream of entry.ends ?? []) this.#versions.delete(stream);
    const first = this.#reserved + 1;
    this.#reserved += versions.length;
    const key = keyOf(first);
    return { first, last: this.#reserved, key, record: makeRecord(key, versions, packed) };
  }

  #committed(records: readonly Committed[]): void {
    this.#head = (records.at(-1) as Committed).last;
    this.#recent.add(records);
    this.#keeper.grew(this.#head);
    this.#changed.wake();
  }

  async *read(after: Index, upTo: Index): AsyncIterable<readonly LabEvent[]> {
    this.#assertOpen();
    this.#assertStored(upTo);
    yield* readStored(this.#parts.store, after, upTo);
  }

  async *follow(
    after: Index,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly upTo: Index; readonly events: readonly LabEvent[] }> {
    this.#assertOpen();
    this.#assertStored(after);
    let at: number = after;
    let catchingUp = true;
    while (!signal.aborted) {
      this.#assertOpen();
      if (at < this.#head) {
        const events = this.#recent.after(at);
        if (events) {
          at = lastOf(events);
          yield { upTo: asIndex(at), events };
          continue;
        }
        catchingUp = true;
        for await (const stored of readStored(this.#parts.store, at, this.#head)) {
          at = lastOf(stored);
          yield { upTo: asIndex(at), events: stored };
          if (signal.aborted) return;
        }
      } else if (catchingUp) {
        catchingUp = false;
        yield { upTo: asIndex(at), events: [] };
      } else {
        await this.#changed.wait(signal);
      }
    }
  }

  async readIndex(signal: AbortSignal): Promise<Index> {
    this.#assertOpen();
    signal.throwIfAborted();
    return this.head;
  }

  async *leadership(signal: AbortSignal): AsyncIterable<Leadership> {
    this.#assertOpen();
    const { node } = this.#parts;
    yield node === undefined ? { term: 1, mine: true } : { term: 1, leader: node, mine: true };
    while (!signal.aborted) {
      this.#assertOpen();
      await this.#changed.wait(signal);
    }
  }

  /** Waits for what is under way, and closes store and watermark too. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const broken = this.#ended;
    this.#ended ??= new LogError('CLOSED', 'the event log is closed', 'Open it again.');
    this.#keeper.stop();
    try {
      await this.#commit.settled();
      if (!broken) await this.#keeper.flush();
    } catch (error) {
      this.#break(error);
    } finally {
      this.#keeper.stop();
      this.#changed.wake();
      await this.#parts.watermark.close();
      await this.#parts.store.close();
    }
  }

  /** @returns what every caller gets from now on */
  #break(cause: unknown): LogError {
    if (this.#ended?.code === 'BROKEN') return this.#ended;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const error = new LogError(
      'BROKEN',
      `the event log could not be written and takes nothing more: ${reason}`,
      'Look at the disk and its free space, then start FloatLab again: it reads what is really there.',
      cause,
    );
    this.#ended = error;
    this.#keeper.stop();
    this.#changed.wake();
    this.#parts.onBroken(error);
    return error;
  }

  #assertOpen(): void {
    if (this.#ended) throw this.#ended;
  }

  #assertStored(index: number): void {
    if (index <= this.#head) return;
    throw new LogError(
      'PAST_HEAD',
      `event ${index} does not exist: the log ends at event ${this.#head}`,
      'Start again from a snapshot: what you follow is not the log that you followed before, or was restored.',
    );
  }
}

const lastOf = (events: readonly LabEvent[]): number => (events.at(-1) as LabEvent).index;
