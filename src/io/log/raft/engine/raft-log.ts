/**
 * The event log of a lab on any number of machines: what its members agree on, in order, as events.
 *
 *   append ─▶ batch of this turn ─▶ member ─ agreed on ─▶ applier ─▶ history ─▶ followers
 *                                     ▲                     │           │
 *                                     │                     └─▶ answer  │
 *                                     └────────────── taken ────────────┘
 *
 * Entries are applied in the order of the consensus log, whoever proposed them; a place in it that went to another entry
 * than ours says for sure that ours never will be. What is answered is durable on a majority and applied here; the
 * history gets it a moment later, with whatever else was applied meanwhile, and who reads waits for that. What followers
 * see is in the history already, so that nobody who keeps state beside it is ever ahead of it.
 */
import { asIndex, type Entry, type Index, type LabEvent } from '#events/envelope.ts';
import type { Change } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import { sleep, type Clock } from '../../../devices/clock/port.ts';
import type { Random } from '../../../devices/random/port.ts';
import { abortable } from '../../abortable.ts';
import { packEntry } from '../../codec.ts';
import { LogError, type EventLog, type Leadership } from '../../port.ts';
import { Recent, type Recorded } from '../../recent.ts';
import { Wakeup } from '../../wakeup.ts';
import type { HistoryEntry } from '../history/segment.ts';
import type { MemberChannel } from '../member/channel.ts';
import {
  entryTypes,
  takenStepBytes,
  unpack,
  type FromMember,
  type MemberStatus,
  type Slice,
} from '../member/protocol.ts';
import type { SnapshotPointer } from '../storage.ts';
import type { Position } from '../suspicion.ts';
import type { Applier, Outcome } from './applier.ts';
import { unlessLate, type HistoryLate } from './history-late.ts';
import type { HistoryKeeper } from './keeper.ts';
import { nodeOf } from './peer.ts';
import { Pending } from './pending.ts';
import type { EventReader } from './reading.ts';
import { Reads } from './reads.ts';
import { broken, noQuorum, notLeader, refusal, unknownOutcome } from './refusals.ts';

export interface RaftLogParts {
  readonly channel: MemberChannel;
  readonly keeper: HistoryKeeper;
  readonly reader: EventReader;
  readonly applier: Applier;
  /** The last entry of the history. */
  readonly applied: Position;
  /** The file of a snapshot, from the member that offers it. @returns false when it does not come */
  fetchSnapshot(from: PeerId, pointer: SnapshotPointer): Promise<boolean>;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a reader is kept waiting while no leader is known: an election takes about that. */
  readonly patienceMs: number;
  readonly late: HistoryLate;
  onStatus(status: MemberStatus): void;
  /** Nothing works any more: end the process. */
  onBroken(error: unknown): void;
}

/** Applied, and on its way into the history. */
interface Unwritten {
  readonly history: readonly HistoryEntry[];
  readonly recorded: readonly Recorded[];
  /** Entry of the consensus log, and index of the event, up to which all is applied then. */
  readonly upTo: number;
  readonly head: number;
  /** That the member has handed out. */
  readonly bytes: number;
}

const never = new AbortController().signal;

export class RaftLog implements EventLog {
  readonly #parts: RaftLogParts;
  readonly #applier: Applier;
  readonly #recent = new Recent();
  readonly #changed = new Wakeup();
  readonly #grown = new Wakeup();
  readonly #pending = new Pending();
  readonly #reads = new Reads();
  /** What the member said, to be carried out one after another. */
  readonly #turns: (() => Promise<void> | undefined)[] = [];
  #isTurning = false;
  #turning: Promise<void> = Promise.resolve();
  #unwritten: Unwritten[] = [];
  #isWriting = false;
  #writing: Promise<void> = Promise.resolve();
  /** Bytes that are in the history, and that the member was not told of. */
  #untoldBytes = 0;
  #head: number;
  /** Index of the last event that is in the history. */
  #stored: number;
  /** Entry of the consensus log up to which all is applied. */
  #applied: number;
  /** Term of the last entry that was applied. */
  #appliedTerm: number;
  #leadership: Extract<FromMember, { t: 'leadership' }> | undefined;
  #status: MemberStatus | undefined;
  #ended: LogError | undefined;
  #closing: Promise<void> | undefined;

  /** Everything in the history is applied; what the member hands out of it once more is passed over. */
  constructor(parts: RaftLogParts) {
    this.#parts = parts;
    this.#applier = parts.applier;
    this.#head = this.#stored = parts.applier.head;
    this.#applied = parts.applied.index;
    this.#appliedTerm = parts.applied.term;
    parts.channel.receive((message) => this.#hear(message));
  }

  get head(): Index {
    return asIndex(this.#head);
  }

  /** Entry of the consensus log up to which all is applied here. */
  get applied(): number {
    return this.#applied;
  }

  /** As the member told it last. */
  get status(): MemberStatus | undefined {
    return this.#status;
  }

  /** Whether this member leads, and knows everything that was agreed on before. */
  get leads(): boolean {
    return this.#present()?.mine ?? false;
  }

  append(entry: Entry, signal: AbortSignal, term?: number): Promise<Outcome> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    let packed: Uint8Array;
    try {
      packed = packEntry(entry);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return abortable(
      this.#pending.add(packed, term, (batch) => this.#propose(batch)),
      signal,
    );
  }

  #propose(batch: ReturnType<Pending['begin']>): void {
    if (this.#ended?.code === 'BROKEN') return this.#pending.endAll(this.#ended);
    this.#parts.channel.send({ t: 'propose', ...batch });
  }

  /** Members come or go. Resolves when that is applied here. @throws LogError NOT_LEADER, REFUSED */
  async change(change: Change, note: Uint8Array, term: number): Promise<void> {
    this.#assertOpen();
    const { id, done } = this.#pending.beginChange();
    this.#parts.channel.send({ t: 'change', id, term, change, note });
    await done;
  }

  /** Asks another voter to lead. Whether it does is told by `leadership`. */
  transfer(to: PeerId): void {
    this.#assertOpen();
    this.#parts.channel.send({ t: 'transfer', to });
  }

  async *read(after: Index, upTo: Index): AsyncIterable<readonly LabEvent[]> {
    this.#assertOpen();
    this.#assertThere(upTo);
    await this.#untilStored(upTo, never);
    yield* this.#parts.reader.read(after, upTo);
  }

  async *follow(
    after: Index,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly upTo: Index; readonly events: readonly LabEvent[] }> {
    this.#assertOpen();
    this.#assertThere(after);
    await this.#untilStored(this.#head, signal);
    let at: number = after;
    let catchingUp = true;
    while (!signal.aborted) {
      this.#assertOpen();
      if (at < this.#stored) {
        const events = this.#recent.after(at);
        if (events) {
          at = lastOf(events);
          yield { upTo: asIndex(at), events };
          continue;
        }
        catchingUp = true;
        for await (const stored of this.#parts.reader.read(at, this.#stored)) {
          at = lastOf(stored);
          yield { upTo: asIndex(at), events: stored };
          if (signal.aborted) return;
        }
      } else if (catchingUp) {
        catchingUp = false;
        yield { upTo: asIndex(at), events: [] };
      } else {
        await this.#grown.wait(signal);
      }
    }
  }

  async readIndex(signal: AbortSignal, term?: number): Promise<Index> {
    const { clock } = this.#parts;
    const until = clock.monotonicMs() + this.#parts.patienceMs;
    for (let waitMs = 20; ; waitMs = Math.min(2 * waitMs, 200)) {
      this.#assertOpen();
      signal.throwIfAborted();
      const answer = await abortable(this.#read(), signal);
      if ('index' in answer) {
        while (this.#applied < answer.index && !signal.aborted) {
          this.#assertOpen();
          await this.#changed.wait(signal);
        }
        signal.throwIfAborted();
        if (term !== undefined && !this.#leadsIn(term)) throw notLeader(this.#leadership?.leader);
        return this.head;
      }
      if (clock.monotonicMs() >= until) throw noQuorum();
      await sleep(clock, waitMs, signal);
    }
  }

  /**
   * The entry of the consensus log up to which a reader has to have applied all, wherever it reads, so that it finds
   * everything that was acknowledged before this call. Asked once. @throws LogError NO_QUORUM
   */
  async readEntry(signal: AbortSignal): Promise<number> {
    this.#assertOpen();
    const answer = await abortable(this.#read(), signal);
    if ('index' in answer) return answer.index;
    throw noQuorum();
  }

  #read(): ReturnType<Reads['begin']> {
    const request = this.#parts.random.id();
    return this.#reads.begin(request, () => this.#parts.channel.send({ t: 'read', request }));
  }

  async *leadership(signal: AbortSignal): AsyncIterable<Leadership> {
    let told: Leadership | undefined;
    while (!signal.aborted) {
      this.#assertOpen();
      const present = this.#present();
      if (present && (told?.term !== present.term || told.leader !== present.leader || told.mine !== present.mine)) {
        told = present;
        yield present;
        continue;
      }
      await this.#changed.wait(signal);
    }
  }

  #leadsIn(term: number): boolean {
    return this.#leadership?.role === 'leader' && this.#leadership.term === term;
  }

  /** A leader leads once it has applied an entry of its own term: all that was agreed on before is then known to it. */
  #present(): Leadership | undefined {
    if (!this.#leadership) return undefined;
    const { term, role, leader } = this.#leadership;
    const mine = role === 'leader' && this.#appliedTerm === term;
    return leader === undefined ? { term, mine } : { term, leader: nodeOf(leader), mine };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#ended ??= new LogError('CLOSED', 'the event log is closed', 'Open it again.');
    this.#reads.endAll(this.#ended);
    try {
      if (this.#ended.code === 'CLOSED') await this.#pending.settled(closeGraceMs, this.#parts.clock);
    } finally {
      this.#wakeAll();
      await this.#parts.channel.close();
      await this.#writing;
      await this.#parts.keeper.close();
      await this.#turning;
      this.#pending.endAll(unknownOutcome());
    }
  }

  #hear(message: FromMember): void {
    switch (message.t) {
      case 'proposed':
        return this.#pending.proposed(message.id, message.term, message.firstIndex);
      case 'refused':
        return this.#pending.refused(message.id, refusal(message, this.#leadership?.leader));
      case 'read':
        return this.#reads.answer(message.request, { index: message.index });
      case 'read-refused':
        return this.#reads.answer(message.request, { why: message.why });
      case 'leadership':
        this.#leadership = message;
        return this.#changed.wake();
      case 'status':
        this.#status = message.status;
        return this.#parts.onStatus(message.status);
      case 'committed':
        return this.#inTurn(() => this.#apply(message.slice));
      case 'snapshot-wanted':
        return this.#inTurn(async () => {
          await this.#writing;
          // Beside what is applied meanwhile: the history serves both.
          void this.#guarded(async () => {
            const pointer = await this.#parts.keeper.makeSnapshot(message.meta);
            this.#parts.channel.send({ t: 'kept', index: pointer.meta.index });
            this.#parts.channel.send({ t: 'snapshot-made', pointer });
          });
        });
      case 'snapshot-offered':
        return void this.#guarded(async () => {
          const { pointer } = message;
          const isHere = await this.#parts.fetchSnapshot(message.from, pointer);
          if (!this.#ended) this.#parts.channel.send({ t: isHere ? 'snapshot-arrived' : 'snapshot-failed', pointer });
        });
      case 'installed':
        return this.#inTurn(() => this.#install(message.pointer));
    }
  }

  #apply({ firstIndex, terms, types, data }: Slice): undefined {
    const bodies = unpack(data);
    const history: HistoryEntry[] = [];
    const recorded: Recorded[] = [];
    const decided: (readonly [index: number, term: number, outcomes: readonly Outcome[]])[] = [];
    for (const [at, body] of bodies.entries()) {
      const index = firstIndex + at;
      const term = terms[at] ?? 0;
      // Known from the life before this one, whose state is here.
      if (index <= this.#applied) continue;
      const applied = this.#applier.apply(entryTypes[types[at] ?? 0] ?? 'empty', body);
      history.push({ index, term, bytes: applied.bytes });
      for (const one of applied.recorded) recorded.push(one);
      decided.push([index, term, applied.outcomes]);
    }
    const upTo = firstIndex + bodies.length - 1;
    this.#head = this.#applier.head;
    if (upTo > this.#applied) {
      this.#applied = upTo;
      this.#appliedTerm = terms.at(-1) ?? this.#appliedTerm;
    }
    this.#unwritten.push({ history, recorded, upTo, head: this.#head, bytes: data.bytes.length });
    this.#write();
    for (const [index, term, outcomes] of decided) this.#pending.applied(index, term, outcomes);
    this.#changed.wake();
    return undefined;
  }

  /** Brings what is applied into the history: at once, and what comes meanwhile together. */
  #write(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    const { keeper, late, clock, channel } = this.#parts;
    this.#writing = this.#guarded(async () => {
      for (let batch = this.#takeUnwritten(); batch.length > 0; batch = this.#takeUnwritten()) {
        const history = batch.flatMap((one) => one.history);
        if (history.length > 0)
          await unlessLate(keeper.append(history), late, clock, () => channel.send({ t: 'touch' }));
        this.#written(batch);
      }
      this.#isWriting = false;
    });
  }

  #takeUnwritten(): readonly Unwritten[] {
    const batch = this.#unwritten;
    this.#unwritten = [];
    return batch;
  }

  #written(batch: readonly Unwritten[]): void {
    for (const { recorded, bytes } of batch) {
      this.#recent.add(recorded);
      this.#untoldBytes += bytes;
    }
    const { upTo, head } = batch.at(-1) as Unwritten;
    this.#stored = head;
    this.#grown.wake();
    if (this.#untoldBytes < takenStepBytes) return;
    this.#untoldBytes = 0;
    this.#parts.channel.send({ t: 'taken', index: upTo });
  }

  async #install(pointer: SnapshotPointer): Promise<void> {
    const { index, term } = pointer.meta;
    if (index <= this.#applied) return;
    await this.#writing;
    await this.#parts.keeper.install(pointer);
    await this.#applier.goOn((versions, head) => this.#parts.reader.catchUp(versions, head));
    this.#recent.clear();
    this.#head = this.#stored = this.#applier.head;
    this.#applied = index;
    this.#appliedTerm = term;
    this.#pending.skipped(index, term, unknownOutcome());
    this.#wakeAll();
  }

  /** At once where nothing is going on. */
  #inTurn(work: () => Promise<void> | undefined): void {
    this.#turns.push(work);
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#turning = this.#guarded(async () => {
      for (let next = this.#turns.shift(); next; next = this.#turns.shift()) {
        const doing = next();
        if (doing) await doing;
      }
      this.#isTurning = false;
    });
  }

  /** Never rejects: what fails here ends the process. */
  async #guarded(work: () => Promise<void>): Promise<void> {
    if (this.#ended?.code === 'BROKEN') return;
    try {
      await work();
    } catch (error) {
      if (!this.#closing) this.broke(error);
    }
  }

  /** The member, or what is kept of it, failed. */
  broke(cause: unknown): void {
    if (this.#ended?.code === 'BROKEN') return;
    const error = cause instanceof LogError && cause.code === 'BROKEN' ? cause : broken(cause);
    this.#ended = error;
    this.#pending.endAll(error);
    this.#reads.endAll(error);
    this.#wakeAll();
    this.#parts.onBroken(error);
  }

  #assertOpen(): void {
    if (this.#ended) throw this.#ended;
  }

  async #untilStored(index: number, signal: AbortSignal): Promise<void> {
    while (this.#stored < index && !signal.aborted) {
      this.#assertOpen();
      await this.#grown.wait(signal);
    }
  }

  #wakeAll(): void {
    this.#changed.wake();
    this.#grown.wake();
  }

  #assertThere(index: number): void {
    if (index <= this.#head) return;
    throw new LogError(
      'PAST_HEAD',
      `event ${index} does not exist: the log ends at event ${this.#head}`,
      'Start again from a snapshot: what you follow is not the log that you followed before, or was restored.',
    );
  }
}

/** What is under way when the log is closed gets so long: without a majority it would wait for ever. */
const closeGraceMs = 5000;

const lastOf = (events: readonly LabEvent[]): number => (events.at(-1) as LabEvent).index;
