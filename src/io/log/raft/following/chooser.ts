/** Chooses whom this node follows, as `actors/placement/following.ts` says, of those who can be followed. */
import { assignSources } from '#actors/placement/following.ts';
import { membersOf } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import type { Clock } from '../../../devices/clock/port.ts';
import { nodeOf } from '../engine/peer.ts';
import { leaderOf, newestOf, storedOf } from './agreed.ts';
import { includes, type Sight } from './sight.ts';
import type { FollowTiming } from './timing.ts';

export interface ChooserParts {
  readonly self: PeerId;
  readonly clock: Clock;
  readonly timing: FollowTiming;
  /** Ids of all nodes of the lab. */
  nodes(): readonly string[];
  /** Label `zone` of a node. */
  zoneOf(node: string): string | null;
}

export class Chooser {
  readonly #parts: ChooserParts;
  /** Nodes that have something else than the group, or send what cannot be, until when. */
  readonly #avoided = new Map<string, number>();
  /** Nodes that could not be followed a moment ago, until when: others come first. */
  readonly #failed = new Map<string, number>();
  #noted: { readonly atMs: number; readonly index: number } | undefined;
  /** What the best of the group had a while ago: who has less lags behind. */
  #least = 0;

  constructor(parts: ChooserParts) {
    this.#parts = parts;
  }

  avoid(node: string): void {
    const { clock, timing } = this.#parts;
    this.#avoided.set(node, clock.monotonicMs() + timing.avoidMs);
  }

  failed(node: string): void {
    const { clock, timing } = this.#parts;
    this.#failed.set(node, clock.monotonicMs() + timing.lookMs);
  }

  /** @param present whom it follows now @returns how that node sees the group; undefined where there is nobody */
  choose(sights: readonly Sight[], present: string | undefined): Sight | undefined {
    const newest = newestOf(sights);
    if (!newest) return undefined;
    this.#note(storedOf(sights.filter(({ peer }) => !this.#isIn(this.#avoided, nodeOf(peer)))));
    const leader = leaderOf(sights);
    const self = nodeOf(this.#parts.self);
    const possible = sights.filter((sight) => this.#isGood(sight, newest));
    const sound = possible.filter(({ peer }) => !this.#isIn(this.#failed, nodeOf(peer)));
    const good = sound.length > 0 ? sound : possible;
    const peers = new Set(membersOf(newest.configuration).map(nodeOf));
    const others = this.#parts.nodes().filter((node) => !peers.has(node) && node !== self);
    const known = (node: string) => ({ node, zone: this.#parts.zoneOf(node) });
    const sources = good.map(({ peer, serves }) => {
      const node = nodeOf(peer);
      // It may not know yet that this node has come, or gone.
      const served = serves.filter((one) => one !== self);
      return { ...known(node), leads: peer === leader, serves: node === present ? [...served, self] : served };
    });
    const chosen = assignSources([...others, self].map(known), sources).get(self);
    return good.find(({ peer }) => nodeOf(peer) === chosen);
  }

  #isGood({ peer, isPeer, last }: Sight, newest: Sight): boolean {
    const isAvoided = this.#isIn(this.#avoided, nodeOf(peer));
    return isPeer && !isAvoided && includes(newest.configuration, peer) && last >= this.#least;
  }

  #isIn(until: ReadonlyMap<string, number>, node: string): boolean {
    return (until.get(node) ?? 0) > this.#parts.clock.monotonicMs();
  }

  /** An entry that the best have in their histories. */
  #note(index: number): void {
    const { clock, timing } = this.#parts;
    const atMs = clock.monotonicMs();
    if (this.#noted && atMs - this.#noted.atMs < timing.lookMs) return;
    this.#least = this.#noted?.index ?? 0;
    this.#noted = { atMs, index };
  }
}
