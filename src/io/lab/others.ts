/**
 * The other nodes of the lab, as a lab that is folded on several of them needs them: to ask one something, and to answer.
 * Over links between machines (`../links/mesh.ts`), or in a simulation.
 *
 * What is said is plain data: what msgpack takes.
 */
import { Packr } from 'msgpackr';
import { maxChunkBytes, type Channel } from '../links/channel.ts';
import type { Mesh } from '../links/mesh.ts';

/** @param from node that asks, as it has proven. What it throws with a `code` whoever asked gets, too. */
export type Answer = (said: unknown, from: string, signal: AbortSignal) => Promise<unknown>;

/** A flow of bytes each way, as for a terminal. Each direction ends by itself. */
export interface Duplex {
  /** In pieces of up to 64 KiB. Resolves when it is on its way, which waits for the reader. @throws when it cannot be */
  write(bytes: Uint8Array): Promise<void>;
  /** No more will be written. */
  end(): Promise<void>;
  /** What the other end writes, once. Leaving early ends the whole. */
  read(): AsyncIterable<Uint8Array>;
  /** Ends both directions at once. */
  close(): void;
}

/** What it throws with a `code` whoever asked gets, too. The signal aborts when nobody listens any more. */
export type Offer = (params: unknown, from: string, signal: AbortSignal) => AsyncIterable<Uint8Array>;
/** What is the same whenever it is asked for, whole. What it throws with a `code` whoever asked gets, too. */
export type BytesOffer = (params: unknown, from: string, signal: AbortSignal) => Promise<Uint8Array>;
export type DuplexOffer = (duplex: Duplex, params: unknown, from: string, signal: AbortSignal) => Promise<void>;

export interface Others {
  /** This node. */
  readonly self: string;
  /** @throws OthersError */
  ask(node: string, method: string, said: unknown, signal: AbortSignal): Promise<unknown>;
  answer(method: string, answer: Answer): void;
  /** Bytes that a node offers, as many as there are. Leaving early ends it. @throws with a code */
  read(node: string, name: string, params: unknown, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** `bulk`: nobody waits for its next byte, so it keeps to the limit that this node has for such. */
  offer(name: string, offer: Offer, how?: 'bulk'): void;
  /**
   * Bytes that a node offers as a whole, over as many links as that takes: after a break it goes on where it was. They are
   * as `bulk`. @throws with a code; TOO_LARGE
   */
  readBytes(
    node: string,
    name: string,
    params: unknown,
    how: { readonly signal: AbortSignal; readonly maxBytes: number },
  ): Promise<Uint8Array>;
  offerBytes(name: string, offer: BytesOffer): void;
  /** @throws with a code */
  duplex(node: string, name: string, params: unknown, signal: AbortSignal): Promise<Duplex>;
  offerDuplex(name: string, offer: DuplexOffer): void;
  /** Nodes that can be asked at this moment. */
  readonly reachable: readonly string[];
  /** @returns the way out */
  onChange(listener: (node: string, isUp: boolean) => void): () => void;
}

/** Codes after which the other end may have done what was asked, or not. */
const unknownOutcomes = new Set(['LINK_LOST', 'ABORTED']);
/** Codes after which nothing has happened, and another try may go better. */
const passing = new Set(['NO_LINK', 'BUSY', 'NOT_LEADER', 'UNKNOWN_METHOD']);

export const mayHaveHappened = (error: unknown): boolean => unknownOutcomes.has(codeOf(error));
export const isPassing = (error: unknown): boolean => passing.has(codeOf(error)) || mayHaveHappened(error);

const codeOf = (error: unknown): string => String((error as { readonly code?: unknown } | undefined)?.code);

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

export function overMesh(mesh: Mesh, self: string): Others {
  return {
    self,
    get reachable() {
      return mesh.reachable;
    },
    ask: async (node, method, said, signal) => packr.unpack(await mesh.call(node, method, packr.pack(said), signal)),
    answer: (method, answer) =>
      mesh.methods.handle(method, async (body, peer, signal) =>
        packr.pack(await answer(packr.unpack(body), peer.node, signal)),
      ),
    read: async function* (node, name, params, signal) {
      const end = new AbortController();
      try {
        const either = AbortSignal.any([signal, end.signal]);
        yield* (await mesh.stream(node, name, params, { signal: either })).chunks;
      } finally {
        end.abort();
      }
    },
    offer: (name, offer, how) =>
      mesh.streams.offer(name, async ({ params, peer, signal }) => ({
        read: () => offer(params, peer.node, signal),
        ...(how === 'bulk' ? mesh.bulk : {}),
      })),
    readBytes: async (node, name, params, { signal, maxBytes }) =>
      gathered(mesh.resumed(node, name, params, { signal }), maxBytes),
    offerBytes: (name, offer) =>
      mesh.streams.offer(name, async ({ params, peer, signal }) => {
        const bytes = await offer(params, peer.node, signal);
        const read = async function* (from: number) {
          yield bytes.subarray(from);
        };
        return { totalBytes: bytes.length, read, ...mesh.bulk };
      }),
    duplex: async (node, name, params, signal) => duplexOf(await mesh.duplex(node, name, params, { signal })),
    offerDuplex: (name, offer) =>
      mesh.streams.offerDuplex(name, (channel, { params, peer, signal }) =>
        offer(duplexOf(channel), params, peer.node, signal),
      ),
    onChange: (listener) => mesh.onChange(listener),
  };
}

/** @throws with code TOO_LARGE */
export async function gathered(pieces: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const all: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > maxBytes) throw Object.assign(new Error('more bytes come than there can be'), { code: 'TOO_LARGE' });
    all.push(piece.slice());
  }
  return Buffer.concat(all);
}

const duplexOf = (channel: Channel): Duplex => ({
  write: async (bytes) => {
    for (let at = 0; at < bytes.length; at += maxChunkBytes)
      await channel.write(bytes.subarray(at, at + maxChunkBytes));
  },
  end: () => channel.end(),
  read: () => channel.read(),
  close: () => channel.close(),
});
