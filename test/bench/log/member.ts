/**
 * A member of the group as a process: its event log on a real disk, its links with real certificates, and one method
 * that appends. What a node of a lab has besides (the fold, the API) is not here, as it is not in etcd.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { Packr } from 'msgpackr';
import pino from 'pino';
import type { Entry } from '#events/envelope.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { realRandom } from '#io/devices/random/real.ts';
import type { LinkIdentity } from '#io/links/identity.ts';
import { Mesh } from '#io/links/mesh.ts';
import { openLinkServer, type LinkServer } from '#io/links/server.ts';
import { peerOf } from '#io/log/raft/engine/peer.ts';
import { openNodeLog, type NodeLog } from '#io/log/raft/node-log.ts';
import type { ThreadPeer } from '#io/log/raft/thread/protocol.ts';
import { answerCalls } from './answer.ts';

export interface MemberStart {
  readonly folder: string;
  readonly identity: LinkIdentity;
  readonly begin: 'found' | 'join' | 'open';
  /** Where it listens for votes and entries, */
  readonly memberPort: number;
  /** and for calls and streams. */
  readonly meshPort: number;
  /** The members, where they listen for votes and entries. */
  readonly members: readonly ThreadPeer[];
  /** Members and clients, where they listen for calls. */
  readonly nodes: readonly ThreadPeer[];
}

const host = '127.0.0.1';
const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: 'number' });
const neverAborted = new AbortController().signal;
const log = pino({ level: 'error' }, pino.destination(2));

let started: { readonly nodeLog: NodeLog; readonly mesh: Mesh; readonly server: LinkServer } | undefined;

async function start({ folder, identity, begin, memberPort, meshPort, members, nodes }: MemberStart): Promise<void> {
  const shared = { clock: realClock, random: realRandom, log };
  const mesh = new Mesh({ ...shared, identity: () => identity });
  const server = await openLinkServer({
    listen: [{ host, port: meshPort }],
    identity,
    admission: (node) => nodes.find((one) => one.node === node),
    purposes: ['requests', 'stream'],
    onLink: (link) => mesh.accept(link),
    log,
    clock: realClock,
  });
  mesh.setNodes(nodes);
  const nodeLog = await openNodeLog({
    ...shared,
    folder,
    identity,
    begin,
    listen: [{ host, port: memberPort }],
    peers: members,
    mesh,
    foldedUpTo: () => Promise.resolve({ versions: new Map(), index: 0 }),
    onStatus: () => undefined,
    onBroken: (error) => {
      process.stderr.write(`a member broke: ${String(error)}\n`);
      process.exit(1);
    },
  });
  // It cannot be given up: what is proposed is decided, whoever waits for it.
  mesh.methods.handle('bench/append', async (body) => {
    const answer = await nodeLog.log.append(packr.unpack(body) as Entry, neverAborted);
    return packr.pack('index' in answer ? answer.index : answer.conflict);
  });
  started = { nodeLog, mesh, server };
}

const here = () => {
  if (!started) throw new Error('the member was not started');
  return started;
};

async function until(condition: () => boolean, ms: number): Promise<number> {
  const endMs = performance.now() + ms;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`it did not happen within ${ms} ms`);
    await wait(2);
  }
  return Date.now();
}

answerCalls(
  {
    start,
    leads: async () => here().nodeLog.log.leads,
    head: async () => here().nodeLog.log.head,
    untilLeads: (ms: number) => until(() => here().nodeLog.log.leads, ms),
    /** @returns when, as `Date.now()` */
    untilHead: ({ head, ms }: { readonly head: number; readonly ms: number }) =>
      until(() => here().nodeLog.log.head >= head, ms),
    /** From now on it grants leases. */
    openLeases: async () => {
      const { leases, log: groupLog } = here().nodeLog;
      leases.open(groupLog.status?.term ?? 0);
    },
    /** How many nodes hold a lease by its reckoning. */
    leasesHeld: async () => {
      const { granted = [], nowMs } = here().nodeLog.leases;
      return granted.filter(({ grantedUntilMs = 0 }) => grantedUntilMs > nowMs).length;
    },
    addVoter: async (node: string) => {
      const change = {
        steps: [{ do: 'add-voter' as const, peer: peerOf(node, 'bench') }],
        transition: 'auto' as const,
      };
      const { log: groupLog } = here().nodeLog;
      await groupLog.change(change, new Uint8Array(0), groupLog.status?.term ?? 0);
    },
  },
  async () => {
    await started?.nodeLog.log.close();
    await started?.mesh.close();
    await started?.server.close();
  },
);
