/**
 * The thread of consensus: the member of the group, its log and its links. Nothing else runs here, so that neither a fold
 * nor a transfer nor a slow disk elsewhere delays a heartbeat.
 */
import { parentPort, workerData } from 'node:worker_threads';
import pino from 'pino';
import { realBootTime } from '../../../devices/boot-time/real.ts';
import { realClock } from '../../../devices/clock/real.ts';
import { realRandom } from '../../../devices/random/real.ts';
import { LeaseDesk } from '../../../lease/desk.ts';
import type { LinkIdentity } from '../../../links/identity.ts';
import { openLinkServer, type LinkServer } from '../../../links/server.ts';
import { openDirectory } from '../../../stores/directory-real.ts';
import { StoreError } from '../../../stores/port.ts';
import { openLevel } from '../../../stores/level.ts';
import { peerOf } from '../engine/peer.ts';
import { LinksTransport } from '../member/links-transport.ts';
import { RaftMember } from '../member/member.ts';
import type { FromMember, ToMember } from '../member/protocol.ts';
import { isAloneWithLoss } from '../member/alone.ts';
import { createStorage, openStorage } from '../open.ts';
import { fileNameOf } from '../snapshots/names.ts';
import { verifySnapshot } from '../snapshots/read.ts';
import type { Opened, SnapshotPointer } from '../storage.ts';
import { MainWatch } from './main-watch.ts';
import type { FromThread, ThreadError, ThreadPeer, ThreadStart, ToThread } from './protocol.ts';

/** What is in the consensus log is soon deleted again: more would only be memory. */
const writeBufferBytes = 4 * 1024 * 1024;

const start = workerData as ThreadStart;
const port = parentPort;
if (!port) throw new Error('this is the thread of consensus, and no program');

const say = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void => port.postMessage(message, transfer);

const describe = (error: unknown): ThreadError => {
  const { name, message, stack, code, hint } = error as Error & { code?: unknown; hint?: unknown };
  return {
    name: name ?? 'Error',
    message: message ?? String(error),
    stack,
    code: typeof code === 'string' ? code : undefined,
    hint: typeof hint === 'string' ? hint : undefined,
  };
};

const log = pino({ level: start.logLevel, base: null }, { write: (line: string) => say({ t: 'log', line }) });

async function open(): Promise<Opened> {
  const { folders, applied, self, begin } = start;
  const snapshots = await openDirectory(folders.snapshots);
  const parts = {
    store: await openLevel(folders.raft, { writeBufferBytes }),
    directory: await openDirectory(folders.watermark),
    clock: realClock,
    // What the history has needs no snapshot.
    hasSnapshot: async (pointer: SnapshotPointer) => (applied?.index ?? 0) >= pointer.meta.index || isWhole(pointer),
    ...(applied ? { applied } : {}),
  };
  const isWhole = async (pointer: SnapshotPointer): Promise<boolean> => {
    if (pointer.file !== fileNameOf(pointer.meta, pointer.sha256)) return false;
    try {
      return (await verifySnapshot(snapshots, pointer)) === undefined;
    } catch (error) {
      if (error instanceof StoreError && error.code === 'MISSING') return false;
      throw error;
    }
  };
  try {
    return begin ? await createStorage(parts, self, begin) : await openStorage(parts);
  } finally {
    await snapshots.close();
  }
}

async function run(): Promise<void> {
  let { identity, peers } = start;
  const self = peerOf(start.self.node, start.self.incarnation);
  const transport = new LinksTransport({ self, identity: () => identity, clock: realClock, random: realRandom, log });
  const server: LinkServer = await openLinkServer({
    listen: start.listen,
    identity,
    admission: (node) => peers.find((peer) => peer.node === node),
    purposes: ['consensus', 'log'],
    onLink: (link) => transport.accept(link),
    log,
    clock: realClock,
  });
  // A port that is taken is known before anything is made.
  const opened = await open();
  const { start: found, storage, findings } = opened;
  const isMember = found.snapshot.index > 0;
  const member = new RaftMember({
    id: self,
    opened,
    settings: start.settings,
    timing: start.timing,
    clock: realClock,
    random: () => realRandom.next(),
    transport,
    emit: (news) => {
      const messages = leases.overhear(news);
      if (messages.length > 0) say({ t: 'member', messages }, messages.flatMap(transferOf));
    },
    onBroken: (error) => say({ t: 'failed', error: describe(error) }),
  });
  const leases = new LeaseDesk({
    self,
    settings: start.leases,
    run: Math.floor(realRandom.next() * 2 ** 32),
    name: `lease-${realRandom.id()}`,
    bootTime: realBootTime,
    clock: realClock,
    tickMs: start.timing.tickMs,
    reportMs: start.timing.statusMs,
    read: (request) => member.handle([{ t: 'read', request }]),
    send: (to, frame) => transport.sendLease(to, frame),
    say: (message) => say({ t: 'lease', message }),
  });
  transport.receiveLeases((from, frame) => leases.receive(from, frame));
  const mainWatch = new MainWatch({
    clock: realClock,
    log,
    status: () => member.status,
    passOn: (to) => member.handle([{ t: 'transfer', to }]),
  });
  const isLost = isAloneWithLoss(member.status, othersOf(peers).length);
  say({ t: 'opened', identity: opened.identity, snapshot: storage.snapshot, isMember, findings, isLost });
  transport.setPeers(othersOf(peers));
  member.start();
  leases.start();

  const stop = async (): Promise<void> => {
    mainWatch.stop();
    leases.stop();
    await server.close();
    await member.stop();
    say({ t: 'stopped' });
    port?.close();
  };
  const setIdentity = (renewed: LinkIdentity): void => {
    identity = renewed;
    server.setIdentity(renewed);
  };
  const setPeers = (present: readonly ThreadPeer[]): void => {
    peers = present;
    server.recheck();
    transport.setPeers(othersOf(present));
  };
  // What has come when it is looked at is handled as one.
  let arrived: ToMember[] = [];
  const take = (message: ToMember): void => {
    arrived.push(message);
    if (arrived.length > 1) return;
    setImmediate(() => {
      const messages = arrived;
      arrived = [];
      member.handle(messages);
    });
  };
  port?.on('message', (message: ToThread) => {
    mainWatch.heard();
    switch (message.t) {
      case 'member':
        return take(message.message);
      case 'lease':
        return leases.handle(message.message);
      case 'identity':
        return setIdentity(message.identity);
      case 'peers':
        return setPeers(message.peers);
      case 'beat':
        return undefined;
      case 'stop':
        return void stop().catch((error: unknown) => say({ t: 'failed', error: describe(error) }));
    }
  });
}

const othersOf = (peers: readonly ThreadPeer[]): readonly ThreadPeer[] =>
  peers.filter(({ node }) => node !== start.self.node);

/** The one large thing in it changes hands instead of being copied. */
const transferOf = (message: FromMember): readonly ArrayBuffer[] =>
  message.t === 'committed' ? [message.slice.data.bytes.buffer as ArrayBuffer] : [];

run().catch((error: unknown) => say({ t: 'failed', error: describe(error) }));
