/**
 * This node among the others: one link for requests to each, over which both sides call, and streams on demand.
 *
 *   smaller id ── dials ──▶ larger id       one link for requests, kept
 *   whoever wants something ── dials ──▶    a link for each stream
 *
 * What a node answers to is in `methods` and `streams`, the same for all.
 */
import type { Logger } from 'pino';
import type { Backoff } from '../agent/backoff.ts';
import type { Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { CallError, Calls, Methods } from './calls.ts';
import { dial } from './dial.ts';
import { LinkError } from './errors.ts';
import type { LinkIdentity } from './identity.ts';
import { KeptLink, type Target } from './kept.ts';
import type { Link } from './link.ts';
import type { Purpose } from './purpose.ts';
import { resumeStream } from './resume.ts';
import { openDuplex, openStream, Streams, type Incoming, type Source } from './streams.ts';
import type { TokenBucket } from './token-bucket.ts';
import type { Channel } from './channel.ts';

export interface MeshOptions {
  identity(): LinkIdentity;
  readonly clock: Clock;
  readonly random: Pick<Random, 'next'>;
  readonly log: Logger;
  /** Of all bulk streams that this node serves, together; without it they are as fast as they can be. */
  readonly bulkLimit?: TokenBucket;
}

interface Neighbour {
  target: Target;
  kept: KeptLink | undefined;
  calls: Calls | undefined;
}

/**
 * How long one that is down waits between two tries. Somebody waits for it: so it is short, and only where many are down
 * it grows with them: all of them together are tried some 50 times a second, however many there are.
 */
export const patienceWith = (down: number): Backoff => ({
  baseMs: 50,
  maxMs: Math.max(400, 25 * down),
});

export class Mesh {
  readonly methods = new Methods();
  readonly streams: Streams;
  readonly #options: MeshOptions;
  readonly #neighbours = new Map<string, Neighbour>();
  readonly #links = new Set<Link>();
  readonly #listeners = new Set<(node: string, isUp: boolean) => void>();

  constructor(options: MeshOptions) {
    this.#options = options;
    this.streams = new Streams(options);
  }

  /** For the source of a stream of which nobody waits for the next byte: to be spread into it. */
  get bulk(): Pick<Source, 'limit'> {
    const { bulkLimit: limit } = this.#options;
    return limit ? { limit } : {};
  }

  /** Everybody else in the lab, and where they are. */
  setNodes(targets: readonly Target[]): void {
    const { node: self } = this.#options.identity();
    const wanted = new Map(targets.filter(({ node }) => node !== self).map((target) => [target.node, target]));
    for (const [node, { kept }] of this.#neighbours) {
      if (wanted.has(node)) continue;
      this.#neighbours.delete(node);
      void kept?.stop();
      for (const link of this.#links) if (link.peer.node === node) link.close('NOT_ADMITTED', 'it is no node any more');
    }
    for (const [node, target] of wanted) {
      const known = this.#neighbours.get(node) ?? { target, kept: undefined, calls: undefined };
      known.target = target;
      this.#neighbours.set(node, known);
      if (self > node) continue;
      if (known.kept) known.kept.setTarget(target);
      else known.kept = this.#keep(node, target);
    }
  }

  /** A link that somebody dialed. */
  accept(link: Link): void {
    this.#note(link);
    if (link.purpose === 'stream') this.streams.serve(link);
    else if (link.purpose === 'requests') this.#use(link.peer.node, link);
    else link.close('WRONG_PURPOSE', 'nothing here takes it');
  }

  /** A node has shown that it is there: whoever waits to dial it does so now. */
  heard(node: string): void {
    this.#neighbours.get(node)?.kept?.retry();
  }

  /** Those that this node dials, and does not reach at this moment. */
  get #down(): number {
    return [...this.#neighbours.values()].filter(({ kept, calls }) => kept && !calls?.isOpen).length;
  }

  /** All that there are to a node at this moment, whoever dialed. */
  linksTo(node: string): readonly Link[] {
    return [...this.#links].filter((link) => link.isOpen && link.peer.node === node);
  }

  /** All others, whether they can be reached or not. */
  get nodes(): readonly string[] {
    return [...this.#neighbours.keys()];
  }

  /** What a node says against this one; undefined when it lets it in, or does not answer. */
  async refusalOf(node: string, signal: AbortSignal): Promise<LinkError | undefined> {
    try {
      (await this.#connect(node, 'renew', signal)).close();
      return undefined;
    } catch (error) {
      return error instanceof LinkError && error.isTheirs ? error : undefined;
    }
  }

  /** Nodes that can be called at this moment. */
  get reachable(): readonly string[] {
    return [...this.#neighbours].filter(([, { calls }]) => calls?.isOpen).map(([node]) => node);
  }

  /** Why a node cannot be called, as a sentence; undefined if it can, or nobody has tried. */
  problemOf(node: string): string | undefined {
    const { kept, calls } = this.#neighbours.get(node) ?? {};
    return calls?.isOpen ? undefined : kept?.problem?.message;
  }

  /** @returns the way out */
  onChange(listener: (node: string, isUp: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @throws CallError */
  call(node: string, method: string, body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const calls = this.#neighbours.get(node)?.calls;
    if (calls?.isOpen) return calls.call(method, body, signal);
    const message = this.problemOf(node) ?? `there is no link to node ${node}`;
    return Promise.reject(new CallError({ code: 'NO_LINK', message, hint: 'It is tried again by itself.' }));
  }

  /** Over a link of its own, made for this call. @throws CallError, LinkError */
  async callOnce(
    node: string,
    purpose: Purpose,
    method: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const link = await this.#connect(node, purpose, signal);
    try {
      return await new Calls({ link, methods: new Methods(), log: this.#options.log }).call(method, body, signal);
    } finally {
      link.close();
    }
  }

  /** @throws StreamError, LinkError */
  stream(node: string, name: string, params: unknown, options: StreamOptions): Promise<Incoming> {
    return openStream({ ...options, connect: (signal) => this.#connect(node, 'stream', signal), name, params });
  }

  /** Over as many links as it takes. @throws StreamError, LinkError */
  resumed(node: string, name: string, params: unknown, options: StreamOptions): AsyncIterable<Uint8Array> {
    const connect = (signal: AbortSignal) => this.#connect(node, 'stream', signal);
    const { clock, random } = this.#options;
    return resumeStream({ ...options, connect, name, params, clock, random });
  }

  /** @throws StreamError, LinkError */
  duplex(node: string, name: string, params: unknown, options: Pick<StreamOptions, 'signal'>): Promise<Channel> {
    return openDuplex({ ...options, connect: (signal) => this.#connect(node, 'stream', signal), name, params });
  }

  async close(): Promise<void> {
    const ending = [...this.#neighbours.values()].flatMap(({ kept }) => (kept ? [kept.stop()] : []));
    this.#neighbours.clear();
    for (const link of this.#links) link.close('STOPPING', 'the node stops');
    await Promise.all(ending);
  }

  /** To one of its addresses. */
  async #connect(node: string, purpose: Purpose, signal: AbortSignal): Promise<Link> {
    const { identity, clock } = this.#options;
    const target = this.#neighbours.get(node)?.target;
    let failure = new LinkError({
      code: 'UNREACHABLE',
      explain: `node ${node} is not in the lab`,
      hint: 'Look which nodes there are: floatlab node ls',
    });
    for (const address of target?.addresses ?? []) {
      try {
        const dialed = {
          address,
          expect: target as Target,
          purpose,
          identity: identity(),
          clock,
          signal,
        };
        const link = await dial(dialed);
        this.#note(link);
        return link;
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  #keep(node: string, target: Target): KeptLink {
    return new KeptLink({
      ...this.#options,
      purpose: 'requests',
      target,
      patience: () => patienceWith(this.#down),
      onUp: (link) => {
        this.#note(link);
        this.#use(node, link);
      },
    });
  }

  #use(node: string, link: Link): void {
    const neighbour = this.#neighbours.get(node);
    if (!neighbour) return link.close('NOT_ADMITTED', 'it is no node of the lab');
    const calls = new Calls({ link, methods: this.methods, log: this.#options.log });
    neighbour.calls?.close();
    neighbour.calls = calls;
    this.#tell(node, true);
    void link.closed.then(() => {
      if (neighbour.calls !== calls) return;
      neighbour.calls = undefined;
      this.#tell(node, false);
    });
  }

  #tell(node: string, isUp: boolean): void {
    for (const listener of this.#listeners) listener(node, isUp);
  }

  #note(link: Link): void {
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
  }
}

export interface StreamOptions {
  readonly from?: number;
  readonly signal: AbortSignal;
}
