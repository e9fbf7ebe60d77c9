/** Three members of ours and a client, each a process; with real certificates, on loopback, on a real disk. */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { LinkIdentity } from '#io/links/identity.ts';
import type { ThreadPeer } from '#io/log/raft/thread/protocol.ts';
import { createAuthority, type KeyPair } from '#io/pki/ca.ts';
import { createNodeKey, issueNode, makeRequest } from '#io/pki/node-certificate.ts';
import { keySha256 } from '#io/pki/node-identity.ts';
import type { Programs } from './bundle.ts';
import type { ClientStart } from './client.ts';
import type { Load, Measured } from './load.ts';
import type { MemberStart } from './member.ts';
import { Remote } from './remote.ts';

const cluster = 'bench';
const incarnation = 'bench';
const startMs = 10_000;

export interface Node {
  readonly identity: LinkIdentity;
  readonly keySha256: string;
  readonly memberPort: number;
  readonly meshPort: number;
}

export interface LabOptions {
  readonly programs: Programs;
  readonly folder: string;
  /** Two for each member. */
  readonly ports: readonly (readonly [member: number, mesh: number])[];
  readonly nodeArgs: readonly string[];
}

export class Lab {
  readonly #options: LabOptions;
  readonly #nodes: readonly Node[];
  readonly #client: Remote;
  readonly #members = new Map<string, Remote>();

  private constructor(options: LabOptions, nodes: readonly Node[], client: Remote) {
    this.#options = options;
    this.#nodes = nodes;
    this.#client = client;
  }

  static async start(options: LabOptions): Promise<Lab> {
    const authority = await createAuthority(Date.now());
    const nodes = await Promise.all(
      options.ports.map(([memberPort, meshPort], at) => makeNode(authority, `node${at + 1}`, memberPort, meshPort)),
    );
    const self = await makeNode(authority, 'client', 0, 0);
    const lab = new Lab(options, nodes, new Remote(options.programs.client, options.nodeArgs));
    try {
      await lab.#found(self);
    } catch (error) {
      await lab.stop();
      throw error;
    }
    return lab;
  }

  get names(): readonly string[] {
    return this.#nodes.map(({ identity }) => identity.node);
  }

  folderOf(node: string): string {
    return join(this.#options.folder, node);
  }

  /** @returns undefined for one that does not run */
  pidOf(node: string): number | undefined {
    return this.#members.get(node)?.pid;
  }

  async followers(): Promise<readonly string[]> {
    const leader = await this.leader();
    return this.names.filter((name) => name !== leader);
  }

  /** Whom the client asks. */
  leader(): Promise<string> {
    return this.#client.call<string>('leader');
  }

  /** @returns when one was acknowledged, as `Date.now()` */
  untilAppended(): Promise<number> {
    return this.#client.call<number>('untilAppended', 30_000);
  }

  measure(load: Load): Promise<Measured> {
    return this.#client.call('measure', load);
  }

  /** @returns the index of the last one */
  write(events: number, outstanding: number): Promise<number> {
    return this.#client.call('write', { events, outstanding });
  }

  head(node: string): Promise<number> {
    return this.#member(node).call('head');
  }

  /** @returns when, as `Date.now()` */
  untilHead(node: string, head: number): Promise<number> {
    return this.#member(node).call<number>('untilHead', { head, ms: 120_000 });
  }

  async kill(node: string): Promise<void> {
    const member = this.#member(node);
    this.#members.delete(node);
    await member.kill();
  }

  signal(node: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#member(node).signal(signal);
  }

  async startMember(name: string, begin: MemberStart['begin'] = 'open'): Promise<void> {
    const node = this.#nodes.find(({ identity }) => identity.node === name);
    if (!node) throw new Error(`there is no member ${name}`);
    const member = new Remote(this.#options.programs.member, this.#options.nodeArgs);
    this.#members.set(name, member);
    await member.call('start', {
      folder: this.folderOf(name),
      identity: node.identity,
      begin,
      memberPort: node.memberPort,
      meshPort: node.meshPort,
      members: this.#nodes.map((one) => peerAt(one, one.memberPort)),
      nodes: [...this.#nodes.map((one) => peerAt(one, one.meshPort)), ...this.#clients],
    } satisfies MemberStart);
  }

  async stop(): Promise<void> {
    await this.#client.stop();
    await Promise.all([...this.#members.values()].map((member) => member.stop()));
    this.#members.clear();
  }

  #clients: readonly ThreadPeer[] = [];

  async #found(self: Node): Promise<void> {
    // It dials, and nobody dials it.
    this.#clients = [{ ...peerAt(self, 0), addresses: [] }];
    const [founder, ...others] = this.names;
    if (founder === undefined) throw new Error('a lab needs a member');
    await this.startMember(founder, 'found');
    for (const other of others) await this.startMember(other, 'join');
    const first = this.#member(founder);
    await first.call('untilLeads', startMs);
    for (const other of others) await first.call('addVoter', other);
    const members = this.#nodes.map((one) => peerAt(one, one.meshPort));
    await this.#client.call('start', { identity: self.identity, members } satisfies ClientStart);
    await this.untilAppended();
  }

  #member(node: string): Remote {
    const member = this.#members.get(node);
    if (!member) throw new Error(`${node} does not run`);
    return member;
  }
}

export const peerAt = ({ identity, keySha256: key }: Node, port: number): ThreadPeer => ({
  node: identity.node,
  incarnation,
  keySha256: key,
  addresses: [{ host: '127.0.0.1', port }],
});

export async function makeNode(authority: KeyPair, node: string, memberPort: number, meshPort: number): Promise<Node> {
  const key = createNodeKey();
  const about = { node, cluster, addresses: ['127.0.0.1'], nowMs: Date.now() };
  const cert = await issueNode(authority, await makeRequest(key, node), about);
  const identity: LinkIdentity = {
    cluster,
    generation: 1,
    node,
    incarnation,
    run: `run of ${node}`,
    version: '0.1.0',
    protocol: { min: 1, max: 1 },
    certificate: { cert, key },
    caCert: authority.cert,
  };
  return { identity, keySha256: keySha256(new X509Certificate(cert)), memberPort, meshPort };
}
