/**
 * The nodes of the lab as links need them: where they are, and what they must prove. The lab's history says it; a copy in
 * a file says it before the history can be read, to a node that starts and has to find the others first.
 */
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import type { LabView } from '#actors/actor.ts';
import { idOf, streamOf } from '#events/envelope.ts';
import type { Address } from '../../links/address.ts';
import type { Admitted } from '../../links/identity.ts';
import type { ThreadPeer } from '../../log/raft/thread/protocol.ts';
import { replaceFile } from '../../stores/files.ts';

export const knownNode = z.object({
  node: z.string().min(1).max(64),
  name: z.string().min(1).max(64),
  incarnation: z.string().min(1).max(64),
  keySha256: z.string().regex(/^[0-9a-f]{64}$/),
  addresses: z.array(z.string().min(1).max(255)).max(64),
  port: z.int().min(1).max(65_535),
});
export type KnownNode = z.infer<typeof knownNode>;

const fileOf = (dataDir: string): string => join(dataDir, 'peers.json');

export class Roster {
  readonly #path: string;
  readonly #self: string;
  #nodes: readonly KnownNode[];
  #written: string;
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string, self: string, nodes: readonly KnownNode[]) {
    this.#path = path;
    this.#self = self;
    this.#nodes = nodes;
    this.#written = JSON.stringify(nodes);
  }

  /** A copy that cannot be read is as good as none: the others dial this node, too. */
  static async open(dataDir: string, self: string): Promise<Roster> {
    const path = fileOf(dataDir);
    const text = await readFile(path, 'utf8').catch(() => '[]');
    let nodes: readonly KnownNode[] = [];
    try {
      nodes = z.array(knownNode).parse(JSON.parse(text));
    } catch {
      // Made again as soon as the lab is known.
    }
    return new Roster(path, self, nodes);
  }

  /** Before the first start as a node of the lab. */
  static write = (dataDir: string, nodes: readonly KnownNode[]): Promise<void> =>
    replaceFile(fileOf(dataDir), Buffer.from(`${JSON.stringify(nodes, null, 2)}\n`), { mode: 0o600 });

  get nodes(): readonly KnownNode[] {
    return this.#nodes;
  }

  /** @returns whether anything is different. Without effect while the lab does not know this node yet. */
  update(lab: LabView): boolean {
    if (!lab.get(streamOf('node', this.#self))) return false;
    const nodes = lab.list('node').flatMap(({ stream, state, context }): KnownNode[] => {
      const { keySha256, incarnation, port, addresses, metadata } = context;
      if (state === 'waiting' || keySha256 === null || incarnation === null || port === null) return [];
      return [{ node: idOf(stream), name: metadata.name, incarnation, keySha256, addresses: [...addresses], port }];
    });
    if (nodes.length === 0 || JSON.stringify(nodes) === JSON.stringify(this.#nodes)) return false;
    this.#nodes = nodes;
    this.#write();
    return true;
  }

  admission(node: string): Admitted | undefined {
    return this.#nodes.find((known) => known.node === node);
  }

  /** For requests and streams. */
  targets(): readonly (Admitted & { readonly node: string; readonly addresses: readonly Address[] })[] {
    return this.#nodes.map(({ node, keySha256, incarnation, addresses, port }) => ({
      node,
      keySha256,
      incarnation,
      addresses: addresses.map((host) => ({ host, port })),
    }));
  }

  /** For consensus. */
  peers(): readonly ThreadPeer[] {
    return this.#nodes.map(({ node, keySha256, incarnation, addresses, port }) => ({
      node,
      keySha256,
      incarnation,
      addresses: addresses.map((host) => ({ host, port: consensusPort(port) })),
    }));
  }

  /** Resolves when the file says what was known. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #write(): void {
    const text = JSON.stringify(this.#nodes);
    if (text === this.#written) return;
    this.#written = text;
    // Only a help for the next start: when it fails, that one asks somebody else.
    this.#writing = this.#writing.then(() =>
      replaceFile(this.#path, Buffer.from(`${JSON.stringify(this.#nodes, null, 2)}\n`), { mode: 0o600 }).catch(
        () => {},
      ),
    );
  }
}

/** The port after the one for requests. */
export const consensusPort = (port: number): number => port + 1;
