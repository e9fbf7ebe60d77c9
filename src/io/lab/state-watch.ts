/**
 * Whether the nodes come to the same: at indices that all of them know beforehand each tells the others what its lab is,
 * in a few bytes. A node unlike the majority has folded something wrong, by a bit that turned over in its memory or by a
 * mistake of the program. What it decides and does may be wrong, too: it is told, once.
 *
 *   fold … 64 ─ hash ─▶ told to all ─▶ compared ─ unlike more than half of the nodes ─▶ `onOdd`
 *
 * Where no more than half agree nobody knows who is right; that is logged.
 */
import type { Logger } from 'pino';
import * as z from 'zod';
import type { LabView } from '#actors/actor.ts';
import { isMember } from '#actors/node/known.ts';
import type { Clock } from '../devices/clock/port.ts';
import { limited } from './limited.ts';
import type { Others } from './others.ts';
import { foldedBy, StateHash } from './state-hash.ts';

export interface StateWatchParts {
  readonly lab: LabView;
  readonly others: Pick<Others, 'self' | 'reachable' | 'ask' | 'answer'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** This node is the odd one. Called once. @param explain as a sentence */
  onOdd(explain: string): void;
}

/**
 * Events between two comparisons: many while much happens, because each looks at the whole lab; few while little does, and
 * then all nodes have the time for the same ones.
 */
export const compareEvery = 64;
export const compareAtLeastEvery = 256 * compareEvery;
/** For the few: so long since the last one, on this node. */
const restMs = 5000;
/** Comparisons that are remembered: nodes fold at unlike times. */
const kept = 16;
const askMs = 5000;
const rate = { perSecond: 20, burst: 200 };
const method = 'lab/state-hash';
const told = z.object({ index: z.int().min(1), hash: z.string().max(64), by: z.string().max(32) });
type Told = z.infer<typeof told>;

export class StateWatch {
  readonly #parts: StateWatchParts;
  readonly #hash = new StateHash();
  readonly #own = new Map<number, Told>();
  /** By node, then by index. */
  readonly #heard = new Map<string, Map<number, Told>>();
  readonly #stop = new AbortController();
  #isOdd = false;
  #comparedAtMs = Number.NEGATIVE_INFINITY;

  constructor(parts: StateWatchParts) {
    this.#parts = parts;
    parts.others.answer(
      method,
      limited(rate, parts.clock, async (said, from) => {
        const of = this.#heard.get(from) ?? new Map<number, Told>();
        this.#heard.set(from, of);
        const heard = told.parse(said);
        remember(of, heard);
        this.#judge(heard.index);
        return null;
      }),
    );
  }

  /** After each event that was folded as it came. */
  folded(): void {
    const { lab, others, clock } = this.#parts;
    if (lab.index % compareEvery !== 0) return;
    const now = clock.monotonicMs();
    if (lab.index % compareAtLeastEvery !== 0 && now - this.#comparedAtMs < restMs) return;
    this.#comparedAtMs = now;
    const own: Told = { index: lab.index, hash: this.#hash.of(lab), by: foldedBy(lab) };
    remember(this.#own, own);
    for (const node of others.reachable) {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(askMs)]);
      // Whoever misses it compares the next one.
      others.ask(node, method, own, signal).catch(() => undefined);
    }
    this.#judge(own.index);
  }

  stop(): void {
    this.#stop.abort();
  }

  #judge(index: number): void {
    const own = this.#own.get(index);
    if (!own || this.#isOdd) return;
    const counts = new Map<string, number>();
    let heard = 0;
    for (const of of this.#heard.values()) {
      const other = of.get(index);
      if (other?.by !== own.by) continue;
      heard += 1;
      if (other.hash !== own.hash) counts.set(other.hash, (counts.get(other.hash) ?? 0) + 1);
    }
    const most = Math.max(0, ...counts.values());
    const { lab, others, log, onOdd } = this.#parts;
    const nodes = Math.max(lab.list('node').filter(isMember).length, others.reachable.length + 1);
    const explain = `as of event ${index} ${most} of ${nodes} nodes have folded the history to another state than this one`;
    if (2 * most > nodes) {
      this.#isOdd = true;
      onOdd(explain);
    } else if (most > 0 && heard + 1 >= nodes)
      log.error({ index, most, nodes }, `${explain}; nobody knows which is right`);
  }
}

function remember(into: Map<number, Told>, said: Told): void {
  into.set(said.index, said);
  for (const [oldest] of into) {
    if (into.size <= kept) return;
    into.delete(oldest);
  }
}
