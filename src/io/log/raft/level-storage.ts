/**
 * The durable log of one member: a database for entries and hard state, a watermark beside it.
 *
 *   store(jobs) ─▶ lower the watermark, synced      only if entries below it are about to be replaced
 *               ─▶ one synced batch                 start of the log, deletions from the end, entries, hard state
 *               ─▶ the watermark, synced            if term, vote, suspicion or start changed, or much was stored
 *                  else noted, not synced           while the caller goes on
 *               ─▶ resolve
 *
 * Why in this order: the watermark claims nothing that is not in the database yet, so a crash between the two makes no
 * suspect; and nobody hears of a vote, or of the first entry of a term, before both know. Within a batch everything is
 * written so that a batch torn by a disk that breaks its word leaves an earlier state, or one that opening notices.
 */
import { invariant, type SnapshotMeta } from '#events/raft/entry.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import type { Directory } from '../../stores/directory.ts';
import { StoreError, type Op, type Store } from '../../stores/port.ts';
import { entryRecord, readEntryRecord } from './entry-codec.ts';
import { allEntries, entriesFrom, entriesUpTo, entryKey } from './keys.ts';
import { planOf, type Plan } from './plan.ts';
import { startRecord, stateRecord, type LogStart, type StoredState } from './small-records.ts';
import type { RaftStorage, SnapshotPointer } from './storage.ts';
import { both, type Position } from './suspicion.ts';
import type { WatermarkKeeper } from './watermark-keeper.ts';

export interface LevelStorageParts {
  readonly store: Store;
  readonly directory: Directory;
  readonly watermark: WatermarkKeeper;
  readonly start: LogStart;
  readonly last: Position;
  /** The highest index at which anything stands, behind damage too. */
  readonly tail: number;
  readonly state: StoredState;
}

export class LevelRaftStorage implements RaftStorage {
  readonly #store: Store;
  readonly #directory: Directory;
  readonly #watermark: WatermarkKeeper;
  #start: LogStart;
  #last: Position;
  #tail: number;
  #state: StoredState;
  readonly #arrived = new Map<number, SnapshotPointer>();
  #turn: Promise<unknown> = Promise.resolve();
  #ended: { readonly reason: unknown } | undefined;

  constructor(parts: LevelStorageParts) {
    this.#store = parts.store;
    this.#directory = parts.directory;
    this.#watermark = parts.watermark;
    this.#start = parts.start;
    this.#last = parts.last;
    this.#tail = parts.tail;
    this.#state = parts.state;
  }

  get snapshot(): SnapshotPointer | undefined {
    return this.#start.pointer;
  }

  store(jobs: readonly StoreJob[]): Promise<void> {
    return this.#inTurn(() => this.#carryOut(planOf(jobs, this.#start.meta, this.#last)));
  }

  snapshotArrived(pointer: SnapshotPointer): void {
    this.#arrived.set(pointer.meta.index, pointer);
  }

  snapshotMade(pointer: SnapshotPointer): Promise<void> {
    return this.#inTurn(async () => {
      const { index } = pointer.meta;
      // A leader's newer one came meanwhile.
      if (index <= this.#start.meta.index) return;
      invariant(
        index <= this.#last.index,
        () => `a snapshot at ${index} is ahead of the log, which ends at ${this.#last.index}`,
      );
      const start = { meta: pointer.meta, pointer };
      await this.#store.batch([startRecord.op(start)], { sync: true });
      this.#start = start;
    });
  }

  async compact(upTo: number): Promise<void> {
    const { index } = this.#start.meta;
    invariant(upTo <= index, () => `entries up to ${upTo} cannot be forgotten: the durable snapshot ends at ${index}`);
    // Not in turn with the jobs: they touch other entries, and must not wait for this.
    this.#assertGoing();
    try {
      await this.#store.clear(entriesUpTo(upTo));
    } catch (error) {
      throw this.#end(error);
    }
  }

  async close(): Promise<void> {
    try {
      if (!this.#ended) await this.#inTurn(() => this.#watermark.settle());
    } finally {
      this.#end(new StoreError('FAILED', 'the consensus log is closed', 'Open it again.'));
      await this.#turn;
      await this.#directory.close();
      await this.#store.close();
    }
  }

  async #carryOut(plan: Plan): Promise<void> {
    const start = plan.install ? this.#startOf(plan.install) : this.#start;
    const state = this.#stateAfter(plan);
    const ops = await this.#opsOf(plan, start, state);
    if (ops.length === 0) return;
    await this.#lowerWatermark(plan);
    await this.#store.batch(ops, { sync: true });
    this.#start = start;
    this.#last = plan.last;
    if (endsLog(plan)) this.#tail = plan.last.index;
    this.#state = state;
    for (const index of this.#arrived.keys()) if (index <= start.meta.index) this.#arrived.delete(index);
    await this.#watermark.raise(state, plan);
  }

  #startOf(meta: SnapshotMeta): LogStart {
    const pointer = this.#arrived.get(meta.index);
    invariant(
      pointer?.meta.term === meta.term,
      () => `the snapshot at ${meta.index} is to be installed, but its file has not arrived`,
    );
    return { meta, pointer };
  }

  #stateAfter({ hardState, suspicion: news }: Plan): StoredState {
    if (!hardState && !news) return this.#state;
    const suspicion = news === 'cleared' ? undefined : both(this.#state.suspicion, news);
    return { ...(hardState ?? this.#state), suspicion };
  }

  /** In an order that allows for a batch of which only the first operations arrive. */
  async #opsOf(plan: Plan, start: LogStart, state: StoredState): Promise<readonly Op[]> {
    const ops: Op[] = [];
    if (plan.install) ops.push(startRecord.op(start));
    for (const key of await this.#leftovers(plan)) ops.push({ del: key });
    let { term } = plan.install ?? (await this.#entryBefore(plan));
    for (const entry of plan.entries) {
      const key = entryKey(entry.index);
      ops.push({ put: key, value: entryRecord(key, term, entry) });
      term = entry.term;
    }
    if (state !== this.#state) ops.push(stateRecord.op(state));
    return ops;
  }

  /** What stands behind the new end of the log, from the end on: so that a part of the deletions leaves no gap. */
  async #leftovers(plan: Plan): Promise<readonly Uint8Array[]> {
    const isShorter = endsLog(plan) && plan.last.index < this.#tail;
    if (!plan.install && !isShorter) return [];
    const keys: Uint8Array[] = [];
    const range = plan.install ? allEntries : entriesFrom(plan.last.index + 1);
    for await (const slice of this.#store.range({ ...range, reverse: true })) for (const [key] of slice) keys.push(key);
    return keys;
  }

  async #entryBefore({ entries }: Plan): Promise<Position> {
    const first = entries[0];
    return first ? this.#positionAt(first.index - 1) : this.#last;
  }

  async #positionAt(index: number): Promise<Position> {
    const { meta } = this.#start;
    for (const known of [this.#last, meta]) if (known.index === index) return known;
    const key = entryKey(index);
    const record = await this.#store.get(key);
    const stored = record && readEntryRecord(key, record);
    if (typeof stored === 'object') return stored.entry;
    throw new StoreError(
      'DAMAGED',
      `entry ${index} of the consensus log was intact before, and is damaged or missing now`,
      'Start FloatLab again: it reads everything, and lets the group bring back what is lost.',
    );
  }

  /** Else a crash would leave a log that is shorter than its watermark, although nothing was lost. */
  async #lowerWatermark({ install, replacedFrom }: Plan): Promise<void> {
    const { lastIndex } = this.#watermark;
    if (install && lastIndex >= install.index) await this.#watermark.lower({ index: 0, term: 0 });
    else if (replacedFrom !== undefined && replacedFrom <= lastIndex)
      await this.#watermark.lower(await this.#positionAt(replacedFrom - 1));
  }

  /** One after another; after an error nothing any more. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      this.#assertGoing();
      try {
        return await work();
      } catch (error) {
        throw this.#end(error);
      }
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #assertGoing(): void {
    if (this.#ended) throw this.#ended.reason;
  }

  #end(reason: unknown): unknown {
    this.#ended ??= { reason };
    return this.#ended.reason;
  }
}

/**
 * Whether a leader said where the log ends: by its snapshot, its entries, or its trust in a suspect. Any other job leaves
 * what stands behind damage where it is; it must be known as long as it is there.
 */
const endsLog = ({ install, entries, suspicion }: Plan): boolean =>
  install !== undefined || entries.length > 0 || suspicion === 'cleared';
