/**
 * Leases on the thread of consensus: this node's own, and those that it grants while it leads. It overhears what the
 * member says, and sits on the same links; to itself a leader speaks like to everybody else.
 *
 *   member ─ leadership, reads ─▶ desk ─ renewals, grants ─▶ links
 *                                  └─ report, once a second ─▶ main thread
 */
import type { Renewer } from '#events/lease/grantor.ts';
import type { LeaseSettings } from '#events/lease/settings.ts';
import type { PeerId } from '#events/raft/entry.ts';
import type { BootTime } from '../devices/boot-time/port.ts';
import type { Clock, Timer } from '../devices/clock/port.ts';
import { incarnationOf, nodeOf, peerOf } from '../log/raft/engine/peer.ts';
import type { FromMember } from '../log/raft/member/protocol.ts';
import { LeaseClient } from './client.ts';
import { isRenewalFrame } from './frame.ts';
import { LeaseGrants } from './grants.ts';
import type { FromLeases, LeaseReport, ToLeases } from './protocol.ts';

export interface LeaseDeskParts {
  readonly self: PeerId;
  readonly settings: LeaseSettings;
  /** Drawn at random when the process began. */
  readonly run: number;
  readonly name: string;
  readonly bootTime: BootTime;
  readonly clock: Clock;
  readonly tickMs: number;
  /** At most so often where nothing of this node's own lease changes. */
  readonly reportMs: number;
  read(request: string): void;
  send(to: PeerId, frame: Uint8Array): boolean;
  say(message: FromLeases): void;
}

export class LeaseDesk {
  readonly #parts: LeaseDeskParts;
  readonly #client: LeaseClient;
  readonly #grants: LeaseGrants;
  #timer: Timer | undefined;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #hasLed = false;
  /** As this node's own member knows. */
  #leader: PeerId | undefined;

  constructor(parts: LeaseDeskParts) {
    this.#parts = parts;
    this.#client = new LeaseClient({
      ...parts,
      send: (leader, frame) => this.#send(leader as PeerId, frame),
      onChange: () => this.#report(),
    });
    this.#grants = new LeaseGrants({
      ...parts,
      // Never in the middle of what the member does.
      ask: (request) => queueMicrotask(() => parts.read(request)),
      send: (to, frame) => void this.#send(peerOf(to.node, to.incarnation), frame),
    });
  }

  start(): void {
    this.#client.start();
    this.#schedule();
  }

  stop(): void {
    this.#client.stop();
    if (this.#timer) this.#parts.clock.clearTimeout(this.#timer);
  }

  /** What the member says. @returns what of it is for others */
  overhear(messages: readonly FromMember[]): readonly FromMember[] {
    return messages.filter((message) => {
      switch (message.t) {
        case 'leadership':
          this.#grants.leads(message.role === 'leader' ? message.term : undefined);
          this.#leader = message.leader;
          this.#client.setLeader(message.leader);
          return true;
        case 'read':
          if (!this.#grants.owns(message.request)) return true;
          this.#grants.confirmed(message.request, message.index);
          return false;
        case 'read-refused':
          if (!this.#grants.owns(message.request)) return true;
          this.#grants.failed(message.request);
          return false;
        default:
          return true;
      }
    });
  }

  /** A frame about leases, of a node that has proven who it is. @throws BadFrame */
  receive(from: PeerId, frame: Uint8Array): void {
    if (isRenewalFrame(frame)) this.#grants.receive(renewerOf(from), frame);
    else this.#client.receive(from, frame);
  }

  handle(message: ToLeases): void {
    switch (message.do) {
      case 'know':
        return this.#grants.know(message.facts);
      case 'open':
        return this.#grants.open(message.term);
      case 'allow':
        return this.#grants.allow(message.node);
      case 'want':
        return this.#client.want(message.lengthMs);
      case 'follow':
        // What comes from another node may be older than what this member knows.
        return this.#leader === undefined ? this.#client.setLeader(message.leader) : undefined;
      case 'refuse':
      case 'curtail': {
        const byMs = message.do === 'refuse' ? this.#grants.refuse(message.node) : this.#grants.curtail(message.node);
        return this.#parts.say({ say: 'expires', id: message.id, byMs });
      }
    }
  }

  #schedule(): void {
    const { clock, tickMs, reportMs } = this.#parts;
    this.#timer = clock.setTimeout(() => {
      this.#schedule();
      this.#grants.tick();
      // Others' leases change all the time while it leads, and once more when it leads no longer.
      const leads = this.#grants.term !== undefined;
      const isDue = clock.monotonicMs() - this.#toldAtMs >= reportMs;
      if (isDue && (leads || this.#hasLed)) this.#report();
      this.#hasLed = leads;
    }, tickMs);
  }

  #send(to: PeerId, frame: Uint8Array): boolean {
    const { self, send } = this.#parts;
    if (to !== self) return send(to, frame);
    queueMicrotask(() => this.receive(self, frame));
    return true;
  }

  #report(): void {
    this.#toldAtMs = this.#parts.clock.monotonicMs();
    const { term, rows } = this.#grants;
    const report: LeaseReport = { own: this.#client.status, term, rows };
    this.#parts.say({ say: 'report', report });
  }
}

const renewerOf = (peer: PeerId): Renewer => ({ node: nodeOf(peer), incarnation: incarnationOf(peer) });
