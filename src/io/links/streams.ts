/**
 * Bulk streams and terminals: each on a `stream` link of its own, so that none stands before another, or before calls.
 *
 *   dialer                                   the other end
 *   open {name, params, from, mode} ───────▶ finds the handler
 *   ◀─────────────────── accepted {totalBytes?, version?}, or an error
 *   ◀═══════ chunks, end (read)      ◀══════▶ chunks both ways (duplex): channel.ts
 */
import type { Buffer } from 'node:buffer';
import { Packr } from 'msgpackr';
import type { Logger } from 'pino';
import * as z from 'zod';
import type { Clock } from '../devices/clock/port.ts';
import { parseTrouble, troubleOf } from './call-frames.ts';
import { Channel, frameOf, kinds, maxChunkBytes, problem, StreamError } from './channel.ts';
import type { Peer } from './identity.ts';
import type { Link } from './link.ts';
import type { TokenBucket } from './token-bucket.ts';

const packr = new Packr({ useRecords: false });

const opening = z.object({
  name: z.string().min(1).max(64),
  params: z.unknown(),
  from: z.int().min(0),
  mode: z.enum(['read', 'duplex']),
});
type Opening = z.infer<typeof opening>;

const accepted = z.object({ totalBytes: z.int().min(0).exactOptional(), version: z.string().max(256).exactOptional() });

/** What there is to read. */
export interface Source {
  /** Of the whole, not of the rest. */
  readonly totalBytes?: number;
  /** Changes with the content: whoever goes on after a break is told that it is another one. */
  readonly version?: string;
  /** In chunks of any size, from this offset; to end when the signal of the request aborts. */
  read(from: number): AsyncIterable<Uint8Array>;
  /** Shared with other streams, if there is one. */
  readonly limit?: TokenBucket;
}

export interface StreamRequest {
  /** As the other end sent it: to be parsed. */
  readonly params: unknown;
  readonly from: number;
  readonly peer: Peer;
  /** Aborted when the other end is gone, or does not want any more. */
  readonly signal: AbortSignal;
}

/** What it throws with a `code` the other end gets. */
export type SourceHandler = (request: StreamRequest) => Promise<Source>;
/** Both directions end when it returns; the other end may end its own earlier. */
export type DuplexHandler = (channel: Channel, request: StreamRequest) => Promise<void>;

const openWithinMs = 5000;
const maxStreams = 256;

/** What a node offers; the same for all its links. */
export class Streams {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #sources = new Map<string, SourceHandler>();
  readonly #duplexes = new Map<string, DuplexHandler>();
  #count = 0;

  constructor({ log, clock }: { readonly log: Logger; readonly clock: Clock }) {
    this.#log = log;
    this.#clock = clock;
  }

  /** @param name for example `blob` */
  offer(name: string, handler: SourceHandler): void {
    if (this.#sources.has(name)) throw new Error(`the stream ${name} is offered already`);
    this.#sources.set(name, handler);
  }

  offerDuplex(name: string, handler: DuplexHandler): void {
    if (this.#duplexes.has(name)) throw new Error(`the stream ${name} is offered already`);
    this.#duplexes.set(name, handler);
  }

  /** Takes a link of the purpose `stream` over. */
  serve(link: Link): void {
    const gone = new AbortController();
    const timer = this.#clock.setTimeout(() => link.close('SILENT', 'it opened no stream'), openWithinMs);
    this.#count += 1;
    void link.closed.then(() => {
      this.#clock.clearTimeout(timer);
      this.#count -= 1;
      gone.abort();
    });
    const channel = new Channel({
      link,
      isOurs: false,
      first: (frame) => {
        this.#clock.clearTimeout(timer);
        const asked = parse(frame, opening);
        if (!asked) return link.close('BAD_FRAME', 'a stream link that begins with something else');
        void this.#run(channel, asked, gone.signal);
      },
    });
  }

  /** Never rejects. */
  async #run(channel: Channel, asked: Opening, signal: AbortSignal): Promise<void> {
    const { name, mode, from, params } = asked;
    try {
      if (this.#count > maxStreams) throw problem('BUSY', 'too many streams are open', 'Try again soon.');
      const request = { params, from, peer: channel.peer, signal };
      if (mode === 'read') await this.#serveSource(channel, name, request);
      else await this.#serveDuplex(channel, name, request);
    } catch (error) {
      if (!signal.aborted && troubleOf(error).code === 'FAILED') {
        this.#log.error({ stream: name, node: channel.peer.node, error: troubleOf(error).message }, 'a stream failed');
      }
      await channel.fail(error);
    }
  }

  async #serveSource(channel: Channel, name: string, request: StreamRequest): Promise<void> {
    const handler = this.#sources.get(name);
    if (!handler) throw unknownStream(name);
    const source = await handler(request);
    const { totalBytes, version, limit } = source;
    const about = { ...(totalBytes !== undefined && { totalBytes }), ...(version !== undefined && { version }) };
    await channel.post(frameOf(kinds.accepted, packr.pack(about)));
    for await (const part of source.read(request.from)) {
      for (let at = 0; at < part.length; at += maxChunkBytes) {
        const chunk = part.subarray(at, at + maxChunkBytes);
        await limit?.take(chunk.length, request.signal);
        await channel.write(chunk, request.signal);
      }
    }
    await channel.end();
  }

  async #serveDuplex(channel: Channel, name: string, request: StreamRequest): Promise<void> {
    const handler = this.#duplexes.get(name);
    if (!handler) throw unknownStream(name);
    await channel.post(frameOf(kinds.accepted, packr.pack({})));
    await handler(channel, request);
    await channel.end();
  }
}

export interface OpenOptions {
  /** Makes a link of the purpose `stream` to the node that has it. */
  connect(signal: AbortSignal): Promise<Link>;
  readonly name: string;
  /** Anything that msgpack takes; up to about 60 KiB. */
  readonly params?: unknown;
  readonly signal: AbortSignal;
  /** For what comes in. */
  readonly limit?: TokenBucket;
}

export interface Incoming {
  readonly peer: Peer;
  readonly totalBytes?: number;
  readonly version?: string;
  /** To be read once; leaving early ends the stream. @throws StreamError */
  readonly chunks: AsyncIterable<Buffer>;
}

/** @param options.from offset in bytes of the first one that is wanted. @throws StreamError, LinkError of `connect` */
export async function openStream(options: OpenOptions & { readonly from?: number }): Promise<Incoming> {
  const { channel, about } = await open(options, 'read', options.from ?? 0);
  await channel.end();
  return { peer: channel.peer, ...about, chunks: channel.read() };
}

/** Ends when the other end does; `end()` ends only what this one writes. @throws StreamError, LinkError of `connect` */
export async function openDuplex(options: OpenOptions): Promise<Channel> {
  return (await open(options, 'duplex', 0)).channel;
}

async function open(
  { connect, name, params, signal, limit }: OpenOptions,
  mode: Opening['mode'],
  from: number,
): Promise<{ readonly channel: Channel; readonly about: z.infer<typeof accepted> }> {
  const link = await connect(signal);
  const { node } = link.peer;
  return new Promise((resolve, reject) => {
    const channel = new Channel({
      link,
      isOurs: true,
      inLimit: limit,
      first: (frame) => {
        const about = frame[0] === kinds.accepted ? parse(frame.subarray(1), accepted) : undefined;
        if (about) return resolve({ channel, about });
        const trouble = frame[0] === kinds.error ? parseTrouble(frame.subarray(1)) : undefined;
        reject(trouble ? new StreamError(trouble) : problem('DAMAGED', `node ${node} answered something else`));
        channel.close();
      },
    });
    const abort = (): void => {
      const why = problem('ABORTED', 'the stream is not wanted any more');
      void channel.fail(why);
      reject(why);
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    void channel.closed.then(() => {
      signal.removeEventListener('abort', abort);
      reject(problem('LINK_LOST', `the link to node ${node} ended before the stream began`, 'Try again.'));
    });
    void channel.post(packr.pack({ name, params: params ?? null, from, mode } satisfies Opening));
  });
}

const unknownStream = (name: string): StreamError =>
  problem(
    'UNKNOWN_STREAM',
    `this node offers no stream ${name}`,
    'It may run an older version of FloatLab: upgrade it.',
  );

function parse<T>(frame: Uint8Array, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(packr.unpack(frame)).data;
  } catch {
    return undefined;
  }
}
