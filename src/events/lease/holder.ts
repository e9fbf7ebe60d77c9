/**
 * A node's side of leases: whether it may run what must run once, and until when.
 *
 *      none ── grant ──▶ held ── until is over ──▶ lapsed ── grant ──▶ held …
 *
 * It renews three times within a lease, and at once when somebody else leads. A machine without clock or network: its
 * driver gives it what arrives and the time, and sends what it returns. The laws:
 *
 * - A lease counts from the moment at which its renewal was *sent*: how long the answer took is part of it. Nobody else
 *   can know that moment, so the sender remembers it.
 * - Time is boot time, which goes on in suspend. It is read when somebody asks `holds`, not when a timer fires.
 * - After a start or a lapse the node may be wrong about everything, having been taken for dead meanwhile. It is safe to
 *   start things again when all is applied that was decided before its new lease: the grant's commit index.
 */
import type { Answer, DenialReason, Echo, Renewal } from './message.ts';
import { renewEveryMs, type LeaseSettings } from './settings.ts';

/** Something to send to whoever leads. */
export interface Outgoing {
  readonly leader: string;
  readonly renewal: Renewal;
}

export interface LeaseStatus {
  readonly state: 'none' | 'held' | 'lapsed';
  /** Of a lease that is held, or was. */
  readonly untilMs: number | undefined;
  /** Of a lease that is held: what has to be applied before anything may start. */
  readonly requiredIndex: number | undefined;
  /** Why the newest answer granted nothing. */
  readonly denied: DenialReason | undefined;
}

/** So many renewals may be on their way; what is answered later than that is over anyway. */
const remembered = 8;

export class LeaseHolder {
  readonly #settings: LeaseSettings;
  readonly #run: number;
  #leader: string | undefined;
  #sequence = 0;
  /** When the newest renewals were sent, and to whom, oldest first. */
  #sent: { readonly sequence: number; readonly leader: string; readonly atMs: number }[] = [];
  /** The renewal that was sent to prove that answers arrive. */
  #proof = 0;
  #dueMs = Number.NEGATIVE_INFINITY;
  #wantsMs = 0;
  #echo: Echo | undefined;
  #denied: DenialReason | undefined;
  #untilMs: number | undefined;
  #requiredIndex: number | undefined;

  /** @param run drawn at random when the process begins, a safe integer */
  constructor(settings: LeaseSettings, run: number) {
    this.#settings = settings;
    this.#run = run;
  }

  /** Who leads, as far as this node knows. Somebody new is asked at once. */
  setLeader(leader: string | undefined, nowMs: number): Outgoing | undefined {
    if (leader === this.#leader) return undefined;
    this.#leader = leader;
    return this.#renew(nowMs);
  }

  /** A planned restart may want longer leases than usual; the log has said so before. @param lengthMs 0: the usual */
  want(lengthMs: number, nowMs: number): Outgoing | undefined {
    if (lengthMs === this.#wantsMs) return undefined;
    this.#wantsMs = lengthMs;
    return this.#renew(nowMs);
  }

  tick(nowMs: number): Outgoing | undefined {
    return nowMs >= this.#dueMs ? this.#renew(nowMs) : undefined;
  }

  /** What was to be sent found no way: it is tried again with the next tick. */
  unsent(): void {
    this.#dueMs = Number.NEGATIVE_INFINITY;
  }

  /** @param from whom the way on which it came proves: only who was asked may answer, not one who led before and knows the run */
  received(answer: Answer, from: string, nowMs: number): Outgoing | undefined {
    if (answer.run !== this.#run) return undefined;
    const sent = this.#sent.find(({ sequence }) => sequence === answer.sequence);
    if (sent?.leader !== from) return undefined;
    this.#noteEcho(answer);
    if (answer.type === 'grant') {
      this.#denied = undefined;
      this.#extend(sent.atMs + answer.lengthMs, answer.commitIndex, nowMs);
      return undefined;
    }
    this.#denied = answer.why;
    if (answer.why !== 'unheard' || answer.sequence <= this.#proof) return undefined;
    // That this arrived is what the leader wants to hear. Once: when it is not content with that, in its time again.
    const outgoing = this.#renew(nowMs);
    this.#proof = this.#sequence;
    return outgoing;
  }

  /** What the clock says is up to a unit too early, so the lease is over a unit before it ends. */
  holds(nowMs: number): boolean {
    return this.#untilMs !== undefined && nowMs < this.#untilMs - this.#settings.clockUnitMs;
  }

  /**
   * Whether single instances may be started, and volumes become writable.
   * @param folded entry of the consensus log up to which all is known to whoever would start them: folded, not only applied
   */
  isSafeToStart(folded: number, nowMs: number): boolean {
    return this.holds(nowMs) && this.#requiredIndex !== undefined && folded >= this.#requiredIndex;
  }

  status(nowMs: number): LeaseStatus {
    const state = this.holds(nowMs) ? 'held' : this.#untilMs === undefined ? 'none' : 'lapsed';
    return {
      state,
      untilMs: this.#untilMs,
      requiredIndex: state === 'held' ? this.#requiredIndex : undefined,
      denied: this.#denied,
    };
  }

  #renew(nowMs: number): Outgoing | undefined {
    if (this.#leader === undefined) return undefined;
    this.#dueMs = nowMs + renewEveryMs(this.#settings);
    const sequence = ++this.#sequence;
    const leader = this.#leader;
    this.#sent = [...this.#sent, { sequence, leader, atMs: nowMs }].slice(-remembered);
    return { leader, renewal: { run: this.#run, sequence, echo: this.#echo, wantsMs: this.#wantsMs } };
  }

  #noteEcho({ term, atMs }: Answer): void {
    const echo = this.#echo;
    if (echo && (term < echo.term || (term === echo.term && atMs <= echo.atMs))) return;
    this.#echo = { term, atMs };
  }

  #extend(untilMs: number, commitIndex: number, nowMs: number): void {
    const wasHeld = this.holds(nowMs);
    this.#untilMs = Math.max(this.#untilMs ?? 0, untilMs);
    // One that goes on without a gap asks for nothing new.
    if (!wasHeld) this.#requiredIndex = commitIndex;
  }
}
