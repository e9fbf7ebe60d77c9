/**
 * Nodes that run and cannot be linked, because of their clocks: what they said when they asked what time it is. They are
 * neither silent nor stopped, and whoever looks at the lab is told so.
 */
import type { ClusterMember } from '#io/contract/cluster.ts';
import type { Clock } from '../../devices/clock/port.ts';
import { linksBearMs } from './clock-outcast.ts';

/** They ask every few seconds. */
const freshMs = 30_000;

export class StrangeClocks {
  readonly #clock: Clock;
  readonly #labNow: () => number;
  readonly #heard = new Map<string, { readonly aheadMs: number; readonly monotonicMs: number }>();

  /** @param labNow what time it is in the lab, ms since 1970 */
  constructor(clock: Clock, labNow: () => number) {
    this.#clock = clock;
    this.#labNow = labNow;
  }

  /** @returns how far it is ahead, if links do not bear that; less than 0: behind */
  heard(node: string, now: number): number | undefined {
    const aheadMs = Math.round(now - this.#labNow());
    if (Math.abs(aheadMs) <= linksBearMs) {
      this.#heard.delete(node);
      return undefined;
    }
    this.#heard.set(node, { aheadMs, monotonicMs: this.#clock.monotonicMs() });
    return aheadMs;
  }

  /** What is to be said of members beside what the group knows. */
  shownIn(members: readonly ClusterMember[]): readonly ClusterMember[] {
    return members.map((member) => {
      const heard = this.#heard.get(member.node);
      const isFresh = heard && this.#clock.monotonicMs() - heard.monotonicMs <= freshMs;
      if (!isFresh || member.isReachable === true) return member;
      const { isStopped: _, ...rest } = member;
      return { ...rest, clockAheadMs: heard.aheadMs };
    });
  }
}
