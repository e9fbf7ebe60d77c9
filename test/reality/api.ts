/** The public API of one machine's daemon, as any program uses it: over TLS, with the lab's authority and a token. */
import type { ClusterStatus } from '#io/contract/cluster.ts';
import type { CommandAnswer, Page } from '#io/contract/routes.ts';
import type { JoinTokenAnswer, JoinTokenInput } from '#io/contract/routes/admission.ts';
import type { Problem } from '#io/contract/problem.ts';
import type { ActivityRow } from '#projections/views/activity.ts';
import type { NodeRow } from '#projections/views/nodes.ts';
import { Agent, fetch } from 'undici';

/** The daemon has answered, and said no. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.problem = problem;
  }
}

export interface Ask {
  readonly method?: string;
  readonly body?: unknown;
  readonly key?: string;
  readonly withinMs?: number;
}

export class Api {
  readonly #url: string;
  readonly #agent: Agent;
  /** Good at every node of the lab. */
  #token: string | undefined;

  /** @param options.ca undefined: for a lab whose time is not this machine's, which would find its certificates not valid */
  constructor(options: { readonly url: string; readonly ca: string | undefined; readonly token: string | undefined }) {
    this.#url = options.url;
    this.#token = options.token;
    const trust = options.ca === undefined ? { rejectUnauthorized: false } : { ca: options.ca };
    this.#agent = new Agent({ connect: { ...trust, timeout: 3000 }, headersTimeout: 0, bodyTimeout: 0 });
  }

  /** @throws Refused; anything else: no answer, and nobody knows what happened */
  async ask<T>(path: string, { method = 'GET', body, key, withinMs = 35_000 }: Ask = {}): Promise<T> {
    const response = await fetch(`${this.#url}${path}`, {
      method,
      dispatcher: this.#agent,
      signal: AbortSignal.timeout(withinMs),
      headers: {
        ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const said: unknown = text === '' ? undefined : JSON.parse(text);
    if (!response.ok) throw new Refused(said as Problem);
    return said as T;
  }

  /** Goes on with the session of another node. */
  use(token: string): void {
    this.#token = token;
  }

  async signIn(password: string): Promise<string> {
    const body = { name: 'admin', password };
    return (await this.ask<{ readonly token: string }>('/api/v1/session', { method: 'POST', body })).token;
  }

  status(): Promise<ClusterStatus> {
    return this.ask('/api/v1/cluster/status', { withinMs: 3000 });
  }

  joinToken(input: JoinTokenInput = {}): Promise<JoinTokenAnswer> {
    return this.ask('/api/v1/cluster/join-token', { method: 'POST', body: input });
  }

  label(node: string, labels: Readonly<Record<string, string | null>>, more: Ask = {}): Promise<CommandAnswer> {
    return this.ask(`/api/v1/nodes/${node}/labels`, { method: 'PATCH', body: { labels }, ...more });
  }

  node(name: string, more: Ask = {}): Promise<NodeRow> {
    return this.ask(`/api/v1/nodes/${name}`, more);
  }

  async nodes(): Promise<readonly NodeRow[]> {
    return (await this.ask<Page<NodeRow>>('/api/v1/nodes?stale=true')).items;
  }

  /** Everything that happened, in order. */
  async events(): Promise<readonly ActivityRow[]> {
    const all: ActivityRow[] = [];
    for (;;) {
      const { items } = await this.ask<Page<ActivityRow>>(`/api/v1/events?after=${all.at(-1)?.index ?? 0}&limit=1000`);
      if (items.length === 0) return all;
      all.push(...items);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
