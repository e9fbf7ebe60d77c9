/**
 * A flow of chunks each way over a `stream` link of its own. Whoever sends spends credit, and the other end gives it
 * back as its reader takes the chunks: so no more than one window is ever under way or waiting, at either end, and the
 * socket itself is never stopped (pings go on however slow a reader is).
 *
 *   write ─ credit? ─▶ outbox ─▶ … ─▶ inbox ─▶ read() ─┐
 *              ▲                                        │
 *              └──────────────── credit ◀───────────────┘
 *
 * Each direction ends by itself with the number of its bytes and their CRC-32, which the other end compares. The one that
 * opened the stream closes it once it has heard the end: so nothing is cut off that is still under way to it. TLS proves
 * each byte on its way already; what is left are mistakes of ours at both ends, for which a hash of all bytes would cost
 * more than everything else that is done to them.
 *
 *   chunk   1 │ bytes            end    3 │ bytes, u48 │ CRC-32
 *   credit  2 │ amount, u32      error  4 │ JSON {code, message, hint?}      accepted  5 │ what streams.ts says
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { parseTrouble, troubleOf, type Trouble } from './call-frames.ts';
import type { LinkEnd } from './errors.ts';
import type { Peer } from './identity.ts';
import type { Link } from './link.ts';
import type { TokenBucket } from './token-bucket.ts';

export class StreamError extends Error {
  /**
   * Of the source, or: LINK_LOST (the rest did not come), DAMAGED (not what was sent), CHANGED (the source is not the
   * one that it was), UNKNOWN_STREAM, CLOSED, ABORTED, or why no link could be made.
   */
  readonly code: string;
  readonly hint: string | undefined;

  constructor({ code, message, hint }: Trouble, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StreamError';
    this.code = code;
    this.hint = hint;
  }
}

/** Of one chunk. */
export const maxChunkBytes = 64 * 1024;
/** What a chunk costs beside its bytes: small ones have a price, too. */
const chunkCost = 128;
const costOf = (bytes: number): number => bytes + chunkCost;
/** Cost of all chunks under way. With the frames around them it stays below what an outbox takes. */
export const windowCost = 896 * 1024;
/** What the reader has taken is told in steps. */
const creditStep = windowCost / 4;

export const kinds = { chunk: 1, credit: 2, end: 3, error: 4, accepted: 5 } as const;
const sumBytes = 4;
const countBytes = 6;

interface Inbox {
  readonly chunks: Buffer[];
  /** Called when something has come, or will not come any more. */
  wake: () => void;
  hasEnded: boolean;
  isBeingRead: boolean;
}

export class Channel {
  readonly #link: Link;
  readonly #inLimit: TokenBucket | undefined;
  readonly #inbox: Inbox = { chunks: [], wake: () => undefined, hasEnded: false, isBeingRead: false };
  readonly #sent = { sum: 0, bytes: 0 };
  readonly #heard = { sum: 0, bytes: 0 };
  #credit = windowCost;
  /** Cost of what came and was not given back yet: never above one window, if the other end is honest. */
  #owed = 0;
  /** Of it what the reader has taken. */
  #taken = 0;
  #wakeWriters: (() => void)[] = [];
  #hasEnded = false;
  #problem: StreamError | undefined;
  #first: ((frame: Buffer) => void) | undefined;
  readonly #isOurs: boolean;

  constructor(options: {
    readonly link: Link;
    /** This end has opened it. */
    readonly isOurs: boolean;
    readonly inLimit?: TokenBucket | undefined;
    /** Takes the first frame, which is not part of the flow. */
    first(frame: Buffer): void;
  }) {
    this.#link = options.link;
    this.#isOurs = options.isOurs;
    this.#inLimit = options.inLimit;
    this.#first = (frame) => options.first(frame);
    void this.#link.closed.then((end) => this.#linkEnded(end));
    this.#link.receive((frame) => this.#hear(frame));
  }

  get peer(): Peer {
    return this.#link.peer;
  }

  get bufferedBytes(): number {
    return this.#link.bufferedBytes;
  }

  /** Resolves when both directions have ended or the link has; never rejects. */
  get closed(): Promise<void> {
    return this.#link.closed.then(() => undefined);
  }

  /**
   * Resolves when the chunk is on its way, which waits for the reader at the other end. An abort leaves it unsent.
   * @param chunk up to 64 KiB; must not be changed afterwards
   * @throws StreamError
   */
  async write(chunk: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (chunk.length > maxChunkBytes) throw problem('TOO_LARGE', `a chunk of ${chunk.length} bytes is too large`);
    const cost = costOf(chunk.length);
    while (this.#isWritable() && this.#credit < cost) await this.#creditComes(signal);
    if (signal?.aborted) throw problem('ABORTED', 'the transfer is not wanted any more');
    if (!this.#isWritable()) throw this.#problem ?? problem('CLOSED', 'the stream has ended');
    this.#credit -= cost;
    this.#sent.sum = crc32(chunk, this.#sent.sum);
    this.#sent.bytes += chunk.length;
    await this.post(frameOf(kinds.chunk, chunk));
  }

  /** No more will be written; reading goes on. */
  async end(): Promise<void> {
    if (!this.#isWritable()) return;
    this.#hasEnded = true;
    const frame = Buffer.allocUnsafe(1 + countBytes + sumBytes);
    frame[0] = kinds.end;
    frame.writeUIntBE(this.#sent.bytes, 1, countBytes);
    frame.writeUInt32BE(this.#sent.sum, 1 + countBytes);
    await this.post(frame);
  }

  /** Tells the other end why there is no more, and ends everything. */
  async fail(error: unknown): Promise<void> {
    if (this.#problem) return;
    const trouble = troubleOf(error);
    this.#stopWith(new StreamError(trouble, error));
    await this.post(frameOf(kinds.error, Buffer.from(JSON.stringify(trouble))));
    this.#link.close();
  }

  /** Ends both directions at once. */
  close(): void {
    this.#broke(problem('CLOSED', 'the stream was closed here'));
  }

  /** The chunks of the other end, once. Leaving the loop early ends the whole stream. @throws StreamError */
  async *read(): AsyncGenerator<Buffer, void, undefined> {
    const inbox = this.#inbox;
    if (inbox.isBeingRead) throw new Error('a stream is read once');
    inbox.isBeingRead = true;
    let isComplete = false;
    try {
      for (;;) {
        const chunk = inbox.chunks.shift();
        if (chunk) {
          yield chunk;
          await this.#inLimit?.take(chunk.length);
          this.#giveBack(costOf(chunk.length));
        } else if (inbox.hasEnded) {
          isComplete = true;
          return;
        } else if (this.#problem) {
          throw this.#problem;
        } else {
          await new Promise<void>((resolve) => {
            inbox.wake = resolve;
          });
        }
      }
    } finally {
      if (!isComplete) this.close();
    }
  }

  /** A frame that is not part of the flow: what opens a stream. Resolves when it was taken, or the link has ended. */
  async post(frame: Uint8Array): Promise<void> {
    while (!this.#link.send(frame)) {
      if (!this.#link.isOpen) return;
      await this.#link.drained();
    }
  }

  #hear(frame: Buffer): void {
    const first = this.#first;
    if (first) {
      this.#first = undefined;
      return first(frame);
    }
    const rest = frame.subarray(1);
    switch (frame[0]) {
      case kinds.chunk:
        return this.#takeIn(rest);
      case kinds.credit:
        if (rest.length !== 4) return this.#offended('a credit without an amount');
        this.#credit = Math.min(windowCost, this.#credit + rest.readUInt32BE());
        return this.#wakeAll();
      case kinds.end:
        return this.#theirsEnded(rest);
      case kinds.error: {
        const trouble = parseTrouble(rest);
        return trouble ? this.#broke(new StreamError(trouble)) : this.#offended('an error that cannot be read');
      }
      default:
        return this.#offended('a frame that no stream knows');
    }
  }

  #takeIn(chunk: Buffer): void {
    this.#owed += costOf(chunk.length);
    if (this.#inbox.hasEnded) return this.#offended('a chunk after the end');
    if (this.#owed > windowCost) return this.#offended('more than it had credit for');
    this.#heard.sum = crc32(chunk, this.#heard.sum);
    this.#heard.bytes += chunk.length;
    // A small view would hold the whole buffer that it came in.
    this.#inbox.chunks.push(2 * chunk.length < chunk.buffer.byteLength ? Buffer.from(chunk) : chunk);
    this.#inbox.wake();
  }

  #theirsEnded(rest: Buffer): void {
    if (rest.length !== countBytes + sumBytes || this.#inbox.hasEnded) return this.#offended('an end that is none');
    const isWhole =
      rest.readUIntBE(0, countBytes) === this.#heard.bytes && rest.readUInt32BE(countBytes) === this.#heard.sum;
    if (!isWhole) return this.#broke(problem('DAMAGED', 'what arrived is not what was sent', 'Transfer it again.'));
    this.#inbox.hasEnded = true;
    this.#inbox.wake();
    if (this.#isOurs) this.#link.close();
  }

  #giveBack(cost: number): void {
    this.#taken += cost;
    if (this.#taken < creditStep || this.#inbox.hasEnded) return;
    const frame = Buffer.allocUnsafe(5);
    frame[0] = kinds.credit;
    frame.writeUInt32BE(this.#taken, 1);
    this.#owed -= this.#taken;
    this.#taken = 0;
    void this.post(frame);
  }

  #creditComes(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      signal?.addEventListener('abort', done, { once: true });
      this.#wakeWriters.push(done);
    });
  }

  #isWritable(): boolean {
    return !this.#hasEnded && this.#problem === undefined && this.#link.isOpen;
  }

  #linkEnded({ explain }: LinkEnd): void {
    this.#broke(
      problem('LINK_LOST', `the link to node ${this.peer.node} ended before the stream did: ${explain}`, 'Try again.'),
    );
  }

  #offended(explain: string): void {
    this.#link.close('BAD_FRAME', explain);
    this.#broke(problem('DAMAGED', `node ${this.peer.node} broke the protocol of streams: ${explain}`));
  }

  #broke(why: StreamError): void {
    this.#stopWith(why);
    this.#link.close();
  }

  #stopWith(why: StreamError): void {
    this.#problem ??= why;
    this.#inbox.wake();
    this.#wakeAll();
  }

  #wakeAll(): void {
    const wake = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const go of wake) go();
  }
}

export const problem = (code: string, message: string, hint?: string): StreamError =>
  new StreamError({ code, message, ...(hint !== undefined && { hint }) });

export function frameOf(kind: number, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(1 + bytes.length);
  frame[0] = kind;
  frame.set(bytes, 1);
  return frame;
}
