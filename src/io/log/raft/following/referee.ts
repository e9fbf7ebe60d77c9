/**
 * Whether what this node has is what the group has. Where another node has something else, the leader says who is right,
 * after a round with its voters: so neither a source that lies nor a leader of before can make a node give up what is so,
 * and none goes on with what is not.
 */
import { GivenUp, type PeerId } from '#events/raft/entry.ts';
import type { Clock } from '../../../devices/clock/port.ts';
import { LogError } from '../../port.ts';
import type { HistoryKeeper } from '../engine/keeper.ts';
import { nodeOf } from '../engine/peer.ts';
import { ask } from './ask.ts';
import { entryAt, fingerprintAt, lookInto } from './fingerprint.ts';
import type { Lookout } from './lookout.ts';
import { asks, type Neighbours } from './neighbours.ts';
import { positionAnswer, type PositionAnswer } from './offer.ts';
import type { Sight } from './sight.ts';
import type { FollowTiming } from './timing.ts';

export interface RefereeParts {
  readonly keeper: HistoryKeeper;
  readonly neighbours: Neighbours;
  readonly lookout: Lookout;
  readonly clock: Clock;
  readonly timing: FollowTiming;
  note(message: string, details: Readonly<Record<string, unknown>>): void;
}

export class Referee {
  readonly #parts: RefereeParts;
  readonly #avoid: (node: string) => void;

  /** @param avoid is told of nodes that have something else than the group, or may have */
  constructor(parts: RefereeParts, avoid: (node: string) => void) {
    this.#parts = parts;
    this.#avoid = avoid;
  }

  /** Sealed segments of others beside those of this node. @throws as `judge` */
  async compare(sights: readonly Sight[], signal: AbortSignal): Promise<void> {
    const segments = this.#parts.keeper.history.manifest();
    for (const { peer, isPeer, sealed } of sights) {
      const own = sealed && segments.findLast(({ last }) => last === sealed.last);
      if (isPeer && own && own.sha256 !== sealed.sha256) await this.judge(nodeOf(peer), signal);
    }
  }

  /**
   * This node and another one do not have the same, or that one sends what cannot be.
   * @throws GivenUp, OtherHistory when it is this node that has something else than the group
   */
  async judge(other: string, signal: AbortSignal): Promise<void> {
    const { keeper, note } = this.#parts;
    this.#avoid(other);
    const last = await lookInto(keeper, (history) => entryAt(history, history.last));
    // Nobody can say: then another node is followed, and what is here is compared with that.
    if (!last || !(await this.checkOwn(last.index, signal))) return;
    note('a node is not followed for a while: it has, or sends, something else than the group', {
      node: other,
      upTo: last.index,
    });
  }

  /**
   * @param leader whom others name, if omitted
   * @returns whether the leader says that what is here up to this entry is the group's; false where it says nothing
   * @throws as `judge`
   */
  async checkOwn(index: number, signal: AbortSignal, leader?: PeerId): Promise<boolean> {
    const { keeper } = this.#parts;
    const group = await this.ofGroup({ index }, signal, leader);
    if (!group || (group.fingerprint === null && index <= group.committed)) return false;
    const [fingerprint, entry] = await lookInto(keeper, (history) =>
      Promise.all([fingerprintAt(history, index), entryAt(history, index)]),
    );
    if (group.fingerprint === fingerprint) return true;
    const { term = 0 } = entry ?? {};
    throw group.term === term ? new OtherHistory(index, term) : new GivenUp(index, term, group.term ?? 0);
  }

  /** What the group has at an entry, and of segments behind another one. @returns undefined where no leader says so */
  async ofGroup(
    said: { readonly index: number; readonly after?: number },
    signal: AbortSignal,
    leader: PeerId | undefined = this.#parts.lookout.leader,
  ): Promise<PositionAnswer | undefined> {
    const { timing } = this.#parts;
    if (leader === undefined) return undefined;
    const question = { node: nodeOf(leader), method: asks.position, said, withinMs: 2 * timing.askMs };
    return positionAnswer.safeParse(await ask(this.#parts, question, signal)).data;
  }
}

/** The group has something else, in the same term: no member would ever have both. */
export class OtherHistory extends LogError {
  constructor(index: number, term: number) {
    super(
      'DAMAGED',
      `the history has another entry than the group, at entry ${index} of term ${term} or before it`,
      'A disk has changed it, here or at a node that was followed. Keep a copy of the history; then begin this node anew, with a new incarnation, so that it fetches the history from the others.',
    );
  }
}
