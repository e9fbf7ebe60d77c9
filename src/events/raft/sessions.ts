/**
 * Exactly once: what a client has asked already, and what the answer was (dissertation §6.3). Part of the replicated
 * state and of its snapshots, so that a command that is proposed again, through whichever leader, takes effect once.
 *
 * A client opens a session with an entry of its own, then numbers its commands 1, 2, 3 … and has one under way at a time;
 * so only the newest answer is kept. When there are too many sessions the one that was used least recently expires, by
 * the order of the log, on all members alike. A command of an expired session is an error, for nobody knows any more
 * whether it took effect: never a silent second try.
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

export class Sessions<R> {
  readonly #limit: number;
  /** The least recently used first. */
  readonly #sessions: Map<string, Session<R>>;

  constructor(limit: number, rows: Iterable<readonly [client: string, session: Session<R>]> = []) {
    this.#limit = limit;
    this.#sessions = new Map(rows);
  }

  /** @returns the clients whose sessions expired by it */
  open(client: string): readonly string[] {
    if (!this.#sessions.has(client)) this.#sessions.set(client, { sequence: 0, result: undefined });
    const expired: string[] = [];
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= this.#limit) break;
      this.#sessions.delete(oldest);
      expired.push(oldest);
    }
    return expired;
  }

  judge(client: string, sequence: number): Verdict<R> {
    const session = this.#sessions.get(client);
    if (!session) return 'expired';
    if (sequence > session.sequence) return 'new';
    if (sequence < session.sequence || session.result === undefined) return 'outdated';
    return { result: session.result };
  }

  /** The command took effect. */
  record(client: string, sequence: number, result: R): void {
    this.#sessions.delete(client);
    this.#sessions.set(client, { sequence, result });
  }

  /** For a snapshot: in the order of their use, which is part of the state. */
  rows(): readonly (readonly [client: string, session: Session<R>])[] {
    return [...this.#sessions];
  }
}
