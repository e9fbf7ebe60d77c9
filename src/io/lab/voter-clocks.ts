/**
 * The clocks of the voters, as this node knows them: it asks each of the others now and then, and carries what they said
 * on by the time for which this machine has been running. So it knows, before it leads, whether its own clock is one that
 * most of them share.
 */
import * as z from 'zod';
import { sleep, type Clock, type Timer } from '../devices/clock/port.ts';
import { agreedClock, type AgreedClock } from './agreed-clock.ts';
import type { Others } from './others.ts';

export interface VoterClocksParts {
  readonly others: Pick<Others, 'self' | 'ask' | 'answer' | 'onChange' | 'reachable'>;
  readonly clock: Clock;
  /** Ids of the nodes that vote, as it is known now. */
  voters(): readonly string[];
}

interface Heard {
  readonly wallMs: number;
  readonly monotonicMs: number;
}

const method = 'lab/clock';
const everyMs = 5000;
const askMs = 2000;
/** A voter that has not answered for so long is not counted. */
const freshMs = 30_000;
const lookAgainMs = 10;
const answered = z.object({ now: z.number().min(0) });

export class VoterClocks {
  readonly #parts: VoterClocksParts;
  readonly #heard = new Map<string, Heard>();
  readonly #stop = new AbortController();
  readonly #unlisten: () => void;
  #timer: Timer | undefined;

  constructor(parts: VoterClocksParts) {
    this.#parts = parts;
    const { others, clock } = parts;
    others.answer(method, async () => ({ now: clock.now() }));
    this.#unlisten = others.onChange((node, isUp) => {
      if (isUp) void this.#ask(node);
    });
    this.#askAll();
  }

  stop(): void {
    this.#stop.abort();
    this.#unlisten();
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
  }

  /** Whether there is anybody whose clock could be compared. */
  get isAlone(): boolean {
    const { voters, others } = this.#parts;
    return voters().every((node) => node === others.self);
  }

  /** What most voters say; undefined: they do not agree, or too few were heard. */
  agreed(): AgreedClock | undefined {
    const { clock, voters, others } = this.#parts;
    const monotonicMs = clock.monotonicMs();
    const clocks = new Map<string, number>();
    const all = voters();
    for (const node of all) {
      const heard = this.#heard.get(node);
      if (node === others.self) clocks.set(node, clock.now());
      else if (heard && monotonicMs - heard.monotonicMs <= freshMs)
        clocks.set(node, heard.wallMs + monotonicMs - heard.monotonicMs);
    }
    return agreedClock(clocks, all.length, others.self);
  }

  /** Resolves when it is known what most voters say, or after that time. */
  async known(withinMs: number): Promise<void> {
    const { clock } = this.#parts;
    const until = clock.monotonicMs() + withinMs;
    while (!this.isAlone && !this.agreed() && clock.monotonicMs() < until && !this.#stop.signal.aborted)
      await sleep(clock, lookAgainMs, this.#stop.signal);
  }

  #askAll(): void {
    const { others, clock } = this.#parts;
    for (const node of others.reachable) void this.#ask(node);
    this.#timer = clock.setTimeout(() => this.#askAll(), everyMs);
  }

  /** Never rejects. */
  async #ask(node: string): Promise<void> {
    const { others, clock, voters } = this.#parts;
    if (!voters().includes(node) || this.#stop.signal.aborted) return;
    const askedAtMs = clock.monotonicMs();
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(askMs)]);
      const { now } = answered.parse(await others.ask(node, method, null, signal));
      // It looked at its clock somewhere between question and answer.
      this.#heard.set(node, { wallMs: now, monotonicMs: (askedAtMs + clock.monotonicMs()) / 2 });
    } catch {
      // Asked again before long; what it said before is good for a while.
    }
  }
}
