/**
 * The sending side of one connection, and its two limits: rows that the client has not acknowledged yet, and bytes that
 * the network has not taken yet. Whoever has rows to tell asks `hasCredit` first; whoever streams bytes waits for `room`.
 */
export interface LiveSocket {
  readonly bufferedAmount: number;
  /** @param done called when the network has taken it, or never will */
  send(text: string, done: () => void): void;
  ping(): void;
  close(code: number, reason: string): void;
}

export interface OutletLimits {
  /** Frames of rows on their way to the client. */
  readonly unacknowledged: number;
  readonly bufferedBytes: number;
}

export class Outlet {
  readonly #socket: LiveSocket;
  readonly #limits: OutletLimits;
  readonly #onRoom: () => void;
  /** Indices of frames of rows that were sent and not acknowledged, oldest first. */
  readonly #sent: number[] = [];
  #waiting: (() => void)[] = [];
  #isClosed = false;

  /** @param onRoom called when bytes have left after there was no room */
  constructor(socket: LiveSocket, onRoom: () => void, limits: OutletLimits) {
    this.#socket = socket;
    this.#onRoom = onRoom;
    this.#limits = limits;
  }

  get hasRoom(): boolean {
    return !this.#isClosed && this.#socket.bufferedAmount < this.#limits.bufferedBytes;
  }

  get hasCredit(): boolean {
    return this.hasRoom && this.#sent.length < this.#limits.unacknowledged;
  }

  send(text: string): void {
    if (this.#isClosed) return;
    this.#socket.send(text, () => this.#left());
  }

  /** A frame that the client acknowledges by this index. */
  sendRows(text: string, index: number): void {
    this.#sent.push(index);
    this.send(text);
  }

  /**
   * Acknowledgements come in the order of the frames, one for each. A client that leaves some out acknowledges, with a
   * later index, also those before it.
   */
  ack(index: number): void {
    const at = this.#sent.indexOf(index);
    if (at >= 0) {
      this.#sent.splice(0, at + 1);
      return;
    }
    while (this.#sent[0] !== undefined && this.#sent[0] <= index) this.#sent.shift();
  }

  /** Resolves when bytes may be sent, or when nothing can be sent any more. */
  room(): Promise<void> {
    if (this.hasRoom || this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  #left(): void {
    if (this.#isClosed || !this.hasRoom) return;
    this.#wake();
    this.#onRoom();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
