/**
 * What waits to leave, by when it may: at once, or after everything before it is durable (see `ready.ts`); and the jobs
 * of the disk that are under way.
 */
import type { Message } from './message.ts';
import type { ReadState, RefusedRead, StoreMark } from './ready.ts';

export class Outbox {
  send: Message[] = [];
  thenSend: Message[] = [];
  reads: ReadState[] = [];
  refusedReads: RefusedRead[] = [];
  /** A newer snapshot than there is. */
  wantsSnapshot = false;
  /** The disk's jobs, oldest first, with the tick in which each began. */
  #jobs: { readonly job: number; readonly tick: number }[] = [];
  #lastJob = 0;
  #tick = 0;

  tick(): void {
    this.#tick++;
  }

  beginJob(): number {
    this.#jobs.push({ job: ++this.#lastJob, tick: this.#tick });
    return this.#lastJob;
  }

  /** Jobs are done in order: this one and all before it. */
  endJob(mark: StoreMark): void {
    this.#jobs = this.#jobs.filter(({ job }) => job > mark.job);
  }

  get isStoring(): boolean {
    return this.#jobs.length > 0;
  }

  /** How long the disk has been at its oldest job, in ticks. */
  get stalledTicks(): number {
    const oldest = this.#jobs[0];
    return oldest ? this.#tick - oldest.tick : 0;
  }

  takeSend(): Message[] {
    const messages = this.send;
    this.send = [];
    return messages;
  }

  takeThenSend(): Message[] {
    const messages = this.thenSend;
    this.thenSend = [];
    return messages;
  }

  takeSnapshotWish(): boolean {
    const wish = this.wantsSnapshot;
    this.wantsSnapshot = false;
    return wish;
  }

  takeReads(): ReadState[] {
    const reads = this.reads;
    this.reads = [];
    return reads;
  }

  takeRefusedReads(): RefusedRead[] {
    const refused = this.refusedReads;
    this.refusedReads = [];
    return refused;
  }
}
