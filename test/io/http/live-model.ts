/**
 * A client of the live protocol that keeps its rows as the protocol says, and complains about every frame that a client
 * may rely on not to get: a row that it has already, an index that goes back, rows that are not those of their index.
 */
import { pino } from 'pino';
import { expect } from 'vitest';
import type { ToClient } from '#io/contract/live.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { Connection, liveLimits, type LiveLimits } from '#io/http/live/connection.ts';
import { RowJson } from '#io/http/live/frames.ts';
import { Hubs } from '#io/http/live/hub.ts';
import type { LiveSocket } from '#io/http/live/outlet.ts';
import type { Parts } from '#io/http/parts.ts';
import { FakeContainers, type FakeLab } from './fake-lab.ts';

export interface VersionedRow {
  readonly version: number;
}

/** A network that takes frames when the test says so. */
export class FakeSocket implements LiveSocket {
  readonly #onWay: { readonly text: string; readonly done: () => void }[] = [];
  closedWith: number | undefined;
  pings = 0;
  /** Everything that arrived. */
  readonly arrived: ToClient[] = [];

  get bufferedAmount(): number {
    return this.#onWay.reduce((sum, { text }) => sum + text.length, 0);
  }
  send(text: string, done: () => void): void {
    expect(this.closedWith, 'sent on a closed socket').toBeUndefined();
    this.#onWay.push({ text, done });
  }
  ping(): void {
    this.pings++;
  }
  close(code: number): void {
    this.closedWith = code;
  }

  /** Lets some frames arrive. */
  deliver(count: number): ToClient[] {
    const taken = this.#onWay.splice(0, count);
    const frames = taken.map(({ text }) => JSON.parse(text) as ToClient);
    this.arrived.push(...frames);
    for (const { done } of taken) done();
    return frames;
  }
}

export const json = new RowJson();

/** What connections need, without a server around it. */
export const partsOf = (lab: FakeLab, ringRows = 2000): Parts =>
  ({
    lab,
    hubs: new Hubs(lab, ringRows),
    containers: new FakeContainers(),
    clock: realClock,
    random: realRandom,
    log: pino({ level: 'silent' }),
  }) as unknown as Parts;

export const connect = (
  parts: Parts,
  limits: Partial<LiveLimits> = {},
): { connection: Connection; socket: FakeSocket } => {
  const socket = new FakeSocket();
  const session = {
    id: 's',
    name: 'admin',
    principal: 'user:admin',
    expiresAt: Number.MAX_SAFE_INTEGER,
    passwordVersion: 'v',
    signedBy: 'k',
    isPage: false,
  } as const;
  return { connection: new Connection({ parts, socket, session, json, limits: { ...liveLimits, ...limits } }), socket };
};

/** The rows of one subscription, as a client has them. */
export class Followed {
  rows = new Map<string, VersionedRow>();
  index: number | undefined;
  epoch: string | undefined;
  ended: ToClient | undefined;
  snaps = 0;
  #chunks: (readonly [string, unknown])[] = [];
  /** After a lost connection rows may come again that came in the part of a change that arrived before. */
  mayRepeat = false;
  readonly #truth: (index: number) => ReadonlyMap<string, unknown>;

  /** @param truth the rows that there should be at an index */
  constructor(truth: (index: number) => ReadonlyMap<string, unknown>) {
    this.#truth = truth;
  }

  take(frame: Extract<ToClient, { sub: number }>): void {
    expect(this.ended, 'a frame after the end').toBeUndefined();
    if (frame.t === 'snap') {
      this.#chunks.push(...frame.rows);
      if (frame.more) return expect(frame.rows.length).toBeGreaterThan(0);
      expect(frame.index).toBeGreaterThanOrEqual(this.index ?? 0);
      this.rows = new Map(this.#chunks as [string, VersionedRow][]);
      expect(this.rows.size, 'a key twice in a snapshot').toBe(this.#chunks.length);
      this.#chunks = [];
      this.snaps++;
      this.index = frame.index;
      this.epoch = frame.epoch;
      this.mayRepeat = false;
      this.#check(frame.index);
    } else if (frame.t === 'rows') {
      expect(this.#chunks, 'changes within a snapshot').toEqual([]);
      expect(this.index, 'changes before a snapshot').toBeDefined();
      for (const [key, row] of frame.put as [string, VersionedRow][]) {
        const known = this.rows.get(key);
        if (known && !this.mayRepeat) expect(row.version, 'a row that is known already').toBeGreaterThan(known.version);
        this.rows.set(key, row);
      }
      for (const key of frame.del) {
        const isKnown = this.rows.delete(key);
        if (!this.mayRepeat) expect(isKnown, 'forgets what it does not know').toBe(true);
      }
      expect(frame.index).toBeGreaterThanOrEqual(this.index ?? 0);
      if (frame.index > (this.index ?? 0)) {
        this.index = frame.index;
        this.mayRepeat = false;
        this.#check(frame.index);
      }
    } else if (frame.t === 'end') this.ended = frame;
  }

  lost(): void {
    this.#chunks = [];
    this.mayRepeat = true;
  }

  #check(index: number): void {
    expect(Object.fromEntries(this.rows)).toEqual(Object.fromEntries(this.#truth(index)));
  }
}

/** All callbacks of promises have run. */
export const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
