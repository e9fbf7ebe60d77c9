/**
 * Takes commands to the log, one decision at a time and many appends in flight.
 *
 * Decisions are serial on the overlay, so each sees what those before it will have done; appends keep that order and
 * share batches. A repetition of a command, in flight or done, gets the first one's answer.
 */
import { asIndex, type Index, type LabEvent, type StreamId } from '#events/envelope.ts';
import type { LabView } from '#actors/actor.ts';
import { dispatch, readsOf, type Prepared, type Request } from '#actors/dispatch.ts';
import { Overlay } from '#actors/overlay.ts';
import { reject, type Rejection } from '#actors/rejection.ts';
import type { CommandRange } from '#actors/remembered.ts';
import { forecastFor, wordsFor } from '#projections/words.ts';
import type { Clock } from '../devices/clock/port.ts';
import type { EventLog } from '../log/port.ts';
import { LogError } from '../log/port.ts';
import { LogTime } from './log-time.ts';
import { abortable } from '../log/abortable.ts';
import type { BlobStore } from '../stores/blobs.ts';
import type { RunRequest, RunResult } from './port.ts';
import type { Replica } from './replica.ts';
import type { VoterClocks } from './voter-clocks.ts';

type Done = Exclude<RunResult, { rejected: unknown }>;

/** As a policy asks, or a person or a node through `RunRequest`. */
export type CommanderRequest = Request & Pick<RunRequest, 'since'>;

/** What is known of a command beside what the lab remembers: nothing of it is at or before `after`, or it is there. */
interface Sought {
  after: number;
  range: CommandRange | undefined;
}

/** Blobs by their address; undefined: not to be had. */
type Content = Map<string, Uint8Array | undefined>;

/** What was handed to the log is not taken back: giving up the wait for it is the caller's affair. */
const neverAborted = new AbortController().signal;

/** A new leader waits so long to hear what the clocks of the others say; time goes on without them, too. */
const clocksMs = 500;

/** A conflict means that the overlay was wrong; after so many in a row something else is. */
const maxConflicts = 10;

export class Commander {
  readonly #log: EventLog;
  readonly #replica: Replica;
  readonly #blobs: BlobStore;
  readonly #time: LogTime;
  readonly #voterClocks: VoterClocks | undefined;
  readonly #overlay: Overlay;
  readonly #running = new Map<string, Promise<RunResult>>();
  /** Appends in order of decision; each waits for its blobs and for those before it to have been handed over. */
  #handedOver: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** Commits that were begun and have not ended: what an answer may rest on. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** Index of the last event that is on its way. */
  #head: number;
  #recovering: Promise<void> | undefined;
  /** In which this node leads; everything is decided for this term. */
  #term: number | undefined;

  constructor(parts: {
    log: EventLog;
    replica: Replica;
    blobs: BlobStore;
    clock: Clock;
    voterClocks?: VoterClocks | undefined;
  }) {
    this.#log = parts.log;
    this.#replica = parts.replica;
    this.#blobs = parts.blobs;
    const { clock, voterClocks, replica } = parts;
    this.#voterClocks = voterClocks;
    this.#time = new LogTime({ clock, voterClocks, floor: () => replica.folded.lab.at });
    this.#overlay = new Overlay(parts.replica.folded.lab);
    this.#head = parts.log.head;
    parts.replica.listen(({ steps }) => {
      for (const { event } of steps) this.#overlay.settle(event.stream, event.version);
    });
  }

  /**
   * This node leads from now on: it decides on what was agreed on before, once all of that is folded; what the last term
   * decided and did not append is forgotten.
   */
  async begin(term: number): Promise<void> {
    if (this.#term === term) return;
    // Nothing is decided before all of it is folded.
    this.end();
    this.#recover();
    await this.#recovering;
    await this.#replica.applied(this.#log.head);
    // What is decided first is dated, too.
    await this.#voterClocks?.known(clocksMs);
    this.#head = this.#log.head;
    this.#term = term;
  }

  /** It does not lead any more. */
  end(): void {
    if (this.#term === undefined) return;
    this.#term = undefined;
    this.#recover();
  }

  /** An abort ends the waiting, not the command: whoever asks again with the same id gets its answer. */
  run(request: CommanderRequest, signal: AbortSignal): Promise<RunResult> {
    const running = this.#running.get(request.id) ?? this.#begin(request);
    return abortable(running, signal);
  }

  #begin(request: CommanderRequest): Promise<RunResult> {
    const run = this.#run(request);
    this.#running.set(request.id, run);
    const done = (): void => void this.#running.delete(request.id);
    run.then(done, done);
    return run;
  }

  /** The lab as it will be once everything on its way has committed: what policies look at. */
  get view(): LabView {
    return this.#overlay;
  }

  /** Log time. */
  now(): number {
    return this.#time.now();
  }

  /** Decides on a copy: nothing is appended, and nobody else sees it. */
  async dryRun(request: Request): Promise<RunResult> {
    const content: Content = new Map();
    for (let wait = this.#waitFor(request, content); wait; wait = this.#waitFor(request, content)) await wait;
    const trial = new Overlay(this.#overlay);
    const outcome = dispatch(request, trial, this.#tools(content));
    if ('rejected' in outcome) return outcome;
    if ('unchanged' in outcome) return this.#nothing();
    return answer(outcome.prepared, this.#replica.index, trial, true);
  }

  async #run(request: CommanderRequest): Promise<RunResult> {
    const content: Content = new Map();
    const sought: Sought = { after: request.since ?? (isPersons(request) ? 0 : Infinity), range: undefined };
    for (let conflicts = 0; conflicts < maxConflicts; conflicts++) {
      for (let wait = this.#waitFor(request, content, sought); wait; wait = this.#waitFor(request, content, sought))
        await wait;
      const known = this.#replica.folded.lab.command(request.id) ?? sought.range;
      if (known) return this.#repeated(known);
      const term = this.#leading();
      if (this.#mayBeForgotten(sought)) return expired();
      const outcome = dispatch(request, this.#overlay, this.#tools(content));
      if ('rejected' in outcome || 'unchanged' in outcome) {
        if (!(await this.#holds(term))) continue;
        return 'rejected' in outcome ? outcome : this.#nothing();
      }
      const { steps } = outcome.prepared;
      this.#head += steps.length;
      const described = answer(outcome.prepared, asIndex(this.#head), this.#overlay, false);
      try {
        const committed = await this.#commit(outcome.prepared, term);
        if (!('conflict' in committed)) return { ...described, index: committed.index };
      } catch (error) {
        this.#recover();
        throw error;
      }
      this.#recover();
    }
    throw new LogError(
      'BROKEN',
      `command ${request.name} met ${maxConflicts} conflicts in a row`,
      'Restart the daemon; if it happens again, report it.',
    );
  }

  #leading(): number {
    if (this.#term !== undefined) return this.#term;
    throw new LogError('NOT_LEADER', 'this node does not lead', 'Ask the leader.');
  }

  /**
   * What a refusal was decided on may not be durable yet, and may never be; and another leader may have decided more.
   * The answer leaves once it is certain that it was right. @returns false when it has to be decided anew
   */
  async #holds(term: number): Promise<boolean> {
    const ended = await Promise.allSettled(this.#underWay);
    if (ended.some(({ status }) => status === 'rejected')) return false;
    await this.#log.readIndex(neverAborted, term);
    return true;
  }

  /** What the decision has to wait for, as things are in this turn; undefined: nothing. */
  #waitFor(request: Request, content: Content, sought?: Sought): Promise<void> | undefined {
    if (this.#recovering) return this.#recovering;
    if (sought && isPersons(request) && this.#mayBeForgotten(sought)) return this.#seek(request, sought);
    const missing = readsOf(request, this.#overlay).filter((address) => !content.has(address));
    return missing.length === 0 ? undefined : this.#fetch(missing, content);
  }

  /** It took effect perhaps, so long ago that it is not remembered any more. */
  #mayBeForgotten({ after, range }: Sought): boolean {
    return range === undefined && after < this.#replica.folded.lab.forgotten;
  }

  /** What a person asks for once more may have happened at any time: it is in the history, or did not happen. */
  async #seek({ id }: Request, sought: Sought): Promise<void> {
    const { range, upTo } = await this.#replica.findCommand(id);
    sought.range = range;
    sought.after = upTo;
  }

  /** A decision takes one turn: what it reads is at hand by then, or is known not to be had. */
  async #fetch(addresses: readonly string[], content: Content): Promise<void> {
    for (const address of addresses) {
      let bytes = await this.#blobs.get(address).catch(() => undefined);
      if (!bytes) {
        // A command before this one may be bringing it.
        await Promise.allSettled(this.#underWay);
        bytes = await this.#blobs.get(address).catch(() => undefined);
      }
      content.set(address, bytes);
    }
  }

  /** Appended and folded, or in conflict. */
  #commit(prepared: Prepared, term: number): ReturnType<EventLog['append']> {
    const committed = this.#append(prepared, term).then(async (appended) => {
      if (!('conflict' in appended)) await this.#replica.applied(appended.index);
      return appended;
    });
    this.#underWay.add(committed);
    const done = (): void => void this.#underWay.delete(committed);
    committed.then(done, done);
    return committed;
  }

  #append(prepared: Prepared, term: number): ReturnType<EventLog['append']> {
    // Nothing before it waits: it goes into the batch that forms in this very turn.
    if (this.#waiting === 0 && prepared.blobs.length === 0) return this.#log.append(prepared.entry, neverAborted, term);
    this.#waiting++;
    const appended = this.#handedOver.then(async () => {
      try {
        for (const bytes of prepared.blobs) await this.#blobs.put(bytes);
      } finally {
        this.#waiting--;
      }
      // Handed over, not awaited: the next one may join the same batch.
      return { result: this.#log.append(prepared.entry, neverAborted, term) };
    });
    const done = (): void => {};
    this.#handedOver = appended.then(done, done);
    return appended.then(({ result }) => result);
  }

  /**
   * An entry did not come that the overlay shows: it is wrong, and whatever was decided on it may be. Nothing is decided
   * until all that is on its way has ended; then the committed lab is what there is.
   */
  #recover(): void {
    this.#recovering ??= this.#ended().then(() => {
      this.#overlay.clear();
      this.#head = this.#log.head;
      this.#recovering = undefined;
    });
  }

  async #ended(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
  }

  #tools(content: Content) {
    return {
      now: this.now(),
      head: this.#head,
      address: (bytes: Uint8Array) => this.#blobs.address(bytes),
      content: (address: string) => content.get(address),
    };
  }

  #nothing(): Done {
    return { index: this.#replica.index, unchanged: true, operation: undefined, events: [] };
  }

  /** The answer of a command that was appended before: read back from the log. */
  async #repeated([first, last]: readonly [number, number]): Promise<Done> {
    const events: LabEvent[] = [];
    for await (const slice of this.#log.read(asIndex(first - 1), asIndex(last))) events.push(...slice);
    return {
      index: asIndex(last),
      unchanged: false,
      operation: operationOf(events),
      events: events.map(({ stream, type, data }) => ({ stream, type, data, words: '' })),
    };
  }
}

const isPersons = ({ by }: Request): boolean => by.startsWith('user:');

const expired = (): { readonly rejected: Rejection } =>
  reject(
    'EXPIRED',
    'This command was issued so long ago that the lab cannot tell any more whether it took effect.',
    'Look whether it took effect; if it did not, issue it anew.',
  );

function answer({ steps, changes }: Prepared, index: Index, view: LabView, isForecast: boolean): Done {
  const say = isForecast ? forecastFor : wordsFor;
  const events = steps.map((step) => {
    const { stream, type, data } = step.event;
    return { stream, type, data, words: say(step, view) };
  });
  return { index, unchanged: false, operation: operationOf(steps.map(({ event }) => event)), events, changes };
}

const operationOf = (events: readonly LabEvent[]): StreamId<'operation'> | undefined =>
  events.find(({ type }) => type === 'operation.started')?.stream as StreamId<'operation'> | undefined;
