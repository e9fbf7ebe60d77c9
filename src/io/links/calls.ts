/**
 * Calls over one link of the purpose `requests` (or `renew`), in both directions at once: many are under way together,
 * answers come in any order, and whoever asked may lose interest, which the other end is told.
 *
 * A call has no time-out but its signal. When the link ends, calls under way reject with LINK_LOST: they may have been
 * carried out or not. Whoever breaks the protocol loses the link, and nothing else.
 */
import type { Buffer } from 'node:buffer';
import type { Logger } from 'pino';
import { onAbort } from '../log/abortable.ts';
import {
  isMethod,
  lengthBytes,
  packCall,
  packSeveral,
  parseCall,
  splitSeveral,
  troubleOf,
  type CallFrame,
  type Trouble,
} from './call-frames.ts';
import type { Peer } from './identity.ts';
import type { Link } from './link.ts';

/**
 * @param signal aborted when whoever asked does not want it any more, or is gone. A handler that does not name it gets
 * none, which makes many small calls cheaper.
 */
export type Handler = (body: Uint8Array, peer: Peer, signal: AbortSignal) => Promise<Uint8Array>;

/** What a node answers to; the same for all its links. */
export class Methods {
  readonly #handlers = new Map<string, Handler>();

  /** @param method for example `log/append`. What the handler throws with a `code` the other end gets, too. */
  handle(method: string, handler: Handler): void {
    if (!isMethod(method)) throw new Error(`"${method}" cannot name a method`);
    if (this.#handlers.has(method)) throw new Error(`the method ${method} is handled already`);
    this.#handlers.set(method, handler);
  }

  find(method: string): Handler | undefined {
    return this.#handlers.get(method);
  }
}

export class CallError extends Error {
  /**
   * Of the handler, or: NO_LINK, BUSY, TOO_LARGE, UNKNOWN_METHOD (it was not carried out); LINK_LOST, ABORTED (nobody
   * knows).
   */
  readonly code: string;
  readonly hint: string | undefined;

  constructor({ code, message, hint }: Trouble) {
    super(message);
    this.name = 'CallError';
    this.code = code;
    this.hint = hint;
  }
}

export interface CallsOptions {
  readonly link: Link;
  readonly methods: Methods;
  readonly log: Logger;
  /** Calls of the other end under way at once; 4,096 by default. */
  readonly maxConcurrent?: number;
  /** Of what is said at once, unless it is a single thing; 64 KiB by default. */
  readonly maxFrameBytes?: number;
}

/** For a handler that does not ask for its signal. */
const neverAborted = new AbortController().signal;

/** What is to be said, until the link has taken it. */
interface Outgoing {
  readonly bytes: Buffer;
  /** Asked when it would leave. */
  readonly isWanted: () => boolean;
  /** The link has it, or it is not wanted any more, or the link has ended. */
  readonly taken: () => void;
  /** It is too large for any frame. */
  readonly refused: (error: unknown) => void;
}

const always = (): boolean => true;
const nothing = (): void => undefined;

/** Bodies of calls of the other end that are being handled. */
const maxBodyBytes = 64 * 1024 * 1024;

export class Calls {
  readonly #link: Link;
  readonly #methods: Methods;
  readonly #log: Logger;
  readonly #maxConcurrent: number;
  readonly #maxFrameBytes: number;
  readonly #asked = new Map<number, Asked>();
  /** Under way here; with what gives one up, for methods that want to know. */
  readonly #handling = new Map<number, AbortController | undefined>();
  #bodyBytes = 0;
  #lastId = 0;
  #outgoing: Outgoing[] = [];
  /** It leaves at the end of this turn, or when the link has room. */
  #isLeaving = false;

  /** Takes the link over. */
  constructor({ link, methods, log, maxConcurrent = 4096, maxFrameBytes = 64 * 1024 }: CallsOptions) {
    this.#link = link;
    this.#methods = methods;
    this.#log = log;
    this.#maxConcurrent = maxConcurrent;
    this.#maxFrameBytes = maxFrameBytes;
    link.receive((frame) => this.#hear(frame));
    void link.closed.then(({ explain }) => this.#ended(explain));
  }

  get peer(): Peer {
    return this.#link.peer;
  }

  get isOpen(): boolean {
    return this.#link.isOpen;
  }

  /** Ends the link. */
  close(): void {
    this.#link.close('REPLACED', 'there is a newer link');
  }

  /** @throws CallError */
  async call(method: string, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { node } = this.#link.peer;
    if (signal.aborted) throw abortedCall(method, node);
    if (!this.#link.isOpen) {
      throw new CallError({ code: 'NO_LINK', message: `there is no link to node ${node}`, hint: 'Try again soon.' });
    }
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const forget = onAbort(signal, () => {
        // Whether it is still waiting here or long there: the cancel follows it.
        this.#post({ t: 'cancel', id });
        this.#asked.delete(id);
        forget();
        reject(abortedCall(method, node));
      });
      this.#asked.set(id, { resolve, reject: (trouble) => reject(new CallError(trouble)), forget });
      const isWanted = (): boolean => this.#asked.has(id);
      this.#post(
        { t: 'call', id, method, body },
        nothing,
        (error) => this.#take(id)?.reject(troubleOf(error)),
        isWanted,
      );
    });
  }

  #hear(bytes: Buffer): void {
    const frames = splitSeveral(bytes);
    if (!frames) return this.#offended('a frame ends within a call');
    for (const frame of frames) {
      if (!this.#link.isOpen) return;
      this.#hearOne(frame);
    }
  }

  #hearOne(bytes: Buffer): void {
    const frame = parseCall(bytes);
    if (!frame) return this.#offended('a frame is neither a call nor an answer');
    if (frame.t === 'call') return this.#begin(frame);
    if (frame.t === 'cancel') return this.#handling.get(frame.id)?.abort();
    if (frame.id > this.#lastId) return this.#offended(`an answer to call ${frame.id}, which nobody made`);
    // Not there any more: cancelled meanwhile.
    const asked = this.#take(frame.id);
    if (frame.t === 'result') asked?.resolve(frame.body);
    else asked?.reject(frame.trouble);
  }

  #take(id: number): Asked | undefined {
    const asked = this.#asked.get(id);
    if (!asked) return undefined;
    this.#asked.delete(id);
    asked.forget();
    return asked;
  }

  #begin({ id, method, body }: Extract<CallFrame, { t: 'call' }>): void {
    if (this.#handling.has(id)) return this.#offended(`call ${id} was made twice`);
    const refuse = (trouble: Trouble): void => this.#post({ t: 'error', id, trouble });
    const handler = this.#methods.find(method);
    const { node } = this.#link.peer;
    if (!handler) {
      const hint = 'It may run an older version of FloatLab: upgrade it.';
      return refuse({ code: 'UNKNOWN_METHOD', message: `this node knows no method ${method}`, hint });
    }
    if (this.#handling.size >= this.#maxConcurrent || this.#bodyBytes + body.length > maxBodyBytes) {
      const message = `too many calls of node ${node} are under way`;
      return refuse({ code: 'BUSY', message, hint: 'Try again soon.' });
    }
    const control = handler.length > 2 ? new AbortController() : undefined;
    this.#handling.set(id, control);
    this.#bodyBytes += body.length;
    const done = (): void => {
      this.#handling.delete(id);
      this.#bodyBytes -= body.length;
    };
    void this.#run(handler, method, body, id, control).then((answer) => {
      this.#post(answer, done, (error) => this.#post({ t: 'error', id, trouble: troubleOf(error) }, done));
    });
  }

  /** Never rejects. */
  async #run(
    handler: Handler,
    method: string,
    body: Uint8Array,
    id: number,
    control: AbortController | undefined,
  ): Promise<CallFrame> {
    try {
      const { signal } = control ?? { signal: neverAborted };
      return { t: 'result', id, body: await handler(body, this.#link.peer, signal) };
    } catch (error) {
      const trouble = troubleOf(error);
      if (trouble.code === 'FAILED' && control?.signal.aborted !== true) {
        this.#log.error({ method, node: this.#link.peer.node, error: trouble.message }, 'a call failed');
      }
      return { t: 'error', id, trouble };
    }
  }

  /** To be said with everything else of this turn, in order. Exactly one of `taken` and `refused` is called. */
  #post(frame: CallFrame, taken = nothing, refused: (error: unknown) => void = nothing, isWanted = always): void {
    this.#outgoing.push({ bytes: packCall(frame), taken, refused, isWanted });
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    setImmediate(() => this.#leave());
  }

  /** As much as the link takes; the rest when it has room. */
  #leave(): void {
    for (let batch = this.#nextBatch(); batch.length > 0; batch = this.#nextBatch()) {
      if (!this.#link.isOpen) {
        for (const { taken } of batch) taken();
        continue;
      }
      try {
        if (!this.#link.send(packSeveral(batch.map(({ bytes }) => bytes)))) {
          this.#outgoing = [...batch, ...this.#outgoing];
          void this.#link.drained().then(() => this.#leave());
          return;
        }
        for (const { taken } of batch) taken();
      } catch (error) {
        for (const { refused } of batch) refused(error);
      }
    }
    this.#isLeaving = false;
  }

  /** What goes as one frame. */
  #nextBatch(): readonly Outgoing[] {
    const batch: Outgoing[] = [];
    let bytes = 1;
    let end = 0;
    for (const next of this.#outgoing) {
      bytes += lengthBytes + next.bytes.length;
      if (batch.length > 0 && bytes > this.#maxFrameBytes) break;
      end++;
      if (next.isWanted()) batch.push(next);
      else next.taken();
    }
    this.#outgoing.splice(0, end);
    return batch;
  }

  #offended(explain: string): void {
    this.#link.close('BAD_FRAME', explain);
  }

  #ended(explain: string): void {
    const { node } = this.#link.peer;
    const message = `the link to node ${node} ended (${explain}); nobody knows whether the call was carried out`;
    for (const id of [...this.#asked.keys()]) {
      this.#take(id)?.reject({ code: 'LINK_LOST', message, hint: 'Look, or repeat it where that is safe.' });
    }
    for (const control of [...this.#handling.values()]) control?.abort();
  }
}

interface Asked {
  resolve(body: Uint8Array): void;
  reject(trouble: Trouble): void;
  /** Nobody waits for its signal any more. */
  forget(): void;
}

const abortedCall = (method: string, node: string): CallError =>
  new CallError({
    code: 'ABORTED',
    message: `the call ${method} of node ${node} was given up; nobody knows whether it was carried out`,
  });
