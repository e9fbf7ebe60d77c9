/**
 * What the nodes observe, told to one another: figures, work in progress, and that they are alive. Never in the log, and
 * never asked for: each node tells every other one what changed of its own, at most once a second, and everything when a
 * link comes up. What a node told goes when it cannot be heard any more: unknown is not what it was.
 */
import type { LabView } from '#actors/actor.ts';
import { streamOf, type StreamId } from '#events/envelope.ts';
import { observedViews, type ObservedView } from '#io/contract/live.ts';
import type { Clock, Timer } from '../devices/clock/port.ts';
import type { Observed } from './observed.ts';
import { limited } from './limited.ts';
import type { Others } from './others.ts';
import { isOwn, readTold, type Told, type ToldRow } from './told.ts';

export interface GossipParts {
  readonly lab: LabView;
  readonly observed: Observed;
  readonly others: Others;
  readonly clock: Clock;
  /** Somebody was heard. */
  onHeard(node: StreamId<'node'>): void;
}

const everyMs = 1000;
/** With nothing to tell it is told this often that the node is alive. */
const aliveMs = 4000;
const askMs = 5000;
const method = 'lab/observed';

/** Each tells once a second; more comes only from one that is not well. */
const rate = { perSecond: 5, burst: 20 };
/** Of one node. */
const maxKept = 50_000;

export class Gossip {
  readonly #parts: GossipParts;
  /** Of this node, since the last telling. */
  #changed = new Map<string, ToldRow>();
  readonly #heard = new Map<string, Map<string, readonly [view: ObservedView, key: string]>>();
  /** Told, and not believed so far: of things that are not that node's, as far as this one has folded. */
  readonly #doubted = new Map<string, Map<string, ToldRow>>();
  readonly #watchers = new Map<string, readonly ObservedView[]>();
  /** Who has to be told everything. */
  readonly #new = new Set<string>();
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #toldWatched = '';
  #timer: Timer | undefined;
  readonly #stops: (() => void)[] = [];
  readonly #stop = new AbortController();

  constructor(parts: GossipParts) {
    this.#parts = parts;
    const { others, observed } = parts;
    others.answer(
      method,
      limited(rate, parts.clock, async (said, from) => this.#hear(said, from)),
    );
    this.#stops.push(
      observed.tap((view, key, row, origin) => {
        if (origin === undefined)
          this.#changed.set(`${view}|${key}`, [view, key, row === undefined ? null : { ...row }]);
      }),
      others.onChange((node, isUp) => (isUp ? this.#new.add(node) : this.#lost(node))),
    );
    observed.watchedElsewhere = (view) => [...this.#watchers.values()].some((views) => views.includes(view));
    for (const node of others.reachable) this.#new.add(node);
    this.#schedule();
  }

  stop(): void {
    this.#stop.abort();
    for (const stop of this.#stops) stop();
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = this.#parts.clock.setTimeout(() => {
      this.#tell();
      if (!this.#stop.signal.aborted) this.#schedule();
    }, everyMs);
  }

  #tell(): void {
    const { clock, others, observed } = this.#parts;
    const changed = [...this.#changed.values()];
    this.#changed = new Map();
    const watched = observedViews.filter((view) => observed.isWatchedHere(view));
    const isNews = changed.length > 0 || JSON.stringify(watched) !== this.#toldWatched;
    const isDue = clock.monotonicMs() - this.#toldAtMs >= aliveMs;
    for (const node of others.reachable) {
      const isNew = this.#new.delete(node);
      if (isNew) this.#send(node, { whole: true, rows: this.#own(), watched });
      else if (isNews || isDue) this.#send(node, { whole: false, rows: changed, watched });
    }
    if (!isNews && !isDue) return;
    this.#toldAtMs = clock.monotonicMs();
    this.#toldWatched = JSON.stringify(watched);
  }

  #own(): readonly ToldRow[] {
    return observedViews.flatMap((view) =>
      this.#parts.observed.ownRows(view).map(([key, row]): ToldRow => [view, key, { ...row }]),
    );
  }

  #send(node: string, said: Told): void {
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(askMs)]);
    this.#parts.others.ask(node, method, said, signal).catch(() => {
      // It is told everything when it can be reached again.
      this.#new.add(node);
    });
  }

  #hear(said: unknown, from: string): null {
    const { whole, rows, watched } = readTold(said);
    if (whole) this.#forget(from);
    const doubted = this.#doubted.get(from) ?? new Map<string, ToldRow>();
    this.#doubted.set(from, doubted);
    this.#watchers.set(from, watched);
    for (const row of rows) doubted.set(`${row[0]}|${row[1]}`, row);
    // What was not to be believed before may be so now: this node has folded more meanwhile.
    for (const [name, row] of doubted) {
      if (this.#take(row, from) || doubted.size > maxKept) doubted.delete(name);
    }
    this.#parts.onHeard(streamOf('node', from));
    return null;
  }

  /** @returns false for what is not that node's own */
  #take(told: ToldRow, from: string): boolean {
    const { observed, lab } = this.#parts;
    const [view, key, row] = told;
    const heard = this.#heard.get(from) ?? new Map<string, readonly [ObservedView, string]>();
    this.#heard.set(from, heard);
    if (row === null) {
      heard.delete(`${view}|${key}`);
      observed.delete(view, key, from);
      return true;
    }
    if (heard.size >= maxKept || !isOwn(told, from, lab)) return false;
    heard.set(`${view}|${key}`, [view, key]);
    observed.put(view, key, row, from);
    return true;
  }

  #lost(node: string): void {
    this.#new.delete(node);
    this.#watchers.delete(node);
    this.#forget(node);
  }

  #forget(node: string): void {
    for (const [view, key] of this.#heard.get(node)?.values() ?? []) this.#parts.observed.delete(view, key, node);
    this.#heard.delete(node);
    this.#doubted.delete(node);
  }
}
