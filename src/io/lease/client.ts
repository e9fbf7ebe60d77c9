/**
 * A node's lease at work: renews it with whoever leads, over whatever way there is to them. It needs no member of the
 * group: who leads is told from outside, frames are handed in and out.
 *
 *   setLeader, receive, time ──▶ holder ──▶ renewals ─ send ─▶ the leader
 *                                   └──▶ onChange: held, lapsed, denied
 */
import { LeaseHolder, type LeaseStatus, type Outgoing } from '#events/lease/holder.ts';
import type { LeaseSettings } from '#events/lease/settings.ts';
import type { BootTime } from '../devices/boot-time/port.ts';
import type { Clock, Timer } from '../devices/clock/port.ts';
import { BadFrame } from '../log/raft/member/message-codec.ts';
import { packRenewal, unpackLease } from './frame.ts';

export interface LeaseClientParts {
  readonly settings: LeaseSettings;
  /** Drawn at random when the process began: a whole number below 2^32. */
  readonly run: number;
  readonly bootTime: BootTime;
  readonly clock: Clock;
  /** How often is looked whether something is due. */
  readonly tickMs: number;
  /** @returns false when there is no way to the leader at this moment */
  send(leader: string, frame: Uint8Array): boolean;
  /** Another state, or another end of the lease. Not called before the constructor has returned. */
  onChange(status: LeaseStatus): void;
}

export class LeaseClient {
  readonly #parts: LeaseClientParts;
  readonly #holder: LeaseHolder;
  #timer: Timer | undefined;
  #told: LeaseStatus;

  constructor(parts: LeaseClientParts) {
    this.#parts = parts;
    this.#holder = new LeaseHolder(parts.settings, parts.run);
    this.#told = this.status;
  }

  start(): void {
    const { clock, tickMs } = this.#parts;
    this.#timer = clock.setTimeout(() => {
      this.start();
      this.#do((nowMs) => this.#holder.tick(nowMs));
    }, tickMs);
  }

  stop(): void {
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
  }

  /** As it is now; it may be over by the time it is read. */
  get status(): LeaseStatus {
    return this.#holder.status(this.#parts.bootTime.nowMs());
  }

  /** Who leads, by the name that `send` knows; undefined while nobody is known to. */
  setLeader(leader: string | undefined): void {
    this.#do((nowMs) => this.#holder.setLeader(leader, nowMs));
  }

  /** From now on it asks for leases of this length. @param lengthMs 0: the usual */
  want(lengthMs: number): void {
    this.#do((nowMs) => this.#holder.want(lengthMs, nowMs));
  }

  /** A frame that came from this node, by the name that `send` knows. @throws BadFrame */
  receive(from: string, frame: Uint8Array): void {
    const message = unpackLease(frame);
    if (message.type !== 'answer') throw new BadFrame('a renewal came where only answers are expected');
    this.#do((nowMs) => this.#holder.received(message.answer, from, nowMs));
  }

  /** As `LeaseHolder.isSafeToStart`. */
  isSafeToStart(folded: number): boolean {
    return this.#holder.isSafeToStart(folded, this.#parts.bootTime.nowMs());
  }

  #do(act: (nowMs: number) => Outgoing | undefined): void {
    const nowMs = this.#parts.bootTime.nowMs();
    const outgoing = act(nowMs);
    if (outgoing && !this.#parts.send(outgoing.leader, packRenewal(outgoing.renewal))) this.#holder.unsent();
    const status = this.#holder.status(nowMs);
    const { state, untilMs, denied } = this.#told;
    if (status.state === state && status.untilMs === untilMs && status.denied === denied) return;
    this.#told = status;
    this.#parts.onChange(status);
  }
}
