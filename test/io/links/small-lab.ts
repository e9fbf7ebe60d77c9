/** A lab of a few nodes with real certificates, whose links run over loopback. */
import { X509Certificate } from 'node:crypto';
import { pino, type Logger } from 'pino';
import { realClock } from '#io/devices/clock/real.ts';
import { dial, type DialOptions } from '#io/links/dial.ts';
import type { Admitted, LinkIdentity } from '#io/links/identity.ts';
import type { Link } from '#io/links/link.ts';
import { purposes, type Purpose } from '#io/links/purpose.ts';
import { openLinkServer, type LinkServer, type LinkServerOptions } from '#io/links/server.ts';
import { createAuthority, type KeyPair } from '#io/pki/ca.ts';
import { createNodeKey, issueNode, makeRequest } from '#io/pki/node-certificate.ts';
import { keySha256 } from '#io/pki/node-identity.ts';

export const dayMs = 86_400_000;

export interface TestNode {
  readonly identity: LinkIdentity;
  readonly keySha256: string;
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [key: string]: unknown;
}

/** A logger, and what it has written. */
export function recordedLog(): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const log = pino({ base: null }, { write: (text: string) => void lines.push(JSON.parse(text) as LogLine) });
  return { log, lines };
}

export class SmallLab {
  readonly authority: KeyPair;
  readonly admitted = new Map<string, Admitted>();
  readonly log: Logger;
  readonly lines: LogLine[];
  readonly #open: (() => unknown)[] = [];

  constructor(authority: KeyPair) {
    this.authority = authority;
    ({ log: this.log, lines: this.lines } = recordedLog());
  }

  static async create(): Promise<SmallLab> {
    return new SmallLab(await createAuthority(Date.now()));
  }

  /** A node that the lab has admitted, with a certificate that began `bornMs` ago. */
  async node(name: string, more: Partial<LinkIdentity> = {}, bornMs = 0): Promise<TestNode> {
    const made = await this.stranger(name, more, bornMs);
    this.admitted.set(name, { keySha256: made.keySha256, incarnation: made.identity.incarnation });
    return made;
  }

  /** One that has a certificate, and is not admitted. */
  async stranger(name: string, more: Partial<LinkIdentity> = {}, bornMs = 0): Promise<TestNode> {
    const key = createNodeKey();
    const cert = await this.certify(name, key, bornMs);
    const identity: LinkIdentity = {
      cluster: 'lab',
      generation: 1,
      node: name,
      incarnation: 'first',
      run: `run of ${name}`,
      version: '1.0.0',
      protocol: { min: 1, max: 3 },
      certificate: { cert, key },
      caCert: this.authority.cert,
      ...more,
    };
    return { identity, keySha256: keySha256(new X509Certificate(cert)) };
  }

  /** Another certificate for the same key. @returns PEM */
  async certify(name: string, key: string, bornMs = 0): Promise<string> {
    const about = { node: name, cluster: 'lab', addresses: ['127.0.0.1'], nowMs: Date.now() - bornMs };
    return issueNode(this.authority, await makeRequest(key, name), about);
  }

  async serve(node: TestNode, more: Partial<LinkServerOptions> = {}): Promise<LinkServer> {
    const server = await openLinkServer({
      listen: [{ host: '127.0.0.1', port: 0 }],
      identity: node.identity,
      admission: (name) => this.admitted.get(name),
      purposes,
      onLink: (link) => link.receive(() => undefined),
      log: this.log,
      clock: realClock,
      ...more,
    });
    this.#open.push(() => server.close());
    return server;
  }

  /** A link that is read, and whose frames go nowhere until somebody else receives them. */
  async dial(from: TestNode, to: TestNode, server: { port: number }, more: Partial<DialOptions> = {}): Promise<Link> {
    const link = await this.dialOnly(from, to, server, more);
    link.receive(() => undefined);
    return link;
  }

  async dialOnly(
    from: TestNode,
    to: TestNode,
    server: { port: number },
    more: Partial<DialOptions> = {},
  ): Promise<Link> {
    const link = await dial({
      address: { host: '127.0.0.1', port: server.port },
      expect: { node: to.identity.node, keySha256: to.keySha256 },
      purpose: 'requests',
      identity: from.identity,
      clock: realClock,
      ...more,
    });
    this.#open.push(() => link.close());
    return link;
  }

  /** Both ends of a new link. */
  async pair(a: TestNode, b: TestNode, purpose: Purpose): Promise<{ readonly here: Link; readonly there: Link }> {
    let take: (link: Link) => void = () => undefined;
    const there = new Promise<Link>((resolve) => {
      take = resolve;
    });
    const server = await this.serve(b, { onLink: (link) => take(link) });
    return { here: await this.dialOnly(a, b, server, { purpose }), there: await there };
  }

  async close(): Promise<void> {
    for (const end of this.#open.reverse()) await end();
    this.#open.length = 0;
  }
}

/** Waits for what happens on real sockets. */
export async function until(condition: () => boolean, what = 'it'): Promise<void> {
  const endMs = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
