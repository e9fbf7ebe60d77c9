/**
 * The real history (`io/log/raft/history`) of a simulated member, during one life of its process: whatever is applied is
 * appended, snapshots carry it as of their index, and whoever gets a snapshot begins with what is in there; the segments
 * that it names are fetched from anybody.
 *
 * Every group begins with a snapshot at index 1, so no entry stands there in any log; in the history an empty one does.
 */
import { noBytes, type Entry } from '#events/raft/entry.ts';
import { packEntry } from '../../log/raft/entry-codec.ts';
import { firstHead, packHead, unpackHead } from '../../log/raft/history/head.ts';
import type { History } from '../../log/raft/history/history.ts';
import { beginHistory, openHistory } from '../../log/raft/history/open.ts';
import type { Sealing } from '../../log/raft/history/sealing.ts';
import type { Directory } from '../../stores/directory.ts';
import { StoreError } from '../../stores/port.ts';

/** So small that short lives make many segments. */
const simulatedSealing: Sealing = { entries: 9, bytes: 1200 };

export class StoredHistory {
  readonly #openDirectory: () => Directory;
  #history: History | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(openDirectory: () => Directory, history: History | undefined) {
    this.#openDirectory = openDirectory;
    this.#history = history;
  }

  /**
   * @param snapshotIndex where the log starts; 0 on a machine that belongs to no group yet: it has no history
   * @param head of the snapshot there; undefined for the first one
   */
  static async open(
    openDirectory: () => Directory,
    snapshotIndex: number,
    head: Uint8Array | undefined,
  ): Promise<StoredHistory> {
    const of = new StoredHistory(openDirectory, undefined);
    if (snapshotIndex === 0) return of;
    of.#history = await openExisting(openDirectory());
    // It lost its end, or the process ended between the snapshot and its history.
    if (!of.#history || of.#history.last < snapshotIndex) await of.#begin(head);
    return of;
  }

  /** Undefined where nothing was ever applied or installed. */
  get current(): History | undefined {
    return this.#history;
  }

  /** These were applied. */
  append(entries: readonly Entry[]): Promise<void> {
    return this.#inTurn(() => this.#history?.append(entries.map((entry) => ({ ...entry, bytes: packEntry(entry) }))));
  }

  /** As of an index that was applied, for a snapshot. @returns undefined when what is damaged has to be fetched first */
  at(index: number): Promise<Uint8Array | undefined> {
    return this.#inTurn(async () => {
      try {
        return this.#history && packHead(await this.#history.at(index));
      } catch (error) {
        if (error instanceof StoreError && error.code !== 'FAILED') return undefined;
        throw error;
      }
    });
  }

  /** A leader's snapshot took the place of the log. */
  install(head: Uint8Array | undefined): Promise<void> {
    return this.#inTurn(() => this.#begin(head));
  }

  /** @returns up to where the log may be forgotten */
  sync(): Promise<number> {
    return this.#inTurn(() => this.#history?.sync() ?? 0);
  }

  async #begin(head: Uint8Array | undefined): Promise<void> {
    await this.#history?.close();
    const begun = await beginHistory(this.#openDirectory(), head ? unpackHead(head) : firstHead, {
      sealing: simulatedSealing,
    });
    this.#history = begun.history;
    if (head) return;
    await this.#history.append([{ index: 1, term: 1, bytes: noBytes }]);
    await this.#history.sync();
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** @returns undefined where there is none, or none that could be gone on from */
async function openExisting(directory: Directory): Promise<History | undefined> {
  try {
    return (await openHistory(directory, { sealing: simulatedSealing })).history;
  } catch (error) {
    await directory.close();
    if (error instanceof StoreError && error.code !== 'FAILED') return undefined;
    throw error;
  }
}
