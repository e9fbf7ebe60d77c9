/**
 * The way between a log and what feeds it: its member of the consensus group as long as the node belongs to that, and
 * else another node, which it follows.
 *
 *              ┌─▶ member ── consensus          in the group
 *      log ◀──▶│
 *              └─▶ follower ── another node     in none, or no more
 *
 * Every node keeps its member, its consensus log and its links for consensus. A member that is in no group is idle; when
 * the leader takes it in it gets a snapshot or entries as any learner does, and the log passes over what it has already.
 * Both may hand out at once for a moment: each hands out entries without gap, the log takes each index once, and what is
 * agreed on is the same from either.
 *
 *   ┌ member ┐── the newest configuration that anybody knows has been without it for a while ──▶┌ following ┐
 *   └────────┘◀── it is in that, the member hears a leader, who says that what is here is so ───└───────────┘
 *
 * Which is newest the committed indices tell. Who was removed is not told, least of all when it was away: so learners ask
 * now and then, and so do voters who hear no leader.
 */
import { mostMembers } from '#actors/placement/learners.ts';
import { isVoter, type Configuration } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import { sleep, type Clock } from '../../../devices/clock/port.ts';
import type { HistoryKeeper } from '../engine/keeper.ts';
import type { HistoryEntry } from '../history/segment.ts';
import type { MemberChannel } from '../member/channel.ts';
import type { FromMember, MemberStatus, ToMember } from '../member/protocol.ts';
import type { Position } from '../suspicion.ts';
import { newestOf } from './agreed.ts';
import { entryAt, lookInto } from './fingerprint.ts';
import type { Follower } from './follower.ts';
import type { Lookout } from './lookout.ts';
import type { FollowMark } from './mark.ts';
import { codeOf } from './neighbours.ts';
import { includes, sizeOf } from './sight.ts';
import type { FollowTiming } from './timing.ts';

export interface EitherParts {
  readonly self: PeerId;
  readonly member: MemberChannel;
  readonly follower: Follower;
  readonly lookout: Lookout;
  readonly mark: FollowMark;
  readonly keeper: HistoryKeeper;
  readonly clock: Clock;
  readonly timing: FollowTiming;
  /** Nothing works any more: end the process. */
  onBroken(error: unknown): void;
}

export class EitherChannel implements MemberChannel {
  readonly #parts: EitherParts;
  readonly #stop = new AbortController();
  #onMessage: ((message: FromMember) => void) | undefined;
  #watching: Promise<void> = Promise.resolve();
  #isFollowing = false;
  /** As the member of this node sees the group. */
  #own: MemberStatus | undefined;
  #ownLeadership: FromMember | undefined;
  /** Up to here the member itself has handed out. */
  #given = 0;
  /** What was followed is known to be the group's. */
  #isSure = false;
  /** Since when the newest configuration is without this node. */
  #outSinceMs: number | undefined;

  constructor(parts: EitherParts) {
    this.#parts = parts;
  }

  /** This node takes part in consensus: others may follow it. */
  get isPeer(): boolean {
    return !this.#isFollowing && this.#own !== undefined && includes(this.#own.configuration, this.#parts.self);
  }

  /** Id of the node that this one follows; undefined in the group, and while there is nobody. */
  get source(): string | undefined {
    return this.#isFollowing ? this.#parts.follower.source : undefined;
  }

  get isFollowing(): boolean {
    return this.#isFollowing;
  }

  receive(onMessage: (message: FromMember) => void): void {
    this.#onMessage = onMessage;
    this.#parts.follower.receive((message) => {
      // Whoever was asked for a read answers it, also when the other one feeds by then.
      if (this.#isFollowing || !isAboutGroup(message)) onMessage(message);
    });
    this.#parts.member.receive((message) => this.#hear(message));
    this.#watching = this.#watch().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) this.#parts.onBroken(error);
    });
  }

  send(message: ToMember): void {
    const { member, follower } = this.#parts;
    if (message.t === 'read' && this.#isFollowing) return follower.send(message);
    if (message.t === 'taken') follower.send(message);
    member.send(message);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const { member, follower, mark } = this.#parts;
    await follower.close();
    await this.#watching;
    await member.close();
    await mark.close();
  }

  #hear(message: FromMember): void {
    switch (message.t) {
      case 'status':
        this.#own = message.status;
        if (!this.#isFollowing) this.#onMessage?.(message);
        return undefined;
      case 'leadership':
        this.#ownLeadership = message;
        if (!this.#isFollowing) this.#onMessage?.(message);
        return undefined;
      case 'committed':
        this.#given = message.slice.firstIndex + message.slice.terms.length - 1;
        return this.#onMessage?.(message);
      case 'installed':
        this.#given = message.pointer.meta.index;
        return this.#onMessage?.(message);
      default:
        return this.#onMessage?.(message);
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stop;
    const { clock } = this.#parts;
    while (!signal.aborted) {
      await sleep(clock, this.#pauseMs(), signal);
      if (signal.aborted) return;
      try {
        await this.#look(signal);
      } catch (error) {
        // The leader has just taken this node in again.
        if (codeOf(error) !== 'REPLACED') throw error;
      }
    }
  }

  /** Whoever belongs to no group yet, or no more, wants to know soon. */
  #pauseMs(): number {
    const { lookMs, hurryMs } = this.#parts.timing;
    const isOut = this.#own === undefined || !includes(this.#own.configuration, this.#parts.self);
    return isOut || this.#outSinceMs !== undefined ? hurryMs : lookMs;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { self, lookout, mark } = this.#parts;
    const own = this.#own;
    if (!own) return;
    if (!this.#isFollowing && mark.isSet && (await this.#isOfGroup(own, signal)) && this.#hasCaughtUp)
      await mark.clear();
    // One that lost its vote while it was away is not told either: it waits for a leader in vain.
    if (!this.#isFollowing && isVoter(own.configuration, self) && own.leader !== undefined) {
      this.#outSinceMs = undefined;
      return;
    }
    // Who follows looks round all the time, and this rests on what it has seen.
    const seen = this.#isFollowing ? lookout.newest : newestOf(await lookout.look(signal));
    const newest = seen && seen.committed > own.committed ? seen : own;
    if (signal.aborted || newest.configuration.voters.length === 0) return;
    const isIn = includes(newest.configuration, self);
    if (this.#isFollowing) {
      if (isIn && includes(own.configuration, self) && (await this.#isOfGroup(own, signal))) await this.#join();
      return;
    }
    if (isIn) this.#outSinceMs = undefined;
    else await this.#leave(newest.configuration);
  }

  /** The member has handed out all that is in the history, and all that was followed and is still to be written there. */
  get #hasCaughtUp(): boolean {
    const { keeper, follower } = this.#parts;
    return this.#given >= Math.max(keeper.history.last, follower.upTo);
  }

  /** The leader may be about to take this node in: it is given a while, unless there is no place, or this node followed before. */
  async #leave(group: Configuration): Promise<void> {
    const { clock, timing, follower, mark, keeper } = this.#parts;
    this.#outSinceMs ??= clock.monotonicMs();
    const isSettled = mark.isSet || sizeOf(group) >= mostMembers;
    if (!isSettled && clock.monotonicMs() - this.#outSinceMs < timing.settleMs) return;
    const position = await lookInto(keeper, async (history) => positionOf(await entryAt(history, history.last)));
    await mark.set(position);
    if (this.#stop.signal.aborted) return;
    this.#isFollowing = true;
    this.#isSure = false;
    follower.begin();
  }

  /**
   * Whether the leader that the member hears has what was followed. The log passes over what its member hands out of that,
   * and does not look at it. @throws GivenUp, OtherHistory
   */
  async #isOfGroup({ leader }: MemberStatus, signal: AbortSignal): Promise<boolean> {
    const { follower, self } = this.#parts;
    if (leader === undefined) return false;
    // Who leads has nobody to ask.
    this.#isSure ||= leader === self || (await follower.isOfGroup(leader, signal));
    return this.#isSure;
  }

  async #join(): Promise<void> {
    const { follower } = this.#parts;
    await follower.end();
    this.#isFollowing = false;
    this.#outSinceMs = undefined;
    if (this.#ownLeadership) this.#onMessage?.(this.#ownLeadership);
    if (this.#own) this.#onMessage?.({ t: 'status', status: this.#own });
  }
}

const isAboutGroup = ({ t }: FromMember): boolean => t === 'status' || t === 'leadership';

const positionOf = (entry: HistoryEntry | undefined): Position => ({
  index: entry?.index ?? 0,
  term: entry?.term ?? 0,
});
