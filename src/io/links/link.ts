/**
 * One link between two nodes, after its handshake: frames both ways, in order, each whole or not at all.
 *
 *   send ─▶ outbox (bounded) ─▶ socket ─ TLS ─▶ socket ─▶ onFrame
 *
 * A full outbox refuses the next frame instead of growing; whoever sends waits for `drained`. A reader that pauses
 * fills the other end's outbox, and no memory. Where nothing is heard a ping asks; where nothing answers either, the
 * link is dead, however well the operating system thinks of it.
 *
 * A link never re-connects: what was under way when it ended may have arrived or not.
 */
import type { Buffer } from 'node:buffer';
import { WebSocket, type RawData } from 'ws';
import type { Clock, Timer } from '../devices/clock/port.ts';
import { linkCode, LinkError, type LinkCode, type LinkEnd } from './errors.ts';
import type { Peer } from './identity.ts';
import { boundsOf, type Purpose } from './purpose.ts';

export interface Link {
  readonly peer: Peer;
  readonly purpose: Purpose;
  /** Without port. */
  readonly remoteAddress: string;
  /**
   * Queues a frame, which must not be changed afterwards. False: the outbox is full, or the link has ended; the frame
   * was not taken. @throws LinkError TOO_LARGE for a frame that no link of this purpose takes
   */
  send(frame: Uint8Array): boolean;
  /** Taken, and not yet with the kernel; never above the bound of the purpose. */
  readonly bufferedBytes: number;
  /** Resolves when less than half of the outbox is taken, or the link has ended. */
  drained(): Promise<void>;
  /**
   * Who takes the frames; to be called once, at once. Until then the socket is not read. A frame is a view of a buffer
   * that it may share with others: copy what you keep for long. If it throws, the link ends.
   */
  receive(onFrame: (frame: Buffer) => void): void;
  /**
   * Stops reading, for moments only: pings are not answered meanwhile, and after 15 s the other end takes this one for
   * dead. What was read already may still arrive.
   */
  pause(): void;
  resume(): void;
  readonly isOpen: boolean;
  /** Resolves when it has ended; never rejects. */
  readonly closed: Promise<LinkEnd>;
  /** Sends what is queued, says why, and ends. The other end gets the code. */
  close(code?: LinkCode, explain?: string): void;
}

/** Ticks without any sign of life before it is dead. Counted, not measured: a process that was stopped is late itself. */
const ticksToDeath = 3;
/** A code of ours is in the reason. */
const ownCloseCode = 4000;

/** For both ends of a socket that becomes a link. */
export const socketOptions = (purpose: Purpose) => ({
  maxPayload: boundsOf[purpose].frameBytes,
  perMessageDeflate: false,
  // How long a goodbye may take.
  closeTimeout: 5000,
});

export class SocketLink implements Link {
  readonly peer: Peer;
  readonly purpose: Purpose;
  readonly remoteAddress: string;
  readonly closed: Promise<LinkEnd>;
  readonly #ws: WebSocket;
  readonly #clock: Clock;
  readonly #frameBytes: number;
  readonly #outboxBytes: number;
  readonly #lookMs: number;
  #onFrame: ((frame: Buffer) => void) | undefined;
  /** What was read with the handshake, before somebody took it. */
  #early: Buffer[] = [];
  #waiting: (() => void)[] = [];
  #silentTicks = 0;
  #isPaused = true;
  #timer: Timer;
  #end: LinkEnd | undefined;
  #resolveClosed: (end: LinkEnd) => void = () => undefined;
  readonly #signs = new Set<() => void>();

  /** Takes a socket that is open, and all its listeners. */
  constructor(options: {
    readonly ws: WebSocket;
    readonly peer: Peer;
    readonly purpose: Purpose;
    readonly remoteAddress: string;
    readonly clock: Clock;
  }) {
    const { ws, purpose } = options;
    this.peer = options.peer;
    this.purpose = purpose;
    this.remoteAddress = options.remoteAddress;
    this.#ws = ws;
    this.#clock = options.clock;
    ({ frameBytes: this.#frameBytes, outboxBytes: this.#outboxBytes, lookMs: this.#lookMs } = boundsOf[purpose]);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#timer = this.#clock.setTimeout(this.#tick, this.#lookMs);
    ws.removeAllListeners();
    ws.on('message', (data, isBinary) => this.#hear(data, isBinary));
    ws.on('ping', this.#isAlive);
    ws.on('pong', this.#isAlive);
    ws.on('error', (error) => this.#fail(error));
    ws.on('close', (code, reason) => this.#ended(code, reason.toString('utf8')));
    ws.pause();
    if (ws.readyState === WebSocket.CLOSED) this.#ended(1006, '');
  }

  get isOpen(): boolean {
    return this.#end === undefined && this.#ws.readyState === WebSocket.OPEN;
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  send(frame: Uint8Array): boolean {
    if (frame.length > this.#frameBytes) throw tooLarge(frame.length, this.#frameBytes, this.purpose);
    if (!this.isOpen || this.#ws.bufferedAmount + frame.length + overheadBytes > this.#outboxBytes) return false;
    this.#ws.send(frame, this.#sent);
    return true;
  }

  drained(): Promise<void> {
    if (this.#isDrained()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  receive(onFrame: (frame: Buffer) => void): void {
    this.#onFrame = onFrame;
    const early = this.#early;
    this.#early = [];
    for (const frame of early) this.#deliver(frame);
    this.resume();
  }

  pause(): void {
    this.#isPaused = true;
    this.#ws.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#silentTicks = 0;
    this.#ws.resume();
  }

  close(code: LinkCode = 'CLOSED', explain = 'closed'): void {
    if (this.#end) return;
    this.#end = { code, explain };
    this.#ws.close(ownCloseCode, code);
    this.#clock.clearTimeout(this.#timer);
    // The answer to the goodbye must be read.
    this.#ws.resume();
    this.#wake();
  }

  /** Ends it without a goodbye: whoever is there does not listen. */
  cut(code: LinkCode, explain: string): void {
    this.#end ??= { code, explain };
    this.#ws.terminate();
  }

  /** Whether the other end answers, asked just now. False for one that is paused here: its answer would not be read. */
  answers(withinMs: number): Promise<boolean> {
    if (!this.isOpen || this.#isPaused) return Promise.resolve(false);
    return new Promise((resolve) => {
      const done = (is: boolean) => {
        this.#clock.clearTimeout(timer);
        this.#signs.delete(heard);
        resolve(is);
      };
      const heard = () => done(true);
      const timer = this.#clock.setTimeout(() => done(false), withinMs);
      this.#signs.add(heard);
      void this.closed.then(() => done(false));
      this.#ws.ping();
    });
  }

  #hear(data: RawData, isBinary: boolean): void {
    this.#isAlive();
    if (this.#end) return;
    if (!isBinary) return this.close('BAD_FRAME', 'the other end sent text; frames are binary');
    // One buffer each, as `binaryType` is left as it is.
    const frame = data as Buffer;
    if (this.#onFrame) this.#deliver(frame);
    else this.#early.push(frame);
  }

  #deliver(frame: Buffer): void {
    if (this.#end) return;
    try {
      this.#onFrame?.(frame);
    } catch (error) {
      this.close('FAILED', `a frame could not be handled: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  readonly #isAlive = (): void => {
    this.#silentTicks = 0;
    for (const sign of this.#signs) sign();
  };

  readonly #sent = (): void => {
    if (this.#waiting.length > 0 && this.#isDrained()) this.#wake();
  };

  #isDrained(): boolean {
    return !this.isOpen || this.#ws.bufferedAmount < this.#outboxBytes / 2;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  readonly #tick = (): void => {
    this.#timer = this.#clock.setTimeout(this.#tick, this.#lookMs);
    if (this.#isPaused) return;
    if (this.#silentTicks >= ticksToDeath) {
      return this.cut('DEAD', `nothing was heard for ${(this.#lookMs * ticksToDeath) / 1000} s`);
    }
    if (this.#silentTicks > 0) this.#ws.ping();
    this.#silentTicks += 1;
  };

  #fail(error: Error & { readonly code?: string }): void {
    if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
      this.#end ??= { code: 'TOO_LARGE', explain: `a frame has more than ${this.#frameBytes} bytes` };
    } else if (error.code?.startsWith('WS_ERR_')) {
      this.#end ??= { code: 'BAD_FRAME', explain: `the other end does not speak WebSocket: ${error.message}` };
    } else {
      this.#end ??= { code: 'LOST', explain: `the connection broke: ${error.message}` };
    }
  }

  #ended(code: number, reason: string): void {
    this.#clock.clearTimeout(this.#timer);
    this.#end ??= endOf(code, reason);
    this.#early = [];
    this.#resolveClosed(this.#end);
    this.#wake();
  }
}

/** Of a frame of WebSocket, masked. */
const overheadBytes = 14;

function endOf(code: number, reason: string): LinkEnd {
  if (code === ownCloseCode) return { code: linkCode(reason), explain: `the other end closed it: ${reason}` };
  if (code === 1009) return { code: 'TOO_LARGE', explain: 'a frame was too large for the other end' };
  if (code === 1002 || code === 1007 || code === 1008)
    return { code: 'BAD_FRAME', explain: 'the other end could not read a frame' };
  if (code === 1006) return { code: 'LOST', explain: 'the connection ended without a goodbye' };
  return { code: 'CLOSED', explain: 'the other end closed it' };
}

const tooLarge = (bytes: number, most: number, purpose: Purpose): LinkError =>
  new LinkError({
    code: 'TOO_LARGE',
    explain: `a frame of ${bytes} bytes is too large for a link of the purpose ${purpose}, which takes ${most}`,
    hint: 'Cut it into pieces, or send it through a stream.',
  });
