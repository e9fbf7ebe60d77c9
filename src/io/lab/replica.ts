/**
 * Follows the log: folds each slice, stores what it changed, and tells those who listen.
 *
 * Folding is synchronous within a slice; storing runs behind it, one batch at a time, and holds the next slice back
 * when it is slower. History is stored in larger batches: what came and went within one is never written. Listeners are
 * called after the whole slice is folded, in the order in which they came.
 */
import type { Index, StreamId } from '#events/envelope.ts';
import type { Step } from '#actors/actor.ts';
import type { ViewName } from '#projections/registry.ts';
import type { Changes } from '#projections/rows.ts';
import type { EventLog } from '../log/port.ts';
import type { Folded } from './folded.ts';
import type { StateDatabase } from './state.ts';

/** Every so many events the whole lab is kept, so that no question about the past folds more than this. */
const retainEvery = 50_000;
/** Events of history that are stored in one batch. */
const historyBatch = 2000;

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
    const ended = new Map<StreamId, number>();
    let steps: Step[] = [];
    for await (const events of this.#log.read(this.index, head)) {
      for (const event of events) {
        const step = this.folded.fold(event);
        steps.push(step);
        if (step.after?.final) ended.set(event.stream, event.version);
        else ended.delete(event.stream);
      }
      if (steps.length < historyBatch && this.index < head) continue;
      await this.#saving;
      this.#save(steps, this.folded.takeChanges());
      steps = [];
      await this.#retain();
      onProgress(this.index, head);
    }
    await this.#saving;
    for (const [stream, version] of ended) this.#log.ended(stream, version);
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
      const steps = events.map((event) => this.folded.fold(event));
      const changes = this.folded.takeChanges();
      this.#save(steps, changes);
      for (const { event, after } of steps) if (after?.final) this.#log.ended(event.stream, event.version);
      for (const listener of this.#listeners) listener({ steps, changes });
      this.#wake();
      await this.#saving;
      await this.#retain();
    }
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

  listen(listener: (slice: Slice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#failure ??= new Error('the lab is closed');
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
