/**
 * How many connections there may be: of all together, and from one place. Each costs memory before anybody has said who
 * they are, so a machine that opens thousands is not let in, and the others still are.
 *
 * Connections from this machine itself are counted with all, and not by place: a proxy in front of the lab brings
 * everybody from there.
 */
import type { Socket } from 'node:net';
import { isLoopback } from './auth/hosts.ts';
import { placeOf } from './auth/limiter.ts';

export interface ConnectionLimits {
  /** Of one listening address. */
  readonly all: number;
  readonly fromOnePlace: number;
}

/** Live connections, of which there may be a thousand, have room in it. */
export const connectionLimits: ConnectionLimits = { all: 2000, fromOnePlace: 256 };

export class Connections {
  readonly #fromOnePlace: number;
  readonly #counts = new Map<string, number>();
  readonly #counted = new WeakSet<Socket>();

  constructor({ fromOnePlace }: ConnectionLimits) {
    this.#fromOnePlace = fromOnePlace;
  }

  /** For the `connection` event of a server: closes those that are too many. */
  take(socket: Socket): void {
    const { remoteAddress } = socket;
    // A connection that is handed to the server once more is still one.
    if (this.#counted.has(socket) || remoteAddress === undefined || isLoopback(remoteAddress)) return;
    this.#counted.add(socket);
    const place = placeOf(remoteAddress);
    const count = (this.#counts.get(place) ?? 0) + 1;
    if (count > this.#fromOnePlace) {
      socket.destroy();
      return;
    }
    this.#counts.set(place, count);
    socket.once('close', () => {
      const left = (this.#counts.get(place) ?? 1) - 1;
      if (left === 0) this.#counts.delete(place);
      else this.#counts.set(place, left);
    });
  }
}
