/**
 * Runs a command wherever the leader is: here, or on another node, which answers for it.
 *
 *   run ─▶ here, if this node leads ─────────────────────────────▶ answer
 *      └─▶ at the leader, as it is known ─▶ folded here, too ────▶ answer
 *      └─▶ nobody leads: an election takes a moment; then it says so
 *
 * A command keeps its id on all its ways, and whoever leads knows what was done before: so trying again through another
 * leader does nothing twice. What is asked of a leader is asked in its term: what arrives when that is over, because the
 * way there was cut for a while, does nothing any more, so that the next leader's refusal stays true. What nobody can
 * tell any more is said to be unknown, never to have failed.
 */
import * as z from 'zod';
import { asIndex, streamOf, type Principal, type StreamId } from '#events/envelope.ts';
import type { Clock } from '../devices/clock/port.ts';
import { sleep } from '../devices/clock/port.ts';
import { abortable, onAbort } from '../log/abortable.ts';
import { LogError, type Leadership } from '../log/port.ts';
import { Wakeup } from '../log/wakeup.ts';
import { readRunResult } from './answers.ts';
import type { Commander } from './commander.ts';
import { isPassing, mayHaveHappened, type Others } from './others.ts';
import type { RunRequest, RunResult } from './port.ts';
import type { Replica } from './replica.ts';

export interface CommandsParts {
  readonly commander: Commander;
  readonly replica: Replica;
  readonly clock: Clock;
  /** Undefined on a lab of one node. */
  readonly others: Others | undefined;
  /** A node has asked for something: it is there. */
  onHeard(node: StreamId<'node'>): void;
}

/** A leader that died has a successor long before. Counted from when it was missed first: later nobody waits in vain. */
const patienceMs = 5000;
const askAgainMs = 100;
const method = 'lab/run';

const asked = z.object({
  id: z.string().min(1).max(256),
  since: z.int().min(0).transform(asIndex).exactOptional(),
  name: z.string().min(1).max(128),
  input: z.unknown(),
  by: z.string().regex(/^(user|node):.{1,256}$/),
  cause: z.string().max(256).exactOptional(),
  correlation: z.string().max(256).exactOptional(),
  dryRun: z.boolean().exactOptional(),
  /** In which it is asked to be done, or never. Left out by older versions. */
  term: z.int().min(0).exactOptional(),
});

export class Commands {
  readonly #parts: CommandsParts;
  readonly #changed = new Wakeup();
  /** What was asked of a leader and has no answer yet. */
  readonly #attempts = new Set<AbortController>();
  #leadership: Leadership | undefined;
  /** Since when nobody leads; undefined while somebody does, and at the start, when nothing was heard yet. */
  #leaderlessSinceMs: number | undefined;

  constructor(parts: CommandsParts) {
    this.#parts = parts;
    parts.others?.answer(method, (said, from, signal) => this.#answer(said, from, signal));
  }

  /** Who leads, as it is known now. */
  get leadership(): Leadership | undefined {
    return this.#leadership;
  }

  set leadership(leadership: Leadership | undefined) {
    this.#leadership = leadership;
    const isLed = leadership === undefined || leadership.mine || leadership.leader !== undefined;
    this.#leaderlessSinceMs = isLed ? undefined : (this.#leaderlessSinceMs ?? this.#parts.clock.monotonicMs());
    // A link to a machine that hangs, or is cut off, seems to be whole for long: nobody waits for who leads no longer.
    if (leadership) for (const attempt of this.#attempts) attempt.abort(leftBehind());
    this.#changed.wake();
  }

  /** Nobody has led for so long that nobody waits for it. */
  get isLeaderless(): boolean {
    const since = this.#leaderlessSinceMs;
    return since !== undefined && this.#parts.clock.monotonicMs() >= since + patienceMs;
  }

  /** @throws LogError NO_QUORUM: nothing was done; UNKNOWN: nobody can tell */
  async run(request: RunRequest, signal: AbortSignal): Promise<RunResult> {
    const { clock } = this.#parts;
    const askedAtMs = clock.monotonicMs();
    let isUnknown = false;
    for (;;) {
      signal.throwIfAborted();
      try {
        const result = await this.#try(request, signal);
        if (result) return result;
      } catch (error) {
        if (!isTransient(error)) throw error;
        isUnknown ||= mayHaveHappened(error) || (error instanceof LogError && error.code === 'UNKNOWN');
      }
      const since = Math.min(askedAtMs, this.#leaderlessSinceMs ?? askedAtMs);
      if (clock.monotonicMs() >= since + patienceMs)
        throw isUnknown && request.dryRun !== true ? unknownOutcome() : noQuorum();
      await this.#wait(signal);
    }
  }

  /** @returns undefined when nobody leads */
  async #try(request: RunRequest, signal: AbortSignal): Promise<RunResult | undefined> {
    const { others } = this.#parts;
    const { mine, leader, term } = this.#leadership ?? {};
    const attempt = new AbortController();
    const forget = onAbort(signal, () => attempt.abort(signal.reason));
    this.#attempts.add(attempt);
    try {
      if (mine === true) return await this.#here(request, attempt.signal);
      if (!others || leader === undefined || leader === others.self) return undefined;
      return await this.#there(others, leader, { ...request, term }, attempt.signal);
    } catch (error) {
      // However the wait was ended, this is why.
      throw attempt.signal.aborted && !signal.aborted ? leftBehind() : error;
    } finally {
      forget();
      this.#attempts.delete(attempt);
    }
  }

  #here({ dryRun, ...request }: RunRequest, signal: AbortSignal): Promise<RunResult> {
    const { commander } = this.#parts;
    return dryRun === true ? commander.dryRun(request) : commander.run(request, signal);
  }

  async #there(
    others: Others,
    leader: string,
    request: RunRequest & { readonly term: number | undefined },
    signal: AbortSignal,
  ): Promise<RunResult> {
    const result = readRunResult(await others.ask(leader, method, request, signal));
    if (!result) throw unreadable(leader);
    if ('rejected' in result) return result;
    // Whoever asked here reads here next: it finds what it did.
    if (request.dryRun !== true) await abortable(this.#parts.replica.applied(asIndex(result.index)), signal);
    return result;
  }

  /** Another node asks on behalf of somebody whom it has authenticated, or for itself. */
  async #answer(said: unknown, from: string, signal: AbortSignal): Promise<RunResult> {
    const parsed = asked.safeParse(said);
    if (!parsed.success) throw refused('BAD_REQUEST', 'this is no command');
    const { by, term, ...rest } = parsed.data;
    this.#parts.onHeard(streamOf('node', from));
    if (!speaksFor(from, by)) throw refused('FORBIDDEN', `node ${from} does not speak for ${by}`);
    if (this.#leadership?.mine !== true) throw refused('NOT_LEADER', 'this node does not lead');
    if (term !== undefined && term !== this.#leadership.term) {
      throw refused('NOT_LEADER', `this node leads in another term than ${term}`);
    }
    return this.#here({ ...rest, by: by as Principal }, signal);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    await Promise.race([this.#changed.wait(either), sleep(this.#parts.clock, askAgainMs, either)]);
    over.abort();
  }
}

/** A node speaks for people who signed in there, and for itself; never for another node or a policy. */
const speaksFor = (node: string, by: string): boolean => by.startsWith('user:') || by === `node:${node}`;

const isTransient = (error: unknown): boolean =>
  isPassing(error) || (error instanceof LogError && ['NOT_LEADER', 'NO_QUORUM', 'UNKNOWN'].includes(error.code));

const refused = (code: string, message: string): Error => Object.assign(new Error(message), { code });

export const noQuorum = (): LogError =>
  new LogError(
    'NO_QUORUM',
    'the lab has no leader at the moment: no majority of its voters answers',
    'Look which nodes are down: floatlab cluster status. The lab goes on by itself as soon as a majority is back.',
  );

const leftBehind = (): LogError =>
  new LogError('UNKNOWN', 'another one leads now than was asked', 'Ask the one that leads now, with the same command.');

const unreadable = (leader: string): LogError =>
  new LogError(
    'UNKNOWN',
    `what node ${leader} answers cannot be read; nobody can tell yet whether it took effect`,
    'Do all nodes run the same version? See: floatlab node ls',
  );

const unknownOutcome = (): LogError =>
  new LogError(
    'UNKNOWN',
    'the leader went away while it was at this; nobody can tell yet whether it took effect',
    'Look, or send the same request with the same Idempotency-Key again.',
  );
