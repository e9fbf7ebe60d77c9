/**
 * Takes commands to the log, one decision at a time and many appends in flight.
 *
 * Decisions are serial on the overlay, so each sees what those before it will have done; appends keep that order and
 * share batches. A repetition of a command, in flight or done, gets the first one's answer.
 */
import { asIndex, type Index, type LabEvent, type StreamId } from '#events/envelope.ts';
import type { LabView, Step } from '#actors/actor.ts';
import { dispatch, type Prepared, type Request } from '#actors/dispatch.ts';
import { Overlay } from '#actors/overlay.ts';
import { wordsFor } from '#projections/words.ts';
import type { Clock } from '../devices/clock/port.ts';
import type { EventLog } from '../log/port.ts';
import { LogError } from '../log/port.ts';
import type { BlobStore } from '../stores/blobs.ts';
import type { RunResult } from './port.ts';
import type { Replica } from './replica.ts';

type Done = Exclude<RunResult, { rejected: unknown }>;

/** A conflict means that the overlay was wrong; after so many in a row something else is. */
const maxConflicts = 10;

export class Commander {
  readonly #log: EventLog;
  readonly #replica: Replica;
  readonly #blobs: BlobStore;
  readonly #clock: Clock;
  readonly #overlay: Overlay;
  readonly #running = new Map<string, Promise<RunResult>>();
  /** Appends in order of decision; each waits for its blobs and for those before it to have been handed over. */
  #handedOver: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** Commits that were begun and have not ended: what an answer may rest on. */
  readonly #underWay = new Set<Promise<unknown>>();
  /** Index of the last event that is on its way, and its time. */
  #head: number;
  #at = 0;

  constructor(parts: { log: EventLog; replica: Replica; blobs: BlobStore; clock: Clock }) {
    this.#log = parts.log;
    this.#replica = parts.replica;
    this.#blobs = parts.blobs;
    this.#clock = parts.clock;
    this.#overlay = new Overlay(parts.replica.folded.lab);
    this.#head = parts.log.head;
    parts.replica.listen(({ steps }) => {
      for (const { event } of steps) this.#overlay.settle(event.stream, event.version);
    });
  }

  run(request: Request, signal: AbortSignal): Promise<RunResult> {
    const running = this.#running.get(request.id);
    if (running) return running;
    const run = this.#run(request, signal).finally(() => this.#running.delete(request.id));
    this.#running.set(request.id, run);
    return run;
  }

  /** Decides on a copy: nothing is appended, and nobody else sees it. */
  dryRun(request: Request): RunResult {
    const trial = new Overlay(this.#overlay);
    const outcome = dispatch(request, trial, this.#tools());
    if ('rejected' in outcome) return outcome;
    if ('unchanged' in outcome) return this.#nothing();
    return answer(outcome.prepared.steps, this.#replica.index, trial);
  }

  async #run(request: Request, signal: AbortSignal): Promise<RunResult> {
    for (let conflicts = 0; conflicts < maxConflicts; conflicts++) {
      const known = this.#replica.folded.lab.command(request.id);
      if (known) return this.#repeated(known);
      const outcome = dispatch(request, this.#overlay, this.#tools());
      if ('rejected' in outcome || 'unchanged' in outcome) {
        // What it was decided on may not be durable yet: the answer leaves once it is.
        await Promise.allSettled(this.#underWay);
        return 'rejected' in outcome ? outcome : this.#nothing();
      }
      const { steps, entry } = outcome.prepared;
      this.#head += steps.length;
      this.#at = entry.at;
      const described = answer(steps, asIndex(this.#head), this.#overlay);
      const committed = await this.#commit(outcome.prepared, signal);
      if (!('conflict' in committed)) return { ...described, index: committed.index };
      this.#forget();
      await Promise.allSettled(this.#underWay);
    }
    throw new LogError(
      'BROKEN',
      `command ${request.name} met ${maxConflicts} conflicts in a row`,
      'Restart the daemon; if it happens again, report it.',
    );
  }

  /** Appended and folded, or in conflict. */
  #commit(prepared: Prepared, signal: AbortSignal): ReturnType<EventLog['append']> {
    const committed = this.#append(prepared, signal).then(async (appended) => {
      if (!('conflict' in appended)) await this.#replica.applied(appended.index);
      return appended;
    });
    this.#underWay.add(committed);
    const done = (): void => void this.#underWay.delete(committed);
    committed.then(done, done);
    return committed;
  }

  #append(prepared: Prepared, signal: AbortSignal): ReturnType<EventLog['append']> {
    // Nothing before it waits: it goes into the batch that forms in this very turn.
    if (this.#waiting === 0 && prepared.blobs.length === 0) return this.#log.append(prepared.entry, signal);
    this.#waiting++;
    const appended = this.#handedOver.then(async () => {
      try {
        for (const bytes of prepared.blobs) await this.#blobs.put(bytes);
      } finally {
        this.#waiting--;
      }
      // Handed over, not awaited: the next one may join the same batch.
      return { result: this.#log.append(prepared.entry, signal) };
    });
    this.#handedOver = appended.then(
      () => {},
      () => this.#forget(),
    );
    return appended.then(({ result }) => result);
  }

  /** What was on its way is not as expected: the overlay is wrong about it, the committed lab never is. */
  #forget(): void {
    this.#overlay.clear();
    this.#head = this.#log.head;
  }

  #tools() {
    // Whole milliseconds that never go back, whatever the clock does.
    const now = Math.max(Math.floor(this.#clock.now()), this.#at, this.#replica.folded.lab.at);
    return { now, head: this.#head, address: (bytes: Uint8Array) => this.#blobs.address(bytes) };
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

function answer(steps: readonly Step[], index: Index, view: LabView): Done {
  const events = steps.map((step) => {
    const { stream, type, data } = step.event;
    return { stream, type, data, words: wordsFor(step, view) };
  });
  return { index, unchanged: false, operation: operationOf(steps.map(({ event }) => event)), events };
}

const operationOf = (events: readonly LabEvent[]): StreamId<'operation'> | undefined =>
  events.find(({ type }) => type === 'operation.started')?.stream as StreamId<'operation'> | undefined;
