/**
 * What a peer of the group gives to nodes that are none: its history as it grows, how it sees the group, and reads that
 * are never stale. Nothing leaves that is not agreed on, applied and in the history here.
 *
 *   after, fingerprint ─▶ the same history up to there? ─▶ entries ─ sight ─ entries ─ … ─▶
 *
 * Who asks waits for its own disk, and so does what is sent to it: streams have backpressure.
 */
import * as z from 'zod';
import type { Clock, Timer } from '../../../devices/clock/port.ts';
import { limit, limited } from '../../../lab/limited.ts';
import type { RaftLog } from '../engine/raft-log.ts';
import type { HistoryKeeper } from '../engine/keeper.ts';
import { packHead } from '../history/head.ts';
import type { HistoryEntry } from '../history/segment.ts';
import type { MemberStatus } from '../member/protocol.ts';
import { entryAt, fingerprintAt, fingerprintOf, segmentsFingerprint } from './fingerprint.ts';
import { packEntries, packSight } from './frames.ts';
import { asks, coded, type Neighbours } from './neighbours.ts';
import { sightOf, type Sight, type Whose } from './sight.ts';

export interface OfferParts {
  readonly neighbours: Neighbours;
  readonly whose: Whose;
  readonly keeper: HistoryKeeper;
  readonly log: RaftLog;
  readonly clock: Clock;
  /** As the member of this node, or whom it follows, told it last. */
  status(): MemberStatus | undefined;
  /** This node takes part in consensus. */
  isPeer(): boolean;
}

const index = z.int().min(0);
const followParams = z.object({ after: index, fingerprint: z.string() });
const positionParams = z.object({
  index,
  /** Whoever wants to know the segments before it, too, knows those up to here. */
  after: index.optional(),
});

export const positionAnswer = z.object({
  /** Everything up to here is agreed on. */
  committed: index,
  /** Of the entry that was asked for; null where it was dropped, or lies behind what is agreed on. */
  term: index.nullable(),
  fingerprint: z.string().nullable(),
  /** Of the segments before it; null where nobody asked for them. */
  segments: z.string().nullable().default(null),
});
export type PositionAnswer = z.infer<typeof positionAnswer>;
const unknown = { term: null, fingerprint: null, segments: null };

/** Changes are sent at once, and this often that nothing has changed: who hears nothing looks for another source. */
const sightMs = 1000;

/** Each of these reads a segment, and appends wait for it: a node that asks without end delays nobody but itself. */
const rates = {
  position: { perSecond: 5, burst: 20 },
  follow: { perSecond: 2, burst: 20 },
  head: { perSecond: 0.5, burst: 5 },
};

/** When the group, or who leads it, has changed, `keeper.wake()` lets those who follow know. */
export function offerFollowing(parts: OfferParts): void {
  const { neighbours, clock } = parts;
  const [admitFollower, admitHead] = [limit(rates.follow, clock), limit(rates.head, clock)];
  const offering = new Offering(parts);
  neighbours.answer(asks.sight, async () => offering.sight());
  neighbours.answer(asks.read, async (_, __, signal) => offering.read(signal));
  neighbours.answer(
    asks.position,
    limited(rates.position, clock, async (said, _, signal) => offering.position(positionParams.parse(said), signal)),
  );
  neighbours.offer(asks.follow, (params, from, signal) => {
    admitFollower(from);
    return offering.follow(followParams.parse(params), from, signal);
  });
  neighbours.offer(asks.head, (_, from) => {
    admitHead(from);
    return offering.head();
  });
}

class Offering {
  readonly #parts: OfferParts;
  /** Nodes that follow this one; one that comes back may be there twice for a moment. */
  readonly #followers: string[] = [];
  #timer: Timer | undefined;
  /** Those who keep up are sent the same. */
  #packed: { readonly first: HistoryEntry; readonly last: HistoryEntry; readonly frame: Uint8Array } | undefined;

  constructor(parts: OfferParts) {
    this.#parts = parts;
  }

  sight(): Sight {
    const { status, keeper, isPeer, whose } = this.#parts;
    const known = status();
    if (!known) throw coded('STARTING', 'this node has not heard of the group yet');
    return sightOf({ whose, status: known, isPeer: isPeer(), history: keeper.history, serves: this.#followers });
  }

  async read(signal: AbortSignal): Promise<number> {
    this.#assertPeer();
    return this.#parts.log.readEntry(signal);
  }

  /** Only the leader says this, and only after a round that proves it to be the leader. */
  async position(
    { index: asked, after }: z.infer<typeof positionParams>,
    signal: AbortSignal,
  ): Promise<PositionAnswer> {
    const { log, keeper } = this.#parts;
    if (!log.leads) throw coded('NOT_LEADER', 'this node does not lead');
    const committed = await log.readEntry(signal);
    if (asked > committed) return { committed, ...unknown };
    while (keeper.history.last < asked && !signal.aborted) await keeper.grown(signal);
    signal.throwIfAborted();
    const { history } = keeper;
    if (asked < history.floor.index) return { committed, ...unknown };
    const { manifest, tail } = await history.at(asked);
    const segments = after === undefined ? null : segmentsFingerprint(manifest, after);
    const term = (await entryAt(history, asked))?.term ?? null;
    return { committed, term, fingerprint: fingerprintOf(tail), segments };
  }

  async *head(): AsyncGenerator<Uint8Array> {
    this.#assertPeer();
    const { history } = this.#parts.keeper;
    yield packHead(await history.at(history.last));
  }

  async *follow(
    { after, fingerprint }: z.infer<typeof followParams>,
    from: string,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    await this.#checkSame(after, fingerprint);
    this.#followers.push(from);
    this.#wakeAtTimes();
    try {
      yield* this.#frames(after, signal);
    } finally {
      this.#followers.splice(this.#followers.indexOf(from), 1);
    }
  }

  /** One timer for all who follow. */
  #wakeAtTimes(): void {
    const { clock, keeper } = this.#parts;
    this.#timer ??= clock.setTimeout(() => {
      this.#timer = undefined;
      if (this.#followers.length === 0) return;
      keeper.wake();
      this.#wakeAtTimes();
    }, sightMs);
  }

  async #checkSame(after: number, fingerprint: string): Promise<void> {
    this.#assertPeer();
    const { history } = this.#parts.keeper;
    if (after > history.last) throw coded('BEHIND', `this node is at entry ${history.last}, before entry ${after}`);
    if (after < history.floor.index) throw coded('BELOW_FLOOR', `entry ${after} was dropped here`);
    if ((await fingerprintAt(history, after)) !== fingerprint)
      throw coded('UNLIKE', `this node has another history up to entry ${after}`);
  }

  async *#frames(after: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { keeper, clock } = this.#parts;
    const news = new News(() => this.sight(), clock);
    let at = after;
    while (!signal.aborted) {
      this.#assertPeer();
      const { history } = keeper;
      yield* news.take();
      for await (const slice of keeper.entriesAfter(at)) {
        // No entry leaves before the term that it is of is told.
        yield* news.take();
        yield this.#frameOf(slice);
        at += slice.length;
        if (keeper.history !== history || signal.aborted) break;
      }
      if (keeper.history.last <= at) await keeper.grown(signal);
    }
  }

  #frameOf(slice: readonly HistoryEntry[]): Uint8Array {
    const [first] = slice as readonly [HistoryEntry];
    const last = slice.at(-1) as HistoryEntry;
    if (this.#packed?.first !== first || this.#packed.last !== last)
      this.#packed = { first, last, frame: packEntries(slice) };
    return this.#packed.frame;
  }

  #assertPeer(): void {
    if (!this.#parts.isPeer())
      throw coded('NO_PEER', 'this node takes no part in consensus itself: follow another one');
  }
}

/** How this node sees the group, when that has changed or not been said for a while. */
class News {
  readonly #sight: () => Sight;
  readonly #clock: Clock;
  #told = '';
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(sight: () => Sight, clock: Clock) {
    this.#sight = sight;
    this.#clock = clock;
  }

  *take(): Generator<Uint8Array> {
    const sight = this.#sight();
    const { term, leader, configuration, isPeer } = sight;
    const group = JSON.stringify([term, leader, configuration, isPeer]);
    const now = this.#clock.monotonicMs();
    // The timer that wakes is not as exact as that.
    if (group === this.#told && now - this.#toldAtMs < sightMs / 2) return;
    this.#told = group;
    this.#toldAtMs = now;
    yield packSight(sight);
  }
}
