/**
 * One client of the live protocol: hears its frames, keeps its subscriptions, and gives each that has rows to tell its
 * turn as long as the client has credit.
 */
import { asIndex } from '#events/envelope.ts';
import { execWindowBytes, type ToServer } from '#io/contract/live.ts';
import { problemOf, statusOf, type Problem } from '#io/contract/problem.ts';
import type { Session } from '../auth/sessions.ts';
import type { Parts } from '../parts.ts';
import { asProblem, fail, failed, type ProblemError } from '../problems.ts';
import { findApp, noSuchApp } from '../routes/app.ts';
import { ExecSub } from './exec-sub.ts';
import { Chunk, frame, maxChunkRows, RowTooLarge, snapFrame, type RowJson } from './frames.ts';
import { LogsSub } from './logs-sub.ts';
import { isFollowed, isObserved, readMessage } from './messages.ts';
import { Outlet, type LiveSocket, type OutletLimits } from './outlet.ts';
import {
  activitySource,
  activityUpTo,
  defaultActivityLimit,
  observedSource,
  pastRows,
  tableSource,
  type RowSource,
  type Snapshot,
} from './row-source.ts';
import { defaultMaxPending, RowsSub } from './rows-sub.ts';

const maxSubscriptions = 64;
/**
 * A client that does not speak the protocol, or asks again and again for what it cannot have, is not listened to for
 * ever. Each second forgives one.
 */
const maxMistakes = 20;

export const closeCodes = { stopping: 1001, policy: 1008, failed: 1011, signedOut: 4401 } as const;

export interface LiveLimits extends OutletLimits {
  /** Rows that wait for a slow client before a new snapshot takes their place. */
  readonly pendingRows: number;
  /** Rows of one frame. */
  readonly chunkRows: number;
}
export const liveLimits: LiveLimits = {
  unacknowledged: 32,
  bufferedBytes: 1024 * 1024,
  pendingRows: defaultMaxPending,
  chunkRows: maxChunkRows,
};

/** A past snapshot on its way: rows that do not change. */
interface Still {
  readonly still: Snapshot;
  next: number;
}
type Subscription = RowsSub | LogsSub | ExecSub | Still | { readonly loading: true };

export interface ConnectionOptions {
  readonly parts: Parts;
  readonly socket: LiveSocket;
  readonly session: Session;
  readonly json: RowJson;
  readonly limits: LiveLimits;
}

export class Connection {
  readonly session: Session;
  /** Whether anything was heard since the last ping. */
  isAlive = true;
  readonly #parts: Parts;
  readonly #socket: LiveSocket;
  readonly #json: RowJson;
  readonly #limits: LiveLimits;
  readonly #outlet: Outlet;
  readonly #subs = new Map<number, Subscription>();
  /** Last words that wait for room, by subscription. */
  readonly #lastWords = new Map<number, string>();
  #mistakes = 0;
  #isFlushing = false;
  #isClosed = false;

  constructor({ parts, socket, session, json, limits }: ConnectionOptions) {
    this.#parts = parts;
    this.#socket = socket;
    this.session = session;
    this.#json = json;
    this.#limits = limits;
    this.#outlet = new Outlet(socket, () => this.#wake(), limits);
    this.bookmark();
  }

  /** Where the lab is: sent each second, and what a client judges the connection by. */
  bookmark(): void {
    const { lab, clock } = this.#parts;
    this.#mistakes = Math.max(0, this.#mistakes - 1);
    if (!this.#outlet.hasRoom) return;
    const stale = !lab.current || !lab.hasLeader;
    this.#outlet.send(frame({ t: 'at', index: lab.index, time: clock.now(), stale }));
  }

  ping(): void {
    this.isAlive = false;
    this.#socket.ping();
  }

  hear(data: string): void {
    this.isAlive = true;
    if (this.#isClosed) return;
    const heard = readMessage(data);
    if ('message' in heard) {
      try {
        this.#obey(heard.message);
      } catch (error) {
        if (heard.message.t === 'ack') throw error;
        this.#end(heard.message.sub, error);
        // What the lab cannot serve now may be asked for again.
        if (asProblem(error)?.status !== statusOf.unavailable) this.#mistake();
      }
      return;
    }
    this.#end(heard.sub ?? 0, fail('INVALID', `This frame is not understood: ${heard.wrong.slice(0, 300)}.`));
    this.#mistake();
  }

  #mistake(): void {
    if (++this.#mistakes > maxMistakes) this.close(closeCodes.policy, 'Too many frames that are refused.');
  }

  close(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.closed();
    this.#socket.close(code, reason);
  }

  /** The socket is gone, or about to go. */
  closed(): void {
    this.#isClosed = true;
    this.#outlet.close();
    for (const sub of this.#subs.keys()) this.#drop(sub);
    this.#lastWords.clear();
  }

  #obey(message: ToServer): void {
    switch (message.t) {
      case 'ack':
        this.#outlet.ack(message.index);
        return this.#wake();
      case 'close':
        return this.#drop(message.sub);
      case 'open':
        this.#admit(message.sub);
        return this.#open(message);
      case 'logs':
        this.#admit(message.sub);
        return this.#logs(message);
      case 'exec':
        this.#admit(message.sub);
        return this.#exec(message);
      case 'input':
      case 'resize': {
        const sub = this.#subs.get(message.sub);
        // What was typed while the command ended arrives too late, and is no mistake.
        if (!(sub instanceof ExecSub)) return;
        if (message.t === 'resize') return sub.resize(message.columns, message.rows);
        if (sub.input(message.data)) return;
        throw fail('TOO_LARGE', 'This is more input than the command has taken so far.', {
          hint: `At most ${execWindowBytes} bytes may wait; \`took\` says how many were taken.`,
        });
      }
    }
  }

  #admit(sub: number): void {
    if (this.#subs.has(sub))
      throw fail('INVALID', `Subscription ${sub} was open already.`, { hint: 'Take a new number for each.' });
    if (this.#subs.size >= maxSubscriptions) {
      throw fail('NOT_NOW', `This connection has ${maxSubscriptions} subscriptions, the most there can be.`, {
        hint: 'Close one first.',
      });
    }
  }

  #open(message: Extract<ToServer, { t: 'open' }>): void {
    const { sub, view, at, after, epoch } = message;
    if (at !== undefined) return this.#openPast(message, at);
    const source = this.#sourceOf(message);
    if (!source) throw noSuchView(view);
    const rows = new RowsSub({
      sub,
      epoch: this.#parts.lab.epoch,
      source,
      json: this.#json,
      maxPending: this.#limits.pendingRows,
      chunkRows: this.#limits.chunkRows,
      resume: after === undefined || epoch === undefined ? undefined : { after, epoch },
      wake: () => this.#wake(),
      fail: (error) => this.#end(sub, error),
    });
    this.#subs.set(sub, rows);
    this.#wake();
  }

  #sourceOf({ view, where = {}, limit }: Extract<ToServer, { t: 'open' }>): RowSource | undefined {
    const { lab, hubs } = this.#parts;
    const asked = { lab, hubs, by: this.session.principal, where };
    if (isObserved(view)) return observedSource(asked, view);
    if (view === 'activity') return activitySource(asked, limit);
    return isFollowed(view) && view !== 'activity' ? tableSource(asked, view) : undefined;
  }

  /** One snapshot, and nothing after it. */
  #openPast({ sub, view, where = {}, limit }: Extract<ToServer, { t: 'open' }>, at: number): void {
    const { lab, hubs } = this.#parts;
    if (isObserved(view)) throw fail('INVALID', `${view} is what the nodes observe now: it has no past.`);
    if (!isFollowed(view)) throw noSuchView(view);
    if (at > lab.index) throw fail('PAST_HEAD', `The lab is at index ${lab.index}, not yet at ${at}.`);
    const asked = { lab, hubs, by: this.session.principal, where };
    const loading = { loading: true } as const;
    this.#subs.set(sub, loading);
    const found =
      view === 'activity' ? activityUpTo(asked, at, limit ?? defaultActivityLimit) : pastRows(asked, view, asIndex(at));
    found.then(
      (still) => {
        // Closed in between, and perhaps opened again as something else.
        if (this.#subs.get(sub) !== loading) return;
        this.#subs.set(sub, { still, next: 0 });
        this.#wake();
      },
      (error: unknown) => {
        if (this.#subs.get(sub) === loading) this.#end(sub, error);
      },
    );
  }

  #logs({ sub, app: named, service, tail, since, follow }: Extract<ToServer, { t: 'logs' }>): void {
    const { lab, containers, clock } = this.#parts;
    const app = findApp(lab, named, this.session.principal, 'read');
    if (!app) throw noSuchApp(named);
    const options = {
      ...(service === undefined ? {} : { service }),
      ...(tail === undefined ? {} : { tail }),
      ...(since === undefined ? {} : { sinceMs: since }),
      follow,
    };
    const lines = (signal: AbortSignal) => containers.logs(app.stream, options, signal);
    const end = (error?: unknown): void => this.#end(sub, error);
    this.#subs.set(sub, new LogsSub({ sub, clock, outlet: this.#outlet, follow, lines, end }));
  }

  #exec({ sub, app: named, service, command, tty, columns, rows }: Extract<ToServer, { t: 'exec' }>): void {
    const { lab, containers, log } = this.#parts;
    const app = findApp(lab, named, this.session.principal, 'write');
    if (!app) throw noSuchApp(named);
    // Of the command only its name: what follows may be secret.
    log.info({ by: this.session.principal, app: app.stream, service, command: command[0] }, 'exec');
    const size = columns === undefined || rows === undefined ? undefined : { columns, rows };
    this.#subs.set(
      sub,
      new ExecSub({
        sub,
        outlet: this.#outlet,
        size,
        start: (call) => containers.exec(app.stream, service, { command, tty }, call),
        end: (error) => (error === undefined ? this.#drop(sub) : this.#end(sub, error)),
      }),
    );
  }

  /** At the end of this turn, after everybody has heard of the same change. */
  #wake(): void {
    if (this.#isFlushing || this.#isClosed) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  /** A frame of each in turn, until there is no credit or nothing left to tell. Who had a turn comes last next time. */
  #flush(): void {
    for (const [sub, text] of this.#lastWords) {
      if (!this.#outlet.hasRoom) return;
      this.#lastWords.delete(sub);
      this.#outlet.send(text);
    }
    for (let idle = 0; idle < this.#subs.size && this.#outlet.hasCredit; idle++) {
      const [first] = this.#subs;
      if (!first) return;
      const [sub, subscription] = first;
      this.#subs.delete(sub);
      this.#subs.set(sub, subscription);
      try {
        if (this.#tell(sub, subscription)) idle = -1;
      } catch (error) {
        this.#end(sub, error);
      }
    }
  }

  #tell(sub: number, subscription: Subscription): boolean {
    if (subscription instanceof RowsSub) {
      const next = subscription.next();
      if (next) this.#outlet.sendRows(next.text, next.index);
      return next !== undefined;
    }
    if (!('still' in subscription)) return false;
    const { still } = subscription;
    if (subscription.next > still.rows.length) return false;
    const chunk = new Chunk(this.#limits.chunkRows);
    for (let row = still.rows[subscription.next]; row; row = still.rows[subscription.next]) {
      if (!chunk.add(this.#json.text(...row))) break;
      subscription.next++;
    }
    const more = subscription.next < still.rows.length;
    if (!more) subscription.next = still.rows.length + 1;
    const of = { sub, epoch: this.#parts.lab.epoch, index: still.index, more };
    this.#outlet.sendRows(snapFrame(of, chunk.parts), still.index);
    return true;
  }

  /** The last word on a subscription. */
  #end(sub: number, error: unknown): void {
    this.#drop(sub);
    const text = frame(error === undefined ? { t: 'end', sub } : { t: 'end', sub, problem: this.#problemOf(error) });
    if (this.#outlet.hasRoom) return this.#outlet.send(text);
    if (this.#isClosed) return;
    // Who does not read is not sent more and more.
    if (this.#lastWords.size >= maxSubscriptions) {
      this.close(closeCodes.policy, 'Too much is waiting to be read.');
      return;
    }
    this.#lastWords.set(sub, text);
  }

  #problemOf(error: unknown): Problem {
    const expected = asProblem(error);
    if (expected) return expected;
    if (error instanceof RowTooLarge) {
      return problemOf('TOO_LARGE', `Row ${error.key} is too large to be followed.`, { hint: 'Read it over REST.' });
    }
    const requestId = this.#parts.random.id();
    this.#parts.log.error(
      { requestId, error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
      'live subscription failed',
    );
    return failed(requestId);
  }

  #drop(sub: number): void {
    const subscription = this.#subs.get(sub);
    this.#subs.delete(sub);
    if (subscription && 'close' in subscription) subscription.close();
  }
}

const noSuchView = (view: string): ProblemError => fail('NOT_FOUND', `There is no view ${view} to follow.`);
