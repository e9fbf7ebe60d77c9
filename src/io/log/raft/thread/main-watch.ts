/**
 * Whether the rest of the program still lives. The thread of consensus goes on whatever happens on the main thread, which
 * is its purpose; but a leader whose main thread hangs for ever takes no command and decides nothing, and all others
 * would follow it for as long. So the main thread gives a sign of life, and after too long without one leadership goes
 * to another voter. A main thread that is only busy is given its time: what it does next is still wanted.
 *
 *   main thread ── any message, a beat each second at least ──▶ heard
 *                                    15 s without one, and it leads ──▶ another voter is asked to lead
 */
import type { PeerId } from '#events/raft/entry.ts';
import type { Logger } from 'pino';
import type { Clock, Timer } from '../../../devices/clock/port.ts';
import type { MemberStatus } from '../member/protocol.ts';

/** The sign of life. */
export const beatMs = 1000;
/** As long as a lab takes to believe that a node is down. */
const silentMs = 15_000;
const lookMs = 1000;
/** Whoever was asked and does not lead by then will not. */
const againMs = 5000;

export interface MainWatchParts {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'warn'>;
  status(): Pick<MemberStatus, 'role' | 'peers' | 'configuration'>;
  /** Asks another voter to lead. */
  passOn(to: PeerId): void;
}

export class MainWatch {
  readonly #parts: MainWatchParts;
  #heardAtMs: number;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(parts: MainWatchParts) {
    this.#parts = parts;
    this.#heardAtMs = parts.clock.monotonicMs();
    this.#wait();
  }

  heard(): void {
    this.#heardAtMs = this.#parts.clock.monotonicMs();
  }

  stop(): void {
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#timer = this.#parts.clock.setTimeout(() => {
      this.#wait();
      this.#look();
    }, lookMs);
  }

  #look(): void {
    const { clock, log, status, passOn } = this.#parts;
    const now = clock.monotonicMs();
    if (now - this.#heardAtMs < silentMs || now - this.#askedAtMs < againMs) return;
    const { role, peers, configuration } = status();
    if (role !== 'leader') return;
    const [heir] = peers
      .filter(({ peer, isActive }) => isActive && configuration.voters.includes(peer))
      .toSorted((a, b) => b.match - a.match);
    // Whoever decides alone has nobody to leave it to.
    if (!heir) return;
    this.#askedAtMs = now;
    log.warn(
      { to: heir.peer, silentMs: Math.round(now - this.#heardAtMs) },
      'the main thread of this node gives no sign of life: leadership is handed on',
    );
    passOn(heir.peer);
  }
}
