/**
 * Leases as the rest of a node sees them: whether it holds its own, and, while it leads, what it may do about those of
 * others. What happens, happens on the thread of consensus; here is what it said last, and the time.
 */
import type { LeaseFacts, LeaseRow } from '#events/lease/grantor.ts';
import type { LeaseStatus } from '#events/lease/holder.ts';
import type { LeaseSettings } from '#events/lease/settings.ts';
import type { PeerId } from '#events/raft/entry.ts';
import type { BootTime } from '../devices/boot-time/port.ts';
import type { FromLeases, LeaseReport, ToLeases } from './protocol.ts';

export interface NodeLeasesParts {
  readonly settings: LeaseSettings;
  readonly bootTime: BootTime;
  /** @returns false where the thread is not there */
  say(message: ToLeases): boolean;
  /** What the log has applied at this moment; the fold comes after. */
  applied(): Applied;
}

export interface Applied {
  /** Of the consensus log. */
  readonly entry: number;
  /** Index of the last event that the entries up to that one came to. */
  readonly event: number;
}

const nothing: LeaseReport = {
  own: { state: 'none', untilMs: undefined, requiredIndex: undefined, denied: undefined },
  term: undefined,
  rows: [],
};

export class NodeLeases {
  readonly #parts: NodeLeasesParts;
  readonly #waiting = new Map<number, (byMs: number | undefined) => void>();
  #ids = 0;
  #hasEnded = false;
  #report = nothing;
  /** The entry that the lease requires, when the log had applied it, and an event that lies not before it. */
  #required: Applied | undefined;

  constructor(parts: NodeLeasesParts) {
    this.#parts = parts;
  }

  get nowMs(): number {
    return this.#parts.bootTime.nowMs();
  }

  /** Of this node. It may have been extended since; it is never over earlier than said here. */
  get own(): LeaseStatus {
    const { own } = this.#report;
    const { clockUnitMs } = this.#parts.settings;
    const isOver = own.state === 'held' && this.nowMs >= (own.untilMs ?? 0) - clockUnitMs;
    return isOver ? { ...own, state: 'lapsed', requiredIndex: undefined } : own;
  }

  /**
   * Whether single instances may be started here, and volumes become writable: the lease is held, and whoever would start
   * them knows everything that was decided before it.
   * @param folded index of the last event that is folded in the state from which the caller acts, read no later than that
   * state. Not what the log has applied: the fold lags behind it, and may not know yet that this node was fenced
   */
  isSafeToStart(folded: number): boolean {
    const { requiredIndex } = this.own;
    const event = requiredIndex === undefined ? undefined : this.#eventAt(requiredIndex);
    return event !== undefined && folded >= event;
  }

  /** Of everybody who has renewed with this leader; undefined unless this node leads. */
  get granted(): readonly LeaseRow[] | undefined {
    return this.#report.term === undefined ? undefined : this.#report.rows;
  }

  /** What the log says about leases, whenever that changes, and before `open`. */
  know(facts: LeaseFacts): void {
    this.#parts.say({ do: 'know', facts });
  }

  /** This node leads in this term and has folded an entry of it: from now on it grants. */
  open(term: number): void {
    this.#parts.say({ do: 'open', term });
  }

  /**
   * No more grants for this node by this leader, before anything is proposed that ends its lease.
   * @returns from when on, by `nowMs`, it holds none; undefined while this node does not grant
   */
  refuse(node: string): Promise<number | undefined> {
    return this.#ask('refuse', node);
  }

  /** What was proposed about a node that is refused is decided. */
  allow(node: string): void {
    this.#parts.say({ do: 'allow', node });
  }

  /** The usual length only, before a longer one is ended. @returns from when on the node holds no longer lease */
  curtail(node: string): Promise<number | undefined> {
    return this.#ask('curtail', node);
  }

  /** For a planned restart, when the log allows it. @param lengthMs 0: the usual */
  want(lengthMs: number): void {
    this.#parts.say({ do: 'want', lengthMs });
  }

  /** Who leads, for a node whose own member does not know; again and again, as that may have known it meanwhile. */
  follow(leader: PeerId | undefined): void {
    this.#parts.say({ do: 'follow', leader });
  }

  /** What the thread says. */
  hear(message: FromLeases): void {
    if (message.say === 'report') {
      this.#report = message.report;
      return;
    }
    this.#waiting.get(message.id)?.(message.byMs);
    this.#waiting.delete(message.id);
  }

  /** An event not before the last one up to this entry, always the same; undefined while that is not applied here. */
  #eventAt(entry: number): number | undefined {
    if (this.#required?.entry === entry) return this.#required.event;
    const applied = this.#parts.applied();
    if (applied.entry < entry) return undefined;
    this.#required = { entry, event: applied.event };
    return applied.event;
  }

  /** The thread is gone, or says nothing any more: nobody waits for it. */
  end(): void {
    this.#hasEnded = true;
    for (const resolve of this.#waiting.values()) resolve(undefined);
    this.#waiting.clear();
  }

  #ask(what: 'refuse' | 'curtail', node: string): Promise<number | undefined> {
    const id = ++this.#ids;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      if (!this.#hasEnded && this.#parts.say({ do: what, id, node })) return;
      this.#waiting.delete(id);
      resolve(undefined);
    });
  }
}
