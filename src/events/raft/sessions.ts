/**
 * Exactly once: what a client has asked already, and what the answer was (dissertation §6.3). Part of the replicated
 * state and of its snapshots, so that a command that is proposed again, through whichever leader, takes effect once.
 *
 * A client opens a session with an entry of its own, whose index names the session; then it numbers its commands 1, 2, 3 …
 * and has one under way at a time, so that only the newest answer is kept. When there are too many sessions the one that
 * was used least recently expires, by the order of the log, on all members alike. A command of an expired session is an
 * error, for nobody knows any more whether it took effect: never a silent second try. (If clients chose the names, an
 * entry that opens a session and arrives twice could bring an expired one back, without what it knew.)
 */
export interface Session<R> {
  readonly sequence: number;
  readonly result: R | undefined;
}

export type Verdict<R> =
  | 'new'
  /** It took effect before: this was the answer. */
  | { readonly result: R }
  /** Older than the newest: the client has its answer already, and has gone on. */
  | 'outdated'
  | 'expired';

/** By the index of the entry that opened it. */
export type SessionRows<R> = readonly (readonly [opened: number, session: Session<R>])[];

export class Sessions<R> {
  readonly #limit: number;
  /** The least recently used first. */
  readonly #sessions: Map<number, Session<R>>;

  constructor(limit: number, rows: SessionRows<R> = []) {
    this.#limit = limit;
    this.#sessions = new Map(rows);
  }

  /** @param index of the entry, applied now. @returns the sessions that expired by it */
  open(index: number): readonly number[] {
    this.#sessions.set(index, { sequence: 0, result: undefined });
    const expired: number[] = [];
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= this.#limit) break;
      this.#sessions.delete(oldest);
      expired.push(oldest);
    }
    return expired;
  }

  judge(session: number, sequence: number): Verdict<R> {
    const known = this.#sessions.get(session);
    if (!known) return 'expired';
    if (sequence > known.sequence) return 'new';
    if (sequence < known.sequence || known.result === undefined) return 'outdated';
    return { result: known.result };
  }

  /** The command took effect. */
  record(session: number, sequence: number, result: R): void {
    this.#sessions.delete(session);
    this.#sessions.set(session, { sequence, result });
  }

  /** For a snapshot: in the order of their use, which is part of the state. */
  rows(): SessionRows<R> {
    return [...this.#sessions];
  }
}
