/**
 * Reads that are never stale (ReadIndex, dissertation §6.4). `Reads`: a leader notes its commit index, makes sure by a
 * round of heartbeats that it still leads, and then answers with that index.
 *
 * A round has a token that the leader makes, one greater than the last. An answer confirms the rounds up to the token
 * that it echoes, and no later one: an answer that was delayed on its way says nothing about a read that came after it.
 * (The asker's own name of the read would not do, for a retry may carry the same.) Reads that come while a round is
 * under way share the next.
 *
 * Before the leader has committed an entry of its own term it does not know the commit index of the group (§6.4 step
 * 1): reads wait.
 *
 * Elsewhere (`AskedReads`): whoever asks a follower hears in any case. Either its leader's answer comes, or the follower
 * says that none will, as soon as it follows somebody else or has waited for too long.
 */
import type { PeerId } from './entry.ts';

interface PendingRead {
  readonly from: PeerId;
  readonly request: string;
  readonly index: number;
  readonly token: number;
}

export class Reads {
  /** The leader is not sure of its commit index yet. */
  #early: { readonly from: PeerId; readonly request: string }[] = [];
  #pending: PendingRead[] = [];
  #token = 0;
  #confirmed = 0;

  get count(): number {
    return this.#early.length + this.#pending.length;
  }

  /** Of the newest round. */
  get token(): number {
    return this.#token;
  }

  addEarly(from: PeerId, request: string): void {
    this.#early.push({ from, request });
  }

  /** Of all that wait, those that this member asked. */
  namesOf(peer: PeerId): readonly string[] {
    return [...this.#early, ...this.#pending].filter(({ from }) => from === peer).map(({ request }) => request);
  }

  /** @returns what waited for the first commit of this leader */
  takeEarly(): readonly { readonly from: PeerId; readonly request: string }[] {
    const early = this.#early;
    this.#early = [];
    return early;
  }

  /** A read of what is committed now; the next round confirms it. */
  add(from: PeerId, request: string, index: number): void {
    this.#pending.push({ from, request, index, token: this.#token + 1 });
  }

  /** No round is under way, and reads wait for one. */
  get wantsRound(): boolean {
    return this.#confirmed === this.#token && this.#pending.length > 0;
  }

  /** With each heartbeat: a new round if a read waits for one, else the newest again. @returns its token */
  beginRound(): number {
    if (this.#pending.some(({ token }) => token > this.#token)) this.#token++;
    return this.#token;
  }

  /** A majority has echoed this token, or a later one. @returns the reads that may be answered */
  confirm(token: number): readonly PendingRead[] {
    this.#confirmed = Math.max(this.#confirmed, token);
    const done = this.#pending.filter((read) => read.token <= token);
    if (done.length > 0) this.#pending = this.#pending.filter((read) => read.token > token);
    return done;
  }
}

/** What a follower has asked its leader, oldest first. */
export class AskedReads {
  #asked: { readonly request: string; readonly tick: number }[] = [];
  #tick = 0;

  get count(): number {
    return this.#asked.length;
  }

  add(request: string): void {
    this.#asked.push({ request, tick: this.#tick });
  }

  /** @returns whether it was waited for */
  answered(request: string): boolean {
    const at = this.#asked.findIndex((asked) => asked.request === request);
    if (at >= 0) this.#asked.splice(at, 1);
    return at >= 0;
  }

  /** A unit of time passed. @returns those that have waited for so many */
  tick(patience: number): readonly string[] {
    this.#tick++;
    const count = this.#asked.findIndex(({ tick }) => this.#tick - tick < patience);
    return this.#asked.splice(0, count < 0 ? this.#asked.length : count).map(({ request }) => request);
  }

  takeAll(): readonly string[] {
    return this.#asked.splice(0).map(({ request }) => request);
  }
}
