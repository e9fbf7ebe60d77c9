/** A lab that runs: log, fold, commands and policies wired together behind `LabPort`. */
import { asIndex, type Index, type StreamId } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import type { Observables } from '#actors/observations.ts';
import type { ObservedView, ReplicaLagRow } from '#io/contract/live.ts';
import type { ViewName, ViewRows } from '#projections/registry.ts';
import type { AuditRow } from '#projections/audit.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { Logger } from 'pino';
import type { Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { abortable } from '../log/abortable.ts';
import { isClosed, type EventLog, type Leadership } from '../log/port.ts';
import type { BlobStore } from '../stores/blobs.ts';
import { Commander } from './commander.ts';
import { Commands, noQuorum } from './commands.ts';
import { noteFill } from './fill.ts';
import { Gossip } from './gossip.ts';
import { Leader } from './leader.ts';
import { noteLoss } from './loss.ts';
import { Observed } from './observed.ts';
import { Past } from './past.ts';
import type { Others } from './others.ts';
import type { ActivityRange, LabPort, RowChanges, RowList, RunRequest, RunResult, TableView } from './port.ts';
import { Replica } from './replica.ts';
import { StateWatch } from './state-watch.ts';
import { VoterClocks } from './voter-clocks.ts';
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
  /** The other nodes; undefined on a lab that is folded in one place. */
  readonly others?: Others;
  /** Ids of the nodes that vote, where there are several: log time is what most of their clocks say. */
  readonly voters?: () => readonly string[];
  /** The log or the state database failed: nothing that follows can be trusted, the process ends. */
  onBroken(error: unknown): void;
  /**
   * The other nodes folded the history to another state: this one has stopped deciding, and what it stored is folded anew
   * at the next start. Left out: as `onBroken`.
   */
  onDiverged?(explain: string): void;
}

export class RunningLab implements LabPort {
  readonly replica: Replica;
  readonly commander: Commander;
  readonly observedRows: Observed;
  /** Undefined on a lab that is folded in one place. */
  readonly voterClocks: VoterClocks | undefined;
  readonly epoch: string;
  readonly #parts: LabParts;
  readonly #past: Past;
  readonly #commands: Commands;
  readonly #gossip: Gossip | undefined;
  readonly #stateWatch: StateWatch | undefined;
  /** The others came to another state: it decides nothing any more. */
  #isOdd = false;
  #leader: Leader | undefined;
  /** Policies are wanted: this node may lead, and not only look. */
  #mayLead = false;
  #current = false;
  readonly #stop = new AbortController();
  #following: Promise<void> = Promise.resolve();

  private constructor(parts: LabParts) {
    this.#parts = parts;
    this.replica = new Replica(parts.eventLog, parts.state, parts.folded);
    this.observedRows = new Observed(parts.folded.lab);
    this.replica.listen(({ steps }) => this.observedRows.settle(steps));
    const { others, clock, voters } = parts;
    this.voterClocks = others && voters && new VoterClocks({ others, clock, voters });
    this.commander = new Commander({
      log: parts.eventLog,
      replica: this.replica,
      blobs: parts.blobs,
      clock,
      voterClocks: this.voterClocks,
    });
    this.#commands = new Commands({
      commander: this.commander,
      replica: this.replica,
      clock: parts.clock,
      others: parts.others,
      onHeard: (node) => this.note('heartbeat', node, {}),
    });
    this.observedRows.tap((view, key, row) => {
      if (row === undefined || !this.#leader) return;
      if (view === 'usage') noteFill(this.#leader, key, row);
      if (view === 'replica-lag') noteLoss(this.#leader, key, row as ReplicaLagRow);
    });
    this.#gossip =
      parts.others &&
      new Gossip({
        lab: parts.folded.lab,
        observed: this.observedRows,
        others: parts.others,
        clock: parts.clock,
        onHeard: (node) => this.note('heartbeat', node, {}),
      });
    this.#stateWatch =
      parts.others &&
      new StateWatch({
        lab: parts.folded.lab,
        others: parts.others,
        clock: parts.clock,
        log: parts.log,
        onOdd: (explain) => void this.#diverged(explain),
      });
    const { replica } = this;
    replica.onFolded = () => this.#stateWatch?.folded();
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
    lab.#following = lab.#followLeadership();
    return lab;
  }

  async #diverged(explain: string): Promise<void> {
    const { state, onBroken, onDiverged = onBroken } = this.#parts;
    this.#isOdd = true;
    this.commander.end();
    this.#stopLeading();
    try {
      await state.distrust();
      onDiverged(explain);
    } catch (error) {
      onBroken(error);
    }
  }

  /** From now on this node decides by itself, whenever it leads. */
  lead(): void {
    this.#mayLead = true;
    if (this.leadership?.mine === true) this.#beginToLead();
  }

  /** Who leads, as it is known here. */
  get leadership(): Leadership | undefined {
    return this.#commands.leadership;
  }

  /** What this node has seen, for the policies; forgotten where they do not run. */
  note<K extends keyof Observables>(what: K, of: StreamId, value: Observables[K]): void {
    this.#leader?.note(what, of, value);
  }

  async #followLeadership(): Promise<void> {
    try {
      for await (const leadership of this.#parts.eventLog.leadership(this.#stop.signal)) {
        const { term, mine } = leadership;
        if (mine && !this.#isOdd) {
          this.#commands.leadership = undefined;
          await this.commander.begin(term);
        }
        // It may have been found the odd one meanwhile.
        if (!mine || this.#isOdd) this.commander.end();
        this.#commands.leadership = leadership;
        if (mine && this.#mayLead && !this.#isOdd) this.#beginToLead();
        else this.#stopLeading();
      }
    } catch (error) {
      // Whoever needs a log that was closed hears so from the log itself. With any other error this node would go on, and
      // never learn again that it leads.
      if (!this.#stop.signal.aborted && !isClosed(error)) this.#parts.onBroken(error);
    } finally {
      this.#commands.leadership = undefined;
      this.#stopLeading();
    }
  }

  #beginToLead(): void {
    const { clock, log } = this.#parts;
    this.#leader ??= new Leader({ replica: this.replica, commander: this.commander, clock, log });
  }

  #stopLeading(): void {
    this.#leader?.stop();
    this.#leader = undefined;
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
  get hasLeader(): boolean {
    return this.leadership?.mine === true || this.leadership?.leader !== undefined;
  }

  /** @throws LogError NO_QUORUM, at once when nobody has led for long */
  async readIndex(signal: AbortSignal): Promise<Index> {
    if (this.#commands.isLeaderless) throw noQuorum();
    const index = await this.#parts.eventLog.readIndex(signal);
    await abortable(this.replica.applied(index), signal);
    return index;
  }

  run(request: RunRequest, signal: AbortSignal): Promise<RunResult> {
    return this.#commands.run(request, signal);
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
    this.#stop.abort();
    this.#gossip?.stop();
    this.#stateWatch?.stop();
    this.voterClocks?.stop();
    await this.#following;
    await this.replica.close();
  }
}
