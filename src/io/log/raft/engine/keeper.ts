/**
 * The history of a member through its lives: found or begun at a start, appended to, put into snapshots, and begun anew
 * from a leader's snapshot. Then the segments in between are fetched from whoever has them, before anything goes on: so a
 * lab that runs folds what it missed like everything else, and never jumps.
 *
 *   snapshot (`SnapshotFiles`)   one row: the history as of its entry
 */
import type { SnapshotMeta } from '#events/raft/entry.ts';
import { sleep, type Clock } from '../../../devices/clock/port.ts';
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import { LogError } from '../../port.ts';
import { Wakeup } from '../../wakeup.ts';
import { fetchMissing } from '../history/fetch.ts';
import { firstHead, packHead, unpackHead, type HistoryHead } from '../history/head.ts';
import type { History } from '../history/history.ts';
import { beginHistory, openHistory } from '../history/open.ts';
import { standardSealing, type Sealing } from '../history/sealing.ts';
import type { HistoryEntry } from '../history/segment.ts';
import type { SegmentSource } from '../history/source.ts';
import { HistoryTail, sliceOf } from '../history/tail.ts';
import type { SnapshotFiles } from '../snapshots/snapshot-files.ts';
import type { SnapshotPointer } from '../storage.ts';
import type { Position } from '../suspicion.ts';

export interface KeeperParts {
  /** Of the history alone; opened again after it was closed. */
  openDirectory(): Promise<Directory>;
  readonly snapshots: SnapshotFiles;
  readonly clock: Clock;
  readonly sealing?: Sealing;
  /** Other members, at this moment. */
  sources(): readonly SegmentSource[];
  /** What an operator may want to know. */
  note(message: string, details: Readonly<Record<string, unknown>>): void;
}

/** Between two rounds of asking everybody for what is missing. */
const askAgainMs = 250;

export class HistoryKeeper {
  readonly #parts: KeeperParts;
  #history: History | undefined;
  #isBeginning = false;
  /** For the nodes that follow this one. */
  readonly #tail = new HistoryTail();
  readonly #grown = new Wakeup();
  readonly #stop = new AbortController();

  private constructor(parts: KeeperParts, history: History | undefined) {
    this.#parts = parts;
    this.#history = history;
  }

  /** What is here of earlier lives. @throws StoreError FAILED, LogError TOO_NEW */
  static async open(parts: KeeperParts): Promise<HistoryKeeper> {
    const directory = await parts.openDirectory();
    try {
      const { history, findings } = await openHistory(directory, options(parts));
      for (const finding of findings) parts.note('history', { ...finding });
      return new HistoryKeeper(parts, history);
    } catch (error) {
      await directory.close();
      if (error instanceof StoreError && (error.code === 'MISSING' || error.code === 'DAMAGED')) {
        if (error.code === 'DAMAGED') parts.note(error.message, {});
        return new HistoryKeeper(parts, undefined);
      }
      throw error;
    }
  }

  /** @throws LogError DAMAGED where there is none yet */
  get history(): History {
    if (this.#history) return this.#history;
    throw new LogError('DAMAGED', 'this member has no history yet', 'Wait until it has joined its group.');
  }

  /** Whether that is the history no more: it was, or is being, begun anew. */
  isOver(history: History): boolean {
    return this.#isBeginning || this.#history !== history;
  }

  /** Its last entry; undefined where it has none. */
  async last(): Promise<Position | undefined> {
    const history = this.#history;
    if (!history || history.last === history.floor.index) return undefined;
    // Without its bytes, which are a part of all that was read.
    for await (const [entry] of history.read(history.last - 1, history.last))
      if (entry) return { index: entry.index, term: entry.term };
    return undefined;
  }

  /** Where the member's log begins. @param first what stands at entry 1 of a new group */
  async beginAt(pointer: SnapshotPointer | undefined, first: HistoryEntry): Promise<void> {
    const isThere = this.#history !== undefined && this.#history.last >= (pointer?.meta.index ?? 1);
    if (isThere) return;
    await this.#begin(pointer ? await this.#headOf(pointer) : firstHead);
    if (pointer) return;
    await this.history.append([first]);
    await this.history.sync();
  }

  /** For a machine that belongs to no group yet: its first snapshot is on its way. */
  async beginEmpty(): Promise<void> {
    if (!this.#history) await this.#begin(firstHead);
  }

  async append(entries: readonly HistoryEntry[]): Promise<void> {
    await this.history.append(entries);
    this.#tail.add(entries);
    this.#grown.wake();
  }

  /** Resolves when the history has grown, or is another one; or when the signal aborts. */
  grown(signal: AbortSignal): Promise<void> {
    return this.#grown.wait(signal);
  }

  /** For who waits for something else, too. */
  wake(): void {
    this.#grown.wake();
  }

  /**
   * A slice of what comes behind this entry, from memory where it is there.
   * @throws LogError BELOW_FLOOR, PAST_HEAD; StoreError MISSING for a segment that has to be fetched first, DAMAGED
   */
  async *entriesAfter(index: number): AsyncGenerator<readonly HistoryEntry[], void, undefined> {
    for (let at = index; at < this.history.last;) {
      const slice = this.#tail.after(at);
      if (slice) {
        yield slice;
        at += slice.length;
        continue;
      }
      // Up to where it was when this began: what comes meanwhile is in memory by then.
      for await (const read of this.history.read(at, this.history.last)) {
        for (let from = 0; from < read.length;) {
          const part = sliceOf(read, from);
          yield part;
          from += part.length;
          at += part.length;
        }
      }
    }
  }

  /** As of an entry that it has. Durable once resolved, as is the history up to there. */
  async makeSnapshot(meta: SnapshotMeta): Promise<SnapshotPointer> {
    const { snapshots } = this.#parts;
    await this.history.sync();
    const head = packHead(await this.history.at(meta.index));
    return snapshots.write(meta, only(head));
  }

  /** Goes on from a leader's snapshot; resolves when everything up to there is here. */
  async install(pointer: SnapshotPointer): Promise<void> {
    if (this.#history && this.#history.last >= pointer.meta.index) return;
    await this.#begin(await this.#headOf(pointer));
    await this.fetchMissing();
  }

  /** Asks the others until nothing is missing any more. @throws the reason of `close` */
  async fetchMissing(): Promise<void> {
    const { clock, sources, note } = this.#parts;
    const { signal } = this.#stop;
    for (let told = 0; this.history.missing().length > 0;) {
      signal.throwIfAborted();
      const { fetched, missing, complaints } = await fetchMissing(this.history, sources(), { clock, signal });
      if (fetched > 0 || told === 0) note('segments of the history are fetched', { fetched, missing, complaints });
      told++;
      if (missing > 0) await sleep(clock, askAgainMs, signal);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new LogError('CLOSED', 'the event log is closed', 'Open it again.'));
    if (!this.#history) return;
    await this.#history.sync().catch(() => undefined);
    await this.#history.close();
  }

  async #begin(head: HistoryHead): Promise<void> {
    this.#isBeginning = true;
    await this.#history?.close();
    const { history, findings } = await beginHistory(await this.#parts.openDirectory(), head, options(this.#parts));
    for (const finding of findings) if (finding.kind !== 'missing-segment') this.#parts.note('history', { ...finding });
    this.#history = history;
    this.#isBeginning = false;
    this.#tail.clear();
    this.#grown.wake();
  }

  async #headOf(pointer: SnapshotPointer): Promise<HistoryHead> {
    let head: HistoryHead | undefined;
    // The last slice comes only after the whole file was found right.
    for await (const rows of this.#parts.snapshots.read(pointer)) for (const row of rows) head ??= unpackHead(row);
    if (head) return head;
    throw new LogError('DAMAGED', `the snapshot ${pointer.file} is empty`, 'Begin a new member.');
  }
}

const options = ({ sealing = standardSealing }: KeeperParts) => ({ sealing });

async function* only(row: Uint8Array): AsyncGenerator<Uint8Array> {
  yield row;
}
