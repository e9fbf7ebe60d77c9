/**
 * When the watermark is lowered, synced, or only noted.
 *
 * Always synced: a new term or vote, before anybody hears of it; a suspicion; a snapshot that took the place of the log;
 * and every lowering. Otherwise it is a matter of price, because a sync costs as much as storing a job: synced after
 * much was stored, and noted in between. Nobody waits for a note; it is there a moment after the job, one for all that was
 * stored in that moment, and exact unless the power fails. So only damage that strikes the newest entries together with a
 * power cut (or with the death of the process in that very moment) escapes the watermark. A leader that still has those entries, and knows them to be
 * committed, tells with its next heartbeat; if damage took them from a majority in the same power cut, nobody does.
 */
import { totalSize } from '#events/raft/entry.ts';
import type { Clock, Timer } from '../../devices/clock/port.ts';
import type { Plan } from './plan.ts';
import type { StoredState } from './small-records.ts';
import type { Position } from './suspicion.ts';
import type { Mark, WatermarkFile } from './watermark.ts';

/** To sync takes about a hundredth of the time that it takes to store this much. */
const entriesPerSync = 4096;
const bytesPerSync = 1024 * 1024;

/** A note costs two threads a turn: under load that would be as much as the job that it follows. */
const noteAfterMs = 20;

export class WatermarkKeeper {
  readonly #file: WatermarkFile;
  readonly #clock: Clock | undefined;
  #mark: Mark;
  #isSynced = true;
  /** Runs until the next note. */
  #timer: Timer | undefined;
  #noting: Promise<void> = Promise.resolve();
  /** Stored since the last sync. */
  #entries = 0;
  #bytes = 0;

  /**
   * @param mark what the file says now, synced
   * @param clock for notes of several jobs at once; without it each job is noted by itself
   */
  constructor(file: WatermarkFile, mark: Mark, clock?: Clock) {
    this.#file = file;
    this.#mark = mark;
    this.#clock = clock;
  }

  get lastIndex(): number {
    return this.#mark.lastIndex;
  }

  /** The log is about to be cut there. A suspicion stays what it is. */
  async lower({ index: lastIndex, term: lastTerm }: Position): Promise<void> {
    await this.#sync({ ...this.#mark, lastIndex, lastTerm });
  }

  /** This is durable now. */
  async raise(state: StoredState, { install, entries, last }: Plan): Promise<void> {
    const before = this.#mark;
    const { term, vote, suspicion } = state;
    const mark = { ...before, term, vote, suspicion, lastIndex: last.index, lastTerm: last.term };
    this.#entries += entries.length;
    this.#bytes += totalSize(entries);
    const isNews = term !== before.term || vote !== before.vote || suspicion !== before.suspicion;
    const isMuch = this.#entries >= entriesPerSync || this.#bytes >= bytesPerSync;
    if (isNews || isMuch || install) return this.#sync(mark);
    this.#mark = mark;
    this.#isSynced = false;
    if (this.#timer) return;
    // One write at a time. If the last note failed, nothing is acknowledged any more.
    await this.#noting;
    if (!this.#clock) return this.#note();
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#note();
    }, noteAfterMs);
  }

  #note(): void {
    this.#noting = this.#file.note(this.#mark);
    this.#noting.catch(() => undefined); // told by the next call
  }

  /** From then on a power cut leaves no less than a crash. */
  async settle(): Promise<void> {
    if (!this.#isSynced) await this.#sync(this.#mark);
  }

  async #sync(mark: Mark): Promise<void> {
    if (this.#timer) this.#clock?.clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#noting;
    await this.#file.write(mark);
    this.#mark = mark;
    this.#isSynced = true;
    this.#entries = 0;
    this.#bytes = 0;
  }
}
