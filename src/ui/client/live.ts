/**
 * One live connection to the lab, shared by everything that follows something: views, log lines, an exec.
 *
 *   connecting ──▶ open ⇄ stale        stale: the server still folds its history, or is silent for 5 s
 *       ▲            │
 *       └── lost ◀───┘                 with a growing, jittered pause; every subscription goes on where it stood
 *   closed                             by `close()`; or because the server refuses this person, until `retryNow()`
 *
 * The server sends a bookmark (`at`) each second; a connection that is silent for 10 s is dead and is replaced. Every
 * `snap` and `rows` is acknowledged once it has been handed on: that is this reader's credit.
 */
import type {
  FollowingRow,
  PoolFiguresRow,
  ReplicaLagRow,
  ToClient,
  ToServer,
  UsageRow,
  WorkRow,
} from '#io/contract/live.ts';
import { problemOf, type Problem } from '#io/contract/problem.ts';
import type { ViewRows } from '#projections/registry.ts';
import { classOf, parseJson } from './errors.ts';
import { ExecInput } from './exec-input.ts';
import { browserSocket, refusedCodes, systemTimers, type LiveSocket, type Timers } from './live-ports.ts';
import { LiveRows } from './live-rows.ts';
import {
  followExec,
  followLogs,
  followView,
  type ExecHandlers,
  type ExecOptions,
  type Followed,
  type LogHandlers,
  type LogOptions,
  type ViewHandlers,
  type ViewOptions,
} from './live-subscriptions.ts';

export type LiveViewRows = Omit<ViewRows, 'audit'> & {
  readonly usage: UsageRow;
  readonly work: WorkRow;
  readonly following: FollowingRow;
  readonly 'pool-figures': PoolFiguresRow;
  readonly 'replica-lag': ReplicaLagRow;
};
export type LiveView = keyof LiveViewRows;

export interface LiveStatus {
  readonly state: 'connecting' | 'open' | 'stale' | 'closed';
  /** When this state began, by the local clock. */
  readonly since: number;
  /** Of the last bookmark: how far the lab is, and its time in milliseconds since 1970. */
  readonly index?: number;
  readonly time?: number;
  /** Connections that failed since the last one that worked. */
  readonly failures: number;
  /** Why it is closed. */
  readonly problem?: Problem;
}

export interface LiveOptions {
  /** `wss://atlas.lab:7400/api/v1/live`; `liveUrl(baseUrl)` makes it. */
  readonly url: string;
  readonly connect?: (url: string) => LiveSocket;
  readonly timers?: Timers;
}

export interface LiveExec {
  /**
   * Input of the command; what comes before it runs waits for it.
   * @returns false when more waits than the command takes: whoever copies a large file goes on with the handler `room`
   */
  write(data: Uint8Array): boolean;
  endInput(): void;
  resize(columns: number, rows: number): void;
  close(): void;
}

/** Rows that follow a view, until `close`. */
export interface FollowedRows<R> {
  readonly rows: LiveRows<R>;
  close(): void;
}

export interface LiveClient {
  /** The same object until something changes. */
  status(): LiveStatus;
  /** @returns the way out */
  onStatus(listener: (status: LiveStatus) => void): () => void;
  /** @returns the way out */
  view<V extends LiveView>(view: V, options: ViewOptions, handlers: ViewHandlers<LiveViewRows[V]>): () => void;
  /** `view` into a store that mirrors the server's rows. */
  rows<V extends LiveView>(
    view: V,
    options?: ViewOptions,
    onEnd?: (problem: Problem | undefined) => void,
  ): FollowedRows<LiveViewRows[V]>;
  /** @returns the way out */
  logs(options: LogOptions, handlers: LogHandlers): () => void;
  exec(options: ExecOptions, handlers: ExecHandlers): LiveExec;
  /**
   * Tries now instead of after the pause: the network is back, the page is looked at again. After a refusal too, for
   * whoever has reason to believe that it is over: views and logs go on where they stood.
   */
  retryNow(): void;
  /** Ends every subscription, with a problem when there is a reason to tell. */
  close(problem?: Problem): void;
}

const firstPauseMs = 250;
const longestPauseMs = 10_000;
const staleAfterMs = 5000;
const deadAfterMs = 10_000;
const connectWithinMs = 10_000;

interface Subscription {
  readonly followed: Followed;
  begun: boolean;
}

export function createLiveClient(options: LiveOptions): LiveClient {
  const connect = options.connect ?? ((url: string) => browserSocket(url));
  const timers = options.timers ?? systemTimers;
  const subscriptions = new Map<number, Subscription>();
  const listeners = new Set<(status: LiveStatus) => void>();
  let status: LiveStatus = { state: 'connecting', since: timers.now(), failures: 0 };
  let socket: LiveSocket | undefined;
  let isOpen = false;
  let lastSub = 0;
  /** What a refusal has ended and could go on; undefined when nobody was refused. */
  let refused: Map<number, Subscription> | undefined;
  const cancel: { retry?: () => void; silence?: () => void } = {};
  /** Ways to cancel asking again, by subscription. */
  const again = new Map<number, () => void>();

  function say(changes: Partial<LiveStatus>): void {
    const since = changes.state === undefined || changes.state === status.state ? status.since : timers.now();
    status = { ...status, ...changes, since };
    for (const listener of listeners) listener(status);
  }

  function send(message: ToServer): void {
    if (isOpen) socket?.send(JSON.stringify(message));
  }

  function begin(sub: number, subscription: Subscription): void {
    const message = subscription.followed.begin(sub);
    if (!message) return;
    subscription.begun = true;
    send(message);
    subscription.followed.hasBegun?.(sub);
  }

  function open(): void {
    cancel.retry?.();
    if (status.state !== 'connecting') say({ state: 'connecting' });
    let made: LiveSocket;
    try {
      made = connect(options.url);
    } catch {
      return retryLater();
    }
    socket = made;
    watchSilence();
    made.onopen = () => {
      if (socket !== made) return;
      isOpen = true;
      say({ state: 'open' });
      watchSilence();
      for (const [sub, subscription] of subscriptions) begin(sub, subscription);
    };
    made.onmessage = ({ data }) => {
      if (socket === made) receive(data);
    };
    made.onerror = () => undefined; // `close` follows, and says what there is to say.
    made.onclose = ({ code, reason }) => {
      if (socket === made) lost(code, reason);
    };
  }

  /** The socket is left behind: whatever it still says is not heard. */
  function drop(): void {
    const old = socket;
    socket = undefined;
    isOpen = false;
    cancel.silence?.();
    for (const stop of again.values()) stop();
    again.clear();
    old?.close();
  }

  function lost(code: number, reason: string): void {
    drop();
    if (refusedCodes.has(code)) {
      const detail = reason === '' ? 'The lab does not accept this session.' : reason;
      refused = new Map([...subscriptions].filter(([, { followed }]) => followed.resumes));
      for (const { followed } of refused.values()) followed.lost();
      return shut(problemOf(code === 4403 ? 'FORBIDDEN' : 'NOT_SIGNED_IN', detail, { hint: 'Sign in again.' }));
    }
    for (const [sub, { followed, begun }] of subscriptions) if (begun && followed.lost()) subscriptions.delete(sub);
    for (const subscription of subscriptions.values()) subscription.begun = false;
    retryLater();
  }

  function retryLater(): void {
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(status.failures, 10));
    say({ state: 'connecting', failures: status.failures + 1 });
    cancel.retry = timers.after(pauseMs * (0.5 + timers.random() / 2), open);
  }

  function watchSilence(): void {
    cancel.silence?.();
    const dead = (): void => lost(1006, '');
    if (!isOpen) cancel.silence = timers.after(connectWithinMs, dead);
    else {
      cancel.silence = timers.after(staleAfterMs, () => {
        say({ state: 'stale' });
        cancel.silence = timers.after(deadAfterMs - staleAfterMs, dead);
      });
    }
  }

  function receive(data: unknown): void {
    const frame = typeof data === 'string' ? (parseJson(data) as ToClient | undefined) : undefined;
    if (typeof frame !== 'object' || frame === null) return lost(1002, '');
    watchSilence();
    if (frame.t === 'at') {
      return say({ state: frame.stale ? 'stale' : 'open', index: frame.index, time: frame.time, failures: 0 });
    }
    const subscription = subscriptions.get(frame.sub);
    if (subscription) hand(frame.sub, subscription, frame);
    if (frame.t === 'snap' || frame.t === 'rows') send({ t: 'ack', index: frame.index });
  }

  function hand(sub: number, subscription: Subscription, frame: Extract<ToClient, { sub: number }>): void {
    if (frame.t === 'end' && frame.problem && isPassing(frame.problem) && subscription.followed.waits) {
      subscription.begun = false;
      subscription.followed.lost();
      const stop = timers.after((frame.problem.retryAfter ?? 2) * 1000, () => {
        again.delete(sub);
        if (isOpen && subscriptions.has(sub)) begin(sub, subscription);
      });
      again.set(sub, stop);
      return;
    }
    // Gone first: a handler that ends may begin something new.
    if (frame.t === 'end' || frame.t === 'exit') subscriptions.delete(sub);
    subscription.followed.take(frame);
  }

  function follow(followed: Followed): number {
    const sub = ++lastSub;
    if (status.state === 'closed') {
      if (followed.resumes) refused?.set(sub, { followed, begun: false });
      followed.end(status.problem ?? problemOf('STOPPING', 'The connection is closed.'));
      return sub;
    }
    const subscription = { followed, begun: false };
    subscriptions.set(sub, subscription);
    if (isOpen) begin(sub, subscription);
    return sub;
  }

  function unfollow(sub: number): void {
    if (subscriptions.get(sub)?.begun) send({ t: 'close', sub });
    subscriptions.delete(sub);
    refused?.delete(sub);
  }

  /** The person is let in again. */
  function revive(ended: ReadonlyMap<number, Subscription>): void {
    refused = undefined;
    for (const [sub, { followed }] of ended) subscriptions.set(sub, { followed, begun: false });
    const { problem: _, ...rest } = status;
    status = rest;
    open();
  }

  function shut(problem?: Problem): void {
    cancel.retry?.();
    drop();
    say(problem ? { state: 'closed', problem } : { state: 'closed' });
    const ended = [...subscriptions.values()];
    subscriptions.clear();
    for (const { followed } of ended) followed.end(problem);
  }

  const client: LiveClient = {
    status: () => status,
    onStatus(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    view(view, viewOptions, handlers) {
      const sub = follow(followView(view, viewOptions, handlers as ViewHandlers<unknown>));
      return () => unfollow(sub);
    },
    rows(view, viewOptions = {}, onEnd = () => undefined) {
      const rows = new LiveRows<LiveViewRows[typeof view]>();
      const close = client.view(view, viewOptions, {
        snapshot: (all, index) => rows.replace(all, index),
        change: (put, del, index) => rows.change(put, del, index),
        end: onEnd,
      });
      return { rows, close };
    },
    logs(logOptions, handlers) {
      const sub = follow(followLogs(logOptions, handlers));
      return () => unfollow(sub);
    },
    exec(execOptions, handlers) {
      let wanted = execOptions;
      // What is said after the command has ended is not sent any more.
      const tell = (message: ToServer): void => {
        if ('sub' in message && subscriptions.get(message.sub)?.begun) send(message);
      };
      const input = new ExecInput(tell, () => handlers.room?.());
      const sub = follow(followExec(() => wanted, handlers, input));
      return {
        write: (data) => input.write(data),
        endInput: () => input.end(),
        resize(columns, rows) {
          wanted = { ...wanted, columns, rows };
          tell({ t: 'resize', sub, columns, rows });
        },
        close: () => unfollow(sub),
      };
    },
    retryNow() {
      if (refused) revive(refused);
      else if (status.state === 'connecting' && !socket) open();
    },
    close(problem) {
      refused = undefined;
      if (status.state !== 'closed') shut(problem);
    },
  };
  open();
  return client;
}

/** The lab is there but cannot serve now: a view waits and asks again. */
const isPassing = (problem: Problem): boolean => classOf(problem) === 'unavailable';
