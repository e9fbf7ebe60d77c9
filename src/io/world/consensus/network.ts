/**
 * The network between simulated members. It may lose, delay, reorder and repeat; links may be cut in one direction or
 * both, or clogged: then what was sent arrives in a burst when they are free again.
 */
import type { Message } from '#events/raft/message.ts';
import type { PeerId } from '#events/raft/entry.ts';
import type { SeededRandom } from '../../devices/random/sim.ts';
import type { Agenda } from './agenda.ts';

/** What travels beside a snapshot's message. */
export type Cargo = object | undefined;

export interface NetworkOptions {
  readonly agenda: Agenda;
  readonly random: SeededRandom;
  readonly deliver: (message: Message, cargo: Cargo) => void;
  /** A message with cargo was lost on its way. */
  readonly lost: (message: Message) => void;
}

export interface Weather {
  /** Chance of each message to be lost, */
  loss: number;
  /** and to arrive twice. */
  replay: number;
  /** Least and most time on the way, milliseconds. A wide range reorders. */
  delayMs: readonly [least: number, most: number];
}

export class Network {
  readonly weather: Weather = { loss: 0, replay: 0, delayMs: [1, 3] };
  readonly #options: NetworkOptions;
  /** `from>to`, of machines, not of members: who comes back under another name is behind the same cable. */
  readonly #cut = new Set<string>();
  readonly #clogged = new Map<string, (() => void)[]>();

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  send(message: Message, cargo: Cargo): void {
    const { random, lost } = this.#options;
    const link = linkOf(message.from, message.to);
    if (this.#cut.has(link) || random.chance(this.weather.loss)) {
      if (cargo) lost(message);
      return;
    }
    const waiting = this.#clogged.get(link);
    if (waiting) waiting.push(() => this.#carry(message, cargo));
    else this.#carry(message, cargo);
    // The second may come much later: from a queue that somebody forgot.
    if (random.chance(this.weather.replay)) this.#carry(message, cargo, random.next() * 3000);
  }

  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  clog(from: string, to: string): void {
    const link = `${from}>${to}`;
    if (!this.#clogged.has(link)) this.#clogged.set(link, []);
  }

  /** Nothing is cut or clogged any more. */
  heal(): void {
    this.#cut.clear();
    const clogged = [...this.#clogged.values()];
    this.#clogged.clear();
    for (const waiting of clogged) for (const carry of waiting) carry();
  }

  #carry(message: Message, cargo: Cargo, extraMs = 0): void {
    const { agenda, random, deliver } = this.#options;
    const [least, most] = this.weather.delayMs;
    agenda.in(extraMs + least + random.next() * (most - least), () => deliver(message, cargo));
  }
}

/** A member is `machine@incarnation`. */
export const machineOf = (peer: PeerId): string => peer.slice(0, peer.indexOf('@'));

const linkOf = (from: PeerId, to: PeerId): string => `${machineOf(from)}>${machineOf(to)}`;
