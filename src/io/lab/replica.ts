/**
 * Follows the log: folds each slice, stores what it changed, and tells those who listen.
 *
 * Folding is synchronous within a slice; storing runs behind it, one batch at a time, and holds the next slice back
 * when it is slower. History is stored in larger batches: what came and went within one is never written. Listeners are
 * called after the whole slice is folded, in the order in which they came.
 */
import type { Index, LabEvent } from '#events/envelope.ts';
import type { Step } from '#actors/actor.ts';
import type { CommandRange } from '#actors/remembered.ts';
import type { ViewName } from '#projections/registry.ts';
import type { Changes } from '#projections/rows.ts';
import { LogError, type EventLog } from '../log/port.ts';
import type { Folded } from './folded.ts';
import type { StateDatabase } from './state.ts';

/** Every so many events the whole lab is kept, so that no question about the past folds more than this. */
export const retainEvery = 50_000;
/** Events of history that are stored in one batch. */
export const historyBatch = 2000;

export interface Slice {
  readonly steps: readonly Step[];
  readonly changes: ReadonlyMap<ViewName, Changes<object>>;
}

interface Waiter {
  readonly index: Index;
  resolve(): void;
  reject(error: unknown): void;
}

export class Replica {
  readonly folded: Folded;
  /** Called after each event that was folded as it came, before the next one. */
  onFolded: () => void = () => {};
  readonly #log: EventLog;
  readonly #state: StateDatabase;
  readonly #listeners = new Set<(slice: Slice) => void>();
  #waiters: Waiter[] = [];
  #failure: unknown;
  #retainedAt: number;
  readonly #stop = new AbortController();
  #saving: Promise<void> = Promise.resolve();
  #running: Promise<void> = Promise.resolve();

  constructor(log: EventLog, state: StateDatabase, folded: Folded) {
    this.#log = log;
    this.#state = state;
    this.folded = folded;
    this.#retainedAt = folded.lab.index;
  }

  get index(): Index {
    return this.folded.lab.index;
  }

  /** Folds everything that the log holds. Listeners hear nothing of it: it is not news. */
  async catchUp(onProgress: (index: Index, head: Index) => void = () => {}): Promise<void> {
    const head = this.#log.head;
    let steps: Step[] = [];
    for await (const events of this.#log.read(this.index, head)) {
      for (const event of events) {
        steps.push(this.folded.fold(event));
      }
      if (steps.length < historyBatch && this.index < head) continue;
      await this.#saving;
      this.#save(steps, this.folded.takeChanges());
      steps = [];
      await this.#retain();
      onProgress(this.index, head);
    }
    await this.#saving;
  }

  /** Goes on with what becomes durable, until `close`. `onBroken` hears when that is no longer possible. */
  start(onBroken: (error: unknown) => void): void {
    this.#running = this.#follow().catch((error: unknown) => {
      this.#failure = error;
      for (const waiter of this.#waiters) waiter.reject(error);
      this.#waiters = [];
      onBroken(error);
    });
  }

  async #follow(): Promise<void> {
    for await (const { events } of this.#log.follow(this.index, this.#stop.signal)) {
      if (events.length === 0) continue;
      const steps = events.map((event) => this.#fold(event));
      const changes = this.folded.takeChanges();
      this.#save(steps, changes);
      for (const listener of this.#listeners) listener({ steps, changes });
      this.#wake();
      await this.#saving;
      await this.#retain();
    }
  }

  #fold(event: LabEvent): Step {
    const step = this.folded.fold(event);
    this.onFolded();
    return step;
  }

  /** Begins to store; whoever goes on awaits `#saving` and hears when that failed. */
  #save(steps: readonly Step[], changes: Slice['changes']): void {
    this.#saving = this.#state.save(this.folded, steps, changes);
    // Something else may fail before it is awaited; its own failure must not end the process without a word.
    this.#saving.catch(() => {});
  }

  async #retain(): Promise<void> {
    if (this.index - this.#retainedAt < retainEvery) return;
    this.#retainedAt = this.index;
    await this.#state.retain({ lab: this.folded.lab, rows: (view) => this.folded.rows(view) });
  }

  /** Resolves when everything up to the index is folded; rejects when that will not happen. */
  applied(index: Index): Promise<void> {
    if (index <= this.index) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure as Error);
    return new Promise((resolve, reject) => this.#waiters.push({ index, resolve, reject }));
  }

  /** Resolves when everything folded so far can be read from the state database. */
  stored(): Promise<void> {
    return this.#saving;
  }

  /**
   * Looks for a person's command in all that is folded, however old. `upTo`: of what came after it nothing is said.
   * @throws StoreError DAMAGED
   */
  async findCommand(id: string): Promise<{ readonly range: CommandRange | undefined; readonly upTo: Index }> {
    const upTo = this.index;
    await this.#saving;
    return { range: await this.#state.command(id), upTo };
  }

  listen(listener: (slice: Slice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#failure ??= new LogError('CLOSED', 'the lab is closed', 'Open it again.');
    for (const waiter of this.#waiters) waiter.reject(this.#failure);
    this.#waiters = [];
  }

  #wake(): void {
    const ready = this.#waiters.filter(({ index }) => index <= this.index);
    if (ready.length === 0) return;
    this.#waiters = this.#waiters.filter(({ index }) => index > this.index);
    for (const waiter of ready) waiter.resolve();
  }
}
