/** Asks other nodes how they see the group: who belongs to it, who leads, and who could be followed. */
import type { PeerId } from '#events/raft/entry.ts';
import { membersOf } from '#events/raft/configuration.ts';
import type { Clock } from '../../../devices/clock/port.ts';
import { nodeOf } from '../engine/peer.ts';
import { leaderOf, newestOf } from './agreed.ts';
import { ask } from './ask.ts';
import { asks, type Neighbours } from './neighbours.ts';
import { sightSchema, type Sight, type Whose } from './sight.ts';
import type { FollowTiming } from './timing.ts';

export interface LookoutParts {
  readonly self: PeerId;
  readonly whose: Whose;
  readonly neighbours: Neighbours;
  readonly clock: Clock;
  readonly timing: FollowTiming;
}

/** Until the members are known, so many nodes are asked at once: one of them knows. */
const mostStrangers = 16;
const fewStrangers = 2;
/** More than a group has while it changes. */
const mostPeers = 16;

export class Lookout {
  readonly #parts: LookoutParts;
  #known: readonly Sight[] = [];
  #turns = 0;

  constructor(parts: LookoutParts) {
    this.#parts = parts;
  }

  /** Of those who answered last, who has heard the most of the group. */
  get newest(): Sight | undefined {
    return newestOf(this.#known);
  }

  /** Whom they name. */
  get leader(): PeerId | undefined {
    return leaderOf(this.#known);
  }

  /** Those who answer in time, and are of the same lab and generation. Never rejects. */
  async look(signal: AbortSignal): Promise<readonly Sight[]> {
    const answers = await Promise.all(this.#nodes().map((node) => this.#ask(node, signal)));
    const sights = answers.filter((sight) => sight !== undefined);
    // Whom they name, and who was not asked, is asked the next time.
    if (sights.length > 0) this.#known = sights;
    return sights;
  }

  #nodes(): readonly string[] {
    const { self, neighbours } = this.#parts;
    const others = neighbours.reachable.filter((node) => node !== nodeOf(self));
    const named = new Map<string, number>();
    for (const { configuration } of this.#known)
      for (const node of new Set(membersOf(configuration).map(nodeOf))) named.set(node, (named.get(node) ?? 0) + 1);
    const count = (node: string): number => named.get(node) ?? 0;
    const peers = others.filter((node) => named.has(node)).toSorted((one, other) => count(other) - count(one));
    const strangers = others.filter((node) => !named.has(node));
    // Others by turns: whom only a node that lies names is never the only one to be asked.
    const from = strangers.length === 0 ? 0 : (this.#turns += fewStrangers) % strangers.length;
    const few = [...strangers.slice(from), ...strangers.slice(0, from)];
    return [...peers.slice(0, mostPeers), ...few.slice(0, peers.length > 0 ? fewStrangers : mostStrangers)];
  }

  async #ask(node: string, signal: AbortSignal): Promise<Sight | undefined> {
    const { timing, whose } = this.#parts;
    const question = { node, method: asks.sight, said: null, withinMs: timing.askMs };
    const { data: sight } = sightSchema.safeParse(await ask(this.#parts, question, signal));
    const isOurs = sight?.cluster === whose.cluster && sight.generation === whose.generation;
    // A node speaks for itself alone.
    return isOurs && nodeOf(sight.peer) === node ? sight : undefined;
  }
}
