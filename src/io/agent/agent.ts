/**
 * The agent of a node: runs the work that committed states ask of it, as long as they ask.
 *
 * There is no queue to lose. After a start it looks at the committed states and goes on; with every step it looks at
 * the stream that changed. An order that is no longer wanted is cancelled, and what follows for the same subject
 * begins only when the cancelled run has truly ended: no late effect falls into the next state. What an engine carries
 * on although this daemon died, or gave up waiting for it, is looked for at the start and every few minutes.
 */
import type { Command } from '#actors/commands.ts';
import { idFrom } from '#actors/ids.ts';
import { workOf } from '#actors/registry.ts';
import type { WorkOrder } from '#actors/work.ts';
import { kinds, kindOf, type Principal, type StreamId } from '#events/envelope.ts';
import type { Logger } from 'pino';
import { assign, createActor, setup, stopChild, type ActorRefFrom } from 'xstate';
import type { Progress } from '../devices/call.ts';
import { sleep } from '../devices/clock/port.ts';
import { IoError } from '../devices/error.ts';
import type { Random } from '../devices/random/port.ts';
import type { RunningLab } from '../lab/running.ts';
import { Leftovers } from './leftovers.ts';
import { Outcomes, type Sent, type Told } from './outcomes.ts';
import { maxAttempts, pieceMachine, type PieceInput } from './piece.ts';
import { PoolHealth } from './pool-health.ts';
import { PoolWatch } from './pool-watch.ts';
import type { Ports, Run } from './worker.ts';
import { Turns } from './turns.ts';
import { delayOf, failureOf, timeoutMsOf, workerOf } from './workers.ts';

/** How often is looked for what nobody has any more, and how long one call of that may take. */
const clearEveryMs = 300_000;
/** In one pool. A file system takes them one after the other; hooks of apps, which may take long, run beside one another. */
const snapshotsAtATime = 8;
const clearTimeoutMs = 60_000;
/** Work that waits tells the lab of another reason no sooner than after so long. */
const sameDelayMs = 600_000;
/** What is being made when everything stops is waited for so long. */
const stopGraceMs = 10_000;

const orderKey = ({ subject, visit, epoch }: WorkOrder): string => `${subject}#${visit}@${epoch}`;

/** Supervises the pieces: one child for each order, named by it. */
const supervisorMachine = setup({
  types: {} as {
    context: { readonly pieces: Readonly<Record<string, ActorRefFrom<typeof pieceMachine>>> };
    events: { type: 'begin'; key: string; input: PieceInput } | { type: 'cancel'; key: string };
  },
  actors: { piece: pieceMachine },
}).createMachine({
  id: 'agent',
  context: { pieces: {} },
  on: {
    begin: {
      actions: assign({
        pieces: ({ context, event, spawn }) => ({
          ...context.pieces,
          [event.key]: spawn('piece', { id: event.key, input: event.input }),
        }),
      }),
    },
    cancel: {
      actions: [
        stopChild(({ event }) => event.key),
        assign({
          pieces: ({ context, event }) =>
            Object.fromEntries(Object.entries(context.pieces).filter(([key]) => key !== event.key)),
        }),
      ],
    },
  },
});

export interface AgentParts {
  readonly node: StreamId<'node'>;
  readonly lab: RunningLab;
  readonly ports: Ports;
  readonly random: Random;
  readonly log: Logger;
}

export class Agent {
  readonly #parts: AgentParts;
  readonly #supervisor;
  readonly #leftovers: Leftovers;
  readonly #outcomes: Outcomes;
  readonly #health = new PoolHealth();
  readonly #watch: PoolWatch;
  /** What is being done, by subject. */
  readonly #orders = new Map<StreamId, WorkOrder>();
  /** When the last run for a subject has ended. */
  readonly #ended = new Map<StreamId, Promise<void>>();
  /** What was told last of work that waits, by subject. */
  /** By pool. */
  readonly #snapshots = new Turns(snapshotsAtATime);
  readonly #delays = new Map<StreamId, { readonly key: string; readonly words: string; readonly atMs: number }>();
  readonly #running = new Set<Promise<void>>();
  #unlisten: () => void = () => {};
  readonly #stop = new AbortController();

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.#supervisor = createActor(supervisorMachine, { clock: parts.ports.clock });
    this.#leftovers = new Leftovers({ ...parts, docker: parts.ports.docker });
    this.#watch = new PoolWatch({ ...parts, health: this.#health });
    this.#outcomes = new Outcomes({
      node: parts.node,
      clock: parts.ports.clock,
      orders: () => this.#orders.values(),
      send: (report) => this.#send(report, this.#stop.signal),
    });
  }

  get principal(): Principal {
    return this.#parts.node as Principal;
  }

  start(): void {
    const { lab } = this.#parts;
    this.#supervisor.start();
    this.#unlisten = lab.replica.listen(({ steps }) => {
      for (const stream of new Set(steps.map(({ event }) => event.stream))) this.#lookAround(stream);
    });
    for (const kind of kinds) for (const actor of lab.view.list(kind)) this.#look(actor.stream);
    this.#begins(this.#clear());
    this.#begins(this.#watch.run());
  }

  /**
   * Cancels everything and resolves when it has ended. What runs outside (containers) stays as it is; what an engine
   * still makes, it makes for the next start.
   */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#watch.stop();
    this.#unlisten();
    this.#supervisor.stop();
    this.#orders.clear();
    const hasEnded = new AbortController();
    const all = Promise.allSettled(this.#running).then(() => hasEnded.abort());
    await Promise.race([all, sleep(this.#parts.ports.clock, stopGraceMs, hasEnded.signal)]);
  }

  /** Something runs that is waited for at the end; it never rejects. */
  #begins(running: Promise<void>): void {
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  async #clear(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#leftovers.clear({ signal, timeoutMs: clearTimeoutMs, progress: () => {} });
      } catch (error) {
        // An engine that is away, for example: the next look is soon enough.
        if (!signal.aborted) this.#parts.log.debug({ error: describe(error) }, 'looking for leftovers failed');
      }
      await sleep(this.#parts.ports.clock, clearEveryMs, signal);
    }
  }

  /** Whoever was led by it may have to go on alone. */
  #lookAround(stream: StreamId): void {
    this.#look(stream);
    if (kindOf(stream) !== 'snapshot') return;
    for (const { stream: led } of this.#parts.lab.view.referrers(stream, 'snapshot'))
      if (led !== stream) this.#look(led);
  }

  #look(stream: StreamId): void {
    const { lab, node } = this.#parts;
    const actor = lab.view.get(stream);
    const order = actor && workOf(actor, lab.view);
    const wanted = order?.node === node ? order : undefined;
    const present = this.#orders.get(stream);
    if (present && wanted && orderKey(present) === orderKey(wanted)) return;
    if (present) this.#cancel(present);
    if (wanted) this.#begin(wanted);
  }

  #cancel(order: WorkOrder): void {
    this.#orders.delete(order.subject);
    this.#delays.delete(order.subject);
    this.#parts.lab.observedRows.delete('work', order.subject);
    this.#supervisor.send({ type: 'cancel', key: orderKey(order) });
  }

  #begin(order: WorkOrder): void {
    this.#orders.set(order.subject, order);
    this.#supervisor.send({
      type: 'begin',
      key: orderKey(order),
      input: {
        order,
        attempt: (signal, attempt) => this.#attempt(order, signal, attempt),
        failed: (error) => failureOf(order, error),
        waits: (error, attempt) => {
          const { message, hint } = error;
          this.#show(order, 'waiting', attempt, { text: hint === undefined ? message : `${message}. ${hint}` });
          if (attempt >= maxAttempts) this.#begins(this.#tellDelay(order, error));
        },
        // The same id for every repetition: an outcome is taken once.
        report: (command) => this.#tell(order, idFrom('outcome', orderKey(order), command.name), command),
        chance: () => this.#parts.random.next(),
        nowMs: () => this.#parts.ports.clock.monotonicMs(),
      },
    });
  }

  #attempt(order: WorkOrder, signal: AbortSignal, attempt: number): Promise<Command> {
    const { ports } = this.#parts;
    const previous = this.#ended.get(order.subject) ?? Promise.resolve();
    const fence = (): void => {
      if (signal.aborted || this.#stop.signal.aborted || this.#orders.get(order.subject) !== order) {
        throw new IoError('FENCED', {
          op: order.work,
          target: order.subject,
          message: `${order.work} of ${order.subject} is no longer wanted`,
        });
      }
    };
    const tails: ((signal: AbortSignal) => Promise<void>)[] = [];
    const run: Run = {
      signal,
      timeoutMs: timeoutMsOf(order.work),
      progress: (progress) => this.#show(order, 'working', attempt, progress),
      fence,
      caughtUp: async () => {
        await this.#parts.lab.readIndex(signal);
        fence();
      },
      report: (command) => this.#report(order, this.#parts.random.id(), command, signal),
      afterwards: (tail) => void tails.push(tail),
      judge: (pool, report) =>
        this.#health.judge(report, this.#parts.lab.view.get(pool), this.#parts.ports.clock.now()),
      leftovers: this.#leftovers,
    };
    const work = (): Promise<Command> => {
      fence();
      this.#show(order, 'working', attempt, { text: order.work });
      return workerOf(this.#asOfNow(order))(ports, run);
    };
    const outcome = previous.then(() => {
      if (order.work !== 'take-snapshot') return work();
      return this.#snapshots.run(order.input.snapshots[0]?.pool ?? '', signal, work);
    });
    const ended = outcome.then(
      async () => void (await Promise.allSettled(tails.map((tail) => tail(this.#stop.signal)))),
      (error: unknown) => {
        if (!signal.aborted)
          this.#parts.log.warn(
            { work: order.work, subject: order.subject, attempt, error: describe(error) },
            'work failed',
          );
      },
    );
    this.#ended.set(order.subject, ended);
    this.#begins(ended);
    void ended.then(() => {
      if (this.#ended.get(order.subject) === ended) this.#ended.delete(order.subject);
    });
    return outcome;
  }

  /** The same order with what the lab has learned since it was given: an attempt begins from what is committed. */
  #asOfNow(order: WorkOrder): WorkOrder {
    const { view } = this.#parts.lab;
    const actor = view.get(order.subject);
    const present = actor && workOf(actor, view);
    return present && orderKey(present) === orderKey(order) ? present : order;
  }

  /** The outcome, perhaps with others. */
  async #tell(order: WorkOrder, id: string, command: Command): Promise<void> {
    accept(order, command, await this.#outcomes.report(order, id, command));
  }

  /** Who is in the way may change at every attempt: the history hears of another one, but not of each. */
  async #tellDelay(order: WorkOrder, error: IoError): Promise<void> {
    const command = delayOf(order, error);
    const key = orderKey(order);
    const [before, now] = [this.#delays.get(order.subject), this.#parts.ports.clock.monotonicMs()];
    const isTold = before?.key === key && (before.words === error.message || now - before.atMs < sameDelayMs);
    if (!command || isTold) return;
    this.#delays.set(order.subject, { key, words: error.message, atMs: now });
    const { cause, correlation } = order;
    try {
      await this.#send({ id: this.#parts.random.id(), command, cause, correlation }, this.#stop.signal);
    } catch {
      // Without a majority, for example: the next attempt tells it.
      this.#delays.delete(order.subject);
    }
  }

  async #report(order: WorkOrder, id: string, command: Command, signal: AbortSignal): Promise<void> {
    const { cause, correlation } = order;
    accept(order, command, await this.#send({ id, command, cause, correlation }, signal));
  }

  async #send({ command: { name, input }, ...report }: Sent, signal: AbortSignal): Promise<Told> {
    const result = await this.#parts.lab.run({ ...report, name, input, by: this.principal }, signal);
    // Refused as stale: the lab has moved on; its new state, if it wants work, has its own order.
    if (!('rejected' in result) || result.rejected.code === 'STALE' || result.rejected.code === 'NOT_NOW')
      return 'taken';
    return { refused: result.rejected.explain };
  }

  #show(order: WorkOrder, state: 'working' | 'waiting' | 'reporting', attempt: number, progress: Progress): void {
    // Progress of a run that was cancelled has nobody to tell.
    if (this.#orders.get(order.subject) !== order) return;
    const app = kindOf(order.subject) === 'instance' && 'app' in order.input ? order.input.app : null;
    this.#parts.lab.observedRows.put('work', order.subject, {
      work: order.work,
      subject: order.subject,
      node: order.node,
      app,
      correlation: order.correlation,
      state,
      attempt,
      since: this.#parts.ports.clock.now(),
      ...progress,
    });
  }
}

/** @throws IoError when the lab does not want it */
function accept({ subject }: WorkOrder, { name }: Command, told: Told): void {
  if (told === 'taken') return;
  throw new IoError('FAILED', { op: name, target: subject, message: `${name} was refused: ${told.refused}` });
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error));
