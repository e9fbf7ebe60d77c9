/** Real nodes: each with its member on a thread of its own, real disks, real links over loopback; three in one process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { asIndex, type LabEvent } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { Mesh } from '#io/links/mesh.ts';
import type { LinkServer } from '#io/links/server.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import type { FollowTiming } from '#io/log/raft/following/timing.ts';
import type { MemberStatus } from '#io/log/raft/member/protocol.ts';
import { openNodeLog, type NodeLog } from '#io/log/raft/node-log.ts';
import type { ThreadPeer } from '#io/log/raft/thread/protocol.ts';
import { entryFor, never } from '#test/io/log/entries.ts';
import { SmallLab, type TestNode } from '#test/io/links/small-lab.ts';
import { freePorts } from '#test/bench/log/ports.ts';

export const incarnation = 'first';
export let lab: SmallLab;
let folder: string;
/** Three of them for each test, of which none runs. */
export let nodes: readonly RealNode[];
beforeEach(async () => {
  lab = await SmallLab.create();
  folder = await mkdtemp(join(tmpdir(), 'floatlab-thread-'));
  const ports = await freePorts(6);
  nodes = await Promise.all(
    ['atlas', 'bolt', 'crane'].map(
      async (name, at) => new RealNode(await lab.node(name), ports[2 * at] ?? 0, ports[2 * at + 1] ?? 0),
    ),
  );
});
afterEach(async () => {
  for (const node of nodes) await node.stop();
  await lab.close();
  await rm(folder, { recursive: true, force: true });
});

export class RealNode {
  test: TestNode;
  readonly name: string;
  readonly #memberPort: number;
  readonly #meshPort: number;
  #server: LinkServer | undefined;
  #mesh: Mesh | undefined;
  #opened: NodeLog | undefined;
  status: MemberStatus | undefined;
  broken: unknown;

  constructor(node: TestNode, memberPort: number, meshPort: number) {
    this.test = node;
    this.name = node.identity.node;
    this.#memberPort = memberPort;
    this.#meshPort = meshPort;
  }

  get log(): NodeLog['log'] {
    if (!this.#opened) throw new Error(`${this.name} does not run`);
    return this.#opened.log;
  }

  get leases(): NodeLog['leases'] {
    if (!this.#opened) throw new Error(`${this.name} does not run`);
    return this.#opened.leases;
  }

  get follows(): string | undefined {
    return this.#opened?.following?.source;
  }

  get leads(): boolean {
    return this.#opened?.log.leads ?? false;
  }

  get folder(): string {
    return join(folder, this.name);
  }

  async start(begin: 'found' | 'join' | 'open', following: Partial<FollowTiming> = {}): Promise<void> {
    const { identity } = this.test;
    const mesh = new Mesh({ identity: () => identity, clock: realClock, random: realRandom, log: lab.log });
    this.#mesh = mesh;
    this.#server = await lab.serve(this.test, {
      listen: [{ host: '127.0.0.1', port: this.#meshPort }],
      purposes: ['requests', 'stream'],
      onLink: (link) => mesh.accept(link),
    });
    mesh.setNodes(nodes.map((node) => node.at(node.#meshPort)));
    this.#opened = await openNodeLog({
      folder: this.folder,
      identity,
      begin,
      following,
      listen: [{ host: '127.0.0.1', port: this.#memberPort }],
      peers: nodes.map((node) => node.at(node.#memberPort)),
      mesh,
      foldedUpTo: () => Promise.resolve({ versions: new Map(), index: 0 }),
      clock: realClock,
      random: realRandom,
      log: lab.log,
      onStatus: (status) => (this.status = status),
      onBroken: (error) => (this.broken = error),
    });
  }

  /** It goes on with a certificate that began `bornMs` ago, for the same key. */
  async certify(bornMs: number): Promise<void> {
    const { key } = this.test.identity.certificate;
    const certificate = { cert: await lab.certify(this.name, key, bornMs), key };
    this.test = { ...this.test, identity: { ...this.test.identity, certificate } };
    this.#opened?.setIdentity(this.test.identity);
  }

  async stop(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.log.close();
    await this.#mesh?.close();
    await this.#server?.close();
  }

  at(port: number): ThreadPeer {
    const addresses = [{ host: '127.0.0.1', port }];
    return { node: this.name, incarnation, keySha256: this.test.keySha256, addresses };
  }
}

export async function until<T>(found: () => T | undefined | false, what: string): Promise<T> {
  const endMs = performance.now() + 30_000;
  for (;;) {
    const value = found();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > endMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export const leader = (): Promise<RealNode> => until(() => nodes.find(({ leads }) => leads), 'a leader');
export const allHave = (head: number, of = nodes): Promise<true> =>
  until(() => of.every(({ log }) => log.head >= head) || undefined, `everybody having event ${head}`);
export const append = (node: RealNode, count: number): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, (_, n) => node.log.append(entryFor([`volume:${n % 5}`]), never)));

export async function eventsOf({ log }: RealNode): Promise<readonly LabEvent[]> {
  const events: LabEvent[] = [];
  for await (const slice of log.read(asIndex(0), log.head)) events.push(...slice);
  return events;
}

export async function group(): Promise<readonly RealNode[]> {
  const [founder, ...others] = nodes as [RealNode, RealNode, RealNode];
  await founder.start('found');
  for (const other of others) await other.start('join');
  await leader();
  for (const { name } of others) {
    const steps = [{ do: 'add-voter', peer: peerOf(name, incarnation) }] as const;
    await founder.log.change({ steps, transition: 'auto' }, new Uint8Array(0), founder.status?.term ?? 0);
  }
  return nodes;
}
