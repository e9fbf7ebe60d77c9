/**
 * The event log of a real node: its folders, its member of the group on a thread of its own, and what it fetches from
 * others over the mesh.
 *
 *   <folder>/raft       the consensus log (LevelDB)      <folder>/history     what was ever applied
 *   <folder>/watermark  how far it got, beside it        <folder>/snapshots   of the history, for members far behind
 *   <folder>/followed   while it follows another node: how far its own member had got
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { configurationOf, noMembers } from '#events/raft/configuration.ts';
import { defaultLeaseSettings, type LeaseSettings } from '#events/lease/settings.ts';
import { defaultSettings, type RaftSettings } from '#events/raft/settings.ts';
import { realBootTime } from '../../devices/boot-time/real.ts';
import type { Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import { overMesh } from '../../lab/others.ts';
import { NodeLeases } from '../../lease/node-leases.ts';
import type { LinkIdentity } from '../../links/identity.ts';
import type { Mesh } from '../../links/mesh.ts';
import { openDirectory } from '../../stores/directory-real.ts';
import { LogError } from '../port.ts';
import { openRaftLog, type FoldedVersions, type OpenedRaftLog, type StartedMember } from './engine/open.ts';
import { peerOf } from './engine/peer.ts';
import type { EitherChannel } from './following/either.ts';
import { offerFollowing } from './following/offer.ts';
import { followOrTakePart } from './following/open.ts';
import { standardFollowing, type FollowTiming } from './following/timing.ts';
import { fetchSnapshot, offerHistory, segmentSource } from './history-over-mesh.ts';
import type { MemberStatus } from './member/protocol.ts';
import { standardTiming, type MemberTiming } from './member/timing.ts';
import type { Position } from './suspicion.ts';
import { startMemberThread, type MemberThread } from './thread/member-thread.ts';
import type { ThreadPeer } from './thread/protocol.ts';

export interface NodeLogOptions {
  /** Of the log alone. */
  readonly folder: string;
  readonly identity: LinkIdentity;
  /** `found` a group of this node alone, be a machine that is to `join` one, or `open` what is there. */
  readonly begin: 'found' | 'join' | 'open';
  /** For votes, heartbeats and entries. */
  readonly listen: readonly { readonly host: string; readonly port: number }[];
  /** All nodes of the lab, with where their members listen. */
  readonly peers: readonly ThreadPeer[];
  readonly mesh: Mesh;
  /** Ids of all nodes of the lab, as it is known now; by default, those that can be reached. */
  readonly nodes?: () => readonly string[];
  /** Label `zone` of a node. */
  readonly zoneOf?: (node: string) => string | null;
  /** See `RaftLogOptions`. */
  foldedUpTo(head: number): Promise<FoldedVersions>;
  readonly settings?: Partial<RaftSettings>;
  readonly timing?: Partial<MemberTiming>;
  readonly following?: Partial<FollowTiming>;
  readonly leases?: Partial<LeaseSettings>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  onStatus(status: MemberStatus): void;
  /** Nothing works any more: end the process. */
  onBroken(error: unknown): void;
}

export interface NodeLog extends OpenedRaftLog {
  /** Of a node that is no peer of the group: whom it follows, and how far it is behind. */
  readonly following: Following | undefined;
  readonly leases: NodeLeases;
  /** What has changed about the other nodes. */
  setPeers(peers: readonly ThreadPeer[]): void;
  setIdentity(identity: LinkIdentity): void;
}

export interface Following {
  /** Id of a node; undefined while there is none. */
  readonly source: string | undefined;
  /** Entries. */
  readonly behind: number;
  /** Segments of the history are fetched. */
  readonly isFetching: boolean;
}

const anothers = (folder: string): LogError =>
  new LogError(
    'DAMAGED',
    `the consensus log in ${folder} is of another generation or incarnation than node.ini says`,
    'A recovery was interrupted: do it again (npm start -- --recover). If not, put node.ini and the log of the same backup together.',
  );

const lost = (explain: string): LogError =>
  new LogError(
    'DAMAGED',
    `the consensus log of this node is damaged, and no other voter has what it lost: ${explain}`,
    'Nothing was changed. Keep a copy of the data directory and check the disk (dmesg, SMART). To go on with what is intact: npm start -- --recover; else restore the directory from the newest backup.',
  );

/** Election time-outs are 1 to 2 times this many ticks: a dead leader has a successor in less than two seconds. */
const electionTicks = 8;
const heartbeatTicks = 2;

/** @throws LogError, StoreError, IoError */
export async function openNodeLog(options: NodeLogOptions): Promise<NodeLog> {
  const { folder, identity, mesh, log, clock, random } = options;
  const { cluster, generation, node, incarnation } = identity;
  const folderOf = (name: string): string => join(folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const self = peerOf(node, incarnation);
  const settings = { ...defaultSettings, electionTicks, heartbeatTicks, ...options.settings };
  const timing = { ...standardTiming, ...options.timing };
  const leaseSettings = { ...defaultLeaseSettings, ...options.leases };
  let thread: MemberThread | undefined;
  const openedHere: { opened?: OpenedRaftLog; channel?: EitherChannel } = {};
  let failure: unknown;
  const broke = (error: unknown): void => {
    failure ??= error;
    leases.end();
    openedHere.opened?.log.broke(error);
  };
  const leases = new NodeLeases({
    settings: leaseSettings,
    bootTime: realBootTime,
    say: (message) => {
      thread?.sayToLeases(message);
      return thread !== undefined;
    },
    applied: () => {
      const { applied: entry = 0, head: event = 0 } = openedHere.opened?.log ?? {};
      return { entry, event };
    },
  });
  const following = {
    ...options,
    self,
    whose: { cluster, generation },
    neighbours: overMesh(mesh, node),
    nodes: options.nodes ?? (() => [node, ...mesh.reachable]),
    zoneOf: options.zoneOf ?? (() => null),
    timing: { ...standardFollowing, ...options.following },
    openMark: () => openDirectory(folderOf('followed')),
    note: (message: string, details: Readonly<Record<string, unknown>>) => log.info(details, message),
    onBroken: broke,
  };
  const startMember = async (applied: Position | undefined): Promise<StartedMember> => {
    thread = await startMemberThread(
      {
        self: { cluster, generation, node, incarnation },
        folders: { raft: folderOf('raft'), watermark: folderOf('watermark'), snapshots: folderOf('snapshots') },
        begin: options.begin === 'open' ? undefined : options.begin === 'found' ? configurationOf([self]) : noMembers,
        applied,
        listen: options.listen,
        identity,
        peers: options.peers,
        settings,
        timing,
        leases: leaseSettings,
        logLevel: log.level,
      },
      { log, onLease: (message) => leases.hear(message), onBroken: broke },
    );
    const { snapshot, isMember, findings } = thread.opened;
    for (const { kind, explain } of findings) log.warn({ kind }, explain);
    const found = thread.opened.identity;
    if (found.incarnation !== incarnation || found.generation !== generation) {
      await thread.channel.close();
      throw anothers(folder);
    }
    if (thread.opened.isLost) {
      await thread.channel.close();
      throw lost(findings.map(({ explain }) => explain).join(' '));
    }
    const { channel } = thread;
    const close = async (): Promise<void> => {
      leases.end();
      await channel.close();
    };
    const firstConfiguration = isMember ? configurationOf([self]) : undefined;
    return { channel: { ...channel, close }, snapshot, firstConfiguration };
  };
  const opened = await openRaftLog({
    openHistory: () => openDirectory(folderOf('history')),
    openSnapshots: () => openDirectory(folderOf('snapshots')),
    startMember: async (found) => {
      const started = await followOrTakePart(following, found, startMember);
      openedHere.channel = started.channel;
      return started;
    },
    foldedUpTo: (head) => options.foldedUpTo(head),
    clock,
    random,
    patienceMs: 4 * settings.electionTicks * timing.tickMs,
    late: { testMs: settings.electionTicks * timing.tickMs, hangsMs: timing.diskHangsMs },
    sources: () => mesh.reachable.map((other) => segmentSource(mesh, other)),
    fetchSnapshot: (from, pointer, files) => fetchSnapshot(mesh, from, pointer, files),
    note: (message, details) => log.info(details, message),
    onStatus: (status) => {
      if (openedHere.channel?.isFollowing === true) leases.follow(status.leader);
      options.onStatus(status);
      openedHere.opened?.keeper.wake();
    },
    onBroken: (error) => {
      leases.end();
      options.onBroken(error);
    },
  });
  openedHere.opened = opened;
  if (failure !== undefined) opened.log.broke(failure);
  offerHistory(
    mesh,
    () => opened.keeper.history,
    () => opened.snapshots,
  );
  const { keeper } = opened;
  offerFollowing({
    ...following,
    keeper,
    log: opened.log,
    status: () => opened.log.status,
    isPeer: () => openedHere.channel?.isPeer ?? false,
  });
  return {
    ...opened,
    leases,
    get following() {
      const { channel } = openedHere;
      if (channel?.isFollowing !== true) return undefined;
      const { last } = keeper.history;
      const behind = Math.max(0, (opened.log.status?.committed ?? last) - last);
      return { source: channel.source, behind, isFetching: keeper.history.missing().length > 0 };
    },
    setPeers: (peers) => thread?.setPeers(peers),
    setIdentity: (renewed) => thread?.setIdentity(renewed),
  };
}
