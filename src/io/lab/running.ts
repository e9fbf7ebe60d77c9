/** A lab that runs: log, fold, commands and policies wired together behind `LabPort`. */
import { asIndex, type Index } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import type { ObservedView } from '#io/contract/live.ts';
import type { ViewName, ViewRows } from '#projections/registry.ts';
import type { AuditRow } from '#projections/audit.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { Logger } from 'pino';
import type { Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import type { EventLog } from '../log/port.ts';
import type { BlobStore } from '../stores/blobs.ts';
import { Commander } from './commander.ts';
import { noteFill } from './fill.ts';
import { Leader } from './leader.ts';
import { Observed } from './observed.ts';
import { Past } from './past.ts';
import type { ActivityRange, LabPort, RowChanges, RowList, RunRequest, RunResult, TableView } from './port.ts';
import { Replica } from './replica.ts';
import type { StateDatabase } from './state.ts';
import type { Folded } from './folded.ts';

export interface LabParts {
  readonly eventLog: EventLog;
  readonly state: StateDatabase;
  /** As `state.load()` gave it. */
  readonly folded: Folded;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The log or the state database failed: nothing that follows can be trusted, the process ends. */
  onBroken(error: unknown): void;
}

export class RunningLab implements LabPort {
  readonly replica: Replica;
  readonly commander: Commander;
  readonly observedRows: Observed;
  readonly epoch: string;
  readonly #parts: LabParts;
  readonly #past: Past;
  #leader: Leader | undefined;
  #current = false;

  private constructor(parts: LabParts) {
    this.#parts = parts;
    this.replica = new Replica(parts.eventLog, parts.state, parts.folded);
    this.observedRows = new Observed(parts.folded.lab);
    this.replica.listen(({ steps }) => this.observedRows.settle(steps));
    this.commander = new Commander({
      log: parts.eventLog,
      replica: this.replica,
      blobs: parts.blobs,
      clock: parts.clock,
    });
    this.#past = new Past(parts.eventLog, parts.state);
    this.epoch = parts.random.id();
  }

  /** Folds what the state database lacks and begins to follow the log. */
  static async open(parts: LabParts): Promise<RunningLab> {
    const lab = new RunningLab(parts);
    let told = parts.clock.monotonicMs();
    await lab.replica.catchUp((index, head) => {
      if (parts.clock.monotonicMs() - told < 2000) return;
      told = parts.clock.monotonicMs();
      parts.log.info({ index, head }, 'folding history');
    });
    lab.replica.start((error) => parts.onBroken(error));
    lab.#current = true;
    return lab;
  }

  /** Begins to decide by itself: this node leads. */
  lead(): Leader {
    if (this.#leader) return this.#leader;
    const leader = new Leader({
      replica: this.replica,
      commander: this.commander,
      clock: this.#parts.clock,
      log: this.#parts.log,
    });
    this.#leader = leader;
    this.observedRows.tap((view, key, row) => {
      if (view === 'usage') noteFill(leader, key, row);
    });
    return leader;
  }

  get view(): LabView {
    return this.replica.folded.lab;
  }
  get index(): Index {
    return this.replica.index;
  }
  get current(): boolean {
    return this.#current;
  }

  run(request: RunRequest, signal: AbortSignal): Promise<RunResult> {
    const { dryRun, ...rest } = request;
    return dryRun === true ? this.commander.dryRun(rest) : this.commander.run(rest, signal);
  }

  rows<V extends TableView>(view: V): RowList<ViewRows[V]> {
    return this.replica.folded.rows(view);
  }

  async rowsAt<V extends TableView>(view: V, at: Index): Promise<RowList<ViewRows[V]>> {
    if (at === this.index) return this.rows(view);
    return (await this.#past.at(at)).rows(view);
  }

  async activity(range: ActivityRange): Promise<readonly ActivityRow[]> {
    await this.replica.stored();
    if (range.stream !== undefined) return this.#history(range, range.stream);
    const rows: ActivityRow[] = [];
    const isForward = range.after !== undefined;
    const found = this.#parts.state.logRows<ActivityRow>('activity', {
      ...(range.after === undefined ? {} : { after: range.after }),
      ...(range.before === undefined ? {} : { before: range.before }),
      reverse: !isForward,
      // A filter is applied to what is read: the limit then counts what it lets through.
      ...(range.correlation === undefined ? { limit: range.limit } : {}),
    });
    for await (const [, row] of found) {
      if (range.correlation !== undefined && row.correlation !== range.correlation) continue;
      rows.push(row);
      if (rows.length >= range.limit) break;
    }
    return rows;
  }

  async #history(range: ActivityRange, stream: NonNullable<ActivityRange['stream']>): Promise<readonly ActivityRow[]> {
    const entries = this.#parts.state.logRows<AuditRow>('audit', {
      group: stream,
      ...(range.after === undefined ? {} : { after: range.after }),
      ...(range.before === undefined ? {} : { before: range.before }),
      reverse: range.after === undefined,
      limit: range.limit,
    });
    const rows: ActivityRow[] = [];
    for await (const [index] of entries) {
      const found = this.#parts.state.logRows<ActivityRow>('activity', { after: index - 1, limit: 1 });
      for await (const [, row] of found) rows.push(row);
    }
    return rows;
  }

  /** The events themselves, for an audit. */
  history(after: Index, upTo: Index): ReturnType<EventLog['read']> {
    return this.#parts.eventLog.read(after, upTo);
  }

  /** By bisection over the activity, whose times never go back. */
  async indexAt(timeMs: number): Promise<Index> {
    let low = 0;
    let high: number = this.index;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      const [row] = await this.activity({ after: middle - 1, limit: 1 });
      if (row && row.at <= timeMs) low = middle;
      else high = middle - 1;
    }
    return asIndex(low);
  }

  watch(view: ViewName, listener: (changes: RowChanges) => void): () => void {
    return this.replica.listen(({ changes }) => {
      const changed = changes.get(view);
      if (changed) listener({ index: this.index, put: changed.put, del: changed.deleted });
    });
  }

  observed(view: ObservedView): RowList<unknown> {
    return this.observedRows.rows(view);
  }

  watchObserved(view: ObservedView, listener: (changes: Omit<RowChanges, 'index'>) => void): () => void {
    return this.observedRows.watch(view, listener);
  }

  /** Stops deciding and folding. What was acknowledged is durable; the log itself is closed by whoever opened it. */
  async close(): Promise<void> {
    this.#current = false;
    this.#leader?.stop();
    await this.replica.close();
  }
}
