/**
 * Many nodes in one process, as far as the leader sees them: each with its own key and certificate, its own links over
 * TLS, its own lease. They do what real ones do, and nothing else.
 */
import { X509Certificate } from 'node:crypto';
import pino from 'pino';
import { defaultLeaseSettings } from '#events/lease/settings.ts';
import { realBootTime } from '#io/devices/boot-time/real.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import { LeaseClient } from '#io/lease/client.ts';
import { KeptLink } from '#io/links/kept.ts';
import type { Link } from '#io/links/link.ts';
import type { Purpose } from '#io/links/purpose.ts';
import type { ThreadPeer } from '#io/log/raft/thread/protocol.ts';
import type { KeyPair } from '#io/pki/ca.ts';
import { keySha256 } from '#io/pki/node-identity.ts';
import { makeNode, peerAt, type Node } from '../log/lab.ts';
import { answerCalls } from '../log/answer.ts';

export interface HoldersStart {
  readonly authority: KeyPair;
  readonly from: number;
  readonly count: number;
}

export interface HoldersFigures {
  readonly grants: number;
  readonly lapses: number;
  readonly held: number;
  /** Between two grants of one node. */
  readonly longestMs: number;
}

const log = pino({ level: 'silent' });
/** A thousand machines do not connect in one moment, as these would. */
const dialsAtOnce = 4;

let nodes: readonly Node[] = [];
let holders: readonly Holder[] = [];

class Holder {
  readonly #node: Node;
  readonly #client: LeaseClient;
  readonly #links: KeptLink[] = [];
  #link: Link | undefined;
  #grantedAtMs: number | undefined;
  #untilMs = 0;
  grants = 0;
  lapses = 0;
  longestMs = 0;

  constructor(node: Node) {
    this.#node = node;
    this.#client = new LeaseClient({
      settings: defaultLeaseSettings,
      run: Math.floor(realRandom.next() * 2 ** 32),
      bootTime: realBootTime,
      clock: realClock,
      tickMs: 200,
      send: (_, frame) => this.#link?.send(frame) ?? false,
      onChange: ({ state, untilMs = 0 }) => {
        if (state === 'lapsed') this.lapses++;
        if (state === 'held' && untilMs > this.#untilMs) this.#granted(untilMs);
      },
    });
  }

  get holds(): boolean {
    return this.#client.status.state === 'held';
  }

  /** Resolves when all its links are up. */
  async connect(leader: ThreadPeer, purposes: readonly Purpose[]): Promise<void> {
    await Promise.all(
      purposes.map(
        (purpose) =>
          new Promise<void>((up) => {
            this.#links.push(
              new KeptLink({
                purpose,
                target: leader,
                identity: () => this.#node.identity,
                clock: realClock,
                random: realRandom,
                log,
                timeoutMs: 60_000,
                onUp: (link) => {
                  if (purpose === 'consensus') this.#link = link;
                  link.receive((frame) => this.#client.receive(leader.node, frame));
                  up();
                },
              }),
            );
          }),
      ),
    );
    this.#client.setLeader(leader.node);
    this.#client.start();
  }

  forget(): void {
    [this.grants, this.lapses, this.longestMs] = [0, 0, 0];
  }

  async stop(): Promise<void> {
    this.#client.stop();
    await Promise.all(this.#links.map((link) => link.stop()));
  }

  #granted(untilMs: number): void {
    this.#untilMs = untilMs;
    const nowMs = performance.now();
    if (this.#grantedAtMs !== undefined) this.longestMs = Math.max(this.longestMs, nowMs - this.#grantedAtMs);
    this.#grantedAtMs = nowMs;
    this.grants++;
  }
}

/** @returns the nodes as the leader knows them */
async function make({ authority, from, count }: HoldersStart): Promise<readonly ThreadPeer[]> {
  const made: Node[] = [];
  // The leader dials nobody whose name comes before its own.
  for (let n = from; n < from + count; n++) made.push(await makeNode(authority, `a${n}`, 0, 0));
  nodes = made;
  return nodes.map((node) => ({
    ...peerAt({ ...node, keySha256: keySha256(new X509Certificate(node.identity.certificate.cert)) }, 0),
    addresses: [],
  }));
}

async function connect({ leader, purposes }: { readonly leader: ThreadPeer; readonly purposes: readonly Purpose[] }) {
  holders = nodes.map((node) => new Holder(node));
  const waiting = [...holders];
  const dial = async (): Promise<void> => {
    for (let holder = waiting.pop(); holder; holder = waiting.pop()) await holder.connect(leader, purposes);
  };
  await Promise.all(Array.from({ length: dialsAtOnce }, dial));
}

answerCalls(
  {
    make,
    connect,
    held: async () => holders.filter(({ holds }) => holds).length,
    forget: async () => holders.forEach((holder) => holder.forget()),
    figures: async (): Promise<HoldersFigures> => ({
      grants: holders.reduce((sum, { grants }) => sum + grants, 0),
      lapses: holders.reduce((sum, { lapses }) => sum + lapses, 0),
      held: holders.filter(({ holds }) => holds).length,
      longestMs: Math.max(...holders.map(({ longestMs }) => longestMs)),
    }),
  },
  async () => void (await Promise.all(holders.map((holder) => holder.stop()))),
);
