/**
 * This machine among the others: its port for nodes, the links to them, the event log that they share, and what it does
 * for them.
 *
 *   open ─▶ mesh, log ─▶ (the lab is folded) ─▶ attach ─▶ door, members, certificate, keys
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import * as z from 'zod';
import { zoneLabel } from '#actors/placement/electors.ts';
import type { LabView } from '#actors/actor.ts';
import { protocolVersions } from '#actors/versions.ts';
import { kindOf, streamOf } from '#events/envelope.ts';
import { noMembers, votersOf } from '#events/raft/configuration.ts';
import type { Clock } from '../../devices/clock/port.ts';
import type { Random } from '../../devices/random/port.ts';
import { GroupKeeper } from '../../lab/group-keeper.ts';
import type { ClusterStatus } from '#io/contract/cluster.ts';
import { limited } from '../../lab/limited.ts';
import { overMesh, type Others } from '../../lab/others.ts';
import type { ClusterPort } from '../../lab/port.ts';
import type { RunningLab } from '../../lab/running.ts';
import type { SharedBlobs } from '../../lab/shared-blobs.ts';
import { hostPort } from '../../links/address.ts';
import { Calls, Methods } from '../../links/calls.ts';
import type { LinkIdentity } from '../../links/identity.ts';
import { Mesh } from '../../links/mesh.ts';
import { openLinkServer, type LinkServer } from '../../links/server.ts';
import { TokenBucket } from '../../links/token-bucket.ts';
import { nodeOf } from '../../log/raft/engine/peer.ts';
import type { FoldedVersions } from '../../log/raft/engine/open.ts';
import { openNodeLog, type NodeLog } from '../../log/raft/node-log.ts';
import type { MemberStatus } from '../../log/raft/member/protocol.ts';
import { LogError } from '../../log/port.ts';
import type { KeyPair } from '../../pki/ca.ts';
import { keepNodeCertificate } from '../../pki/renewal.ts';
import type { NodeIni } from '../node-ini.ts';
import type { Listen } from '../settings.ts';
import { version } from '../version.ts';
import { beginOf, hasBegun, logFolder, type Beginning } from './begin.ts';
import { keepAuthority } from './authority-keeper.ts';
import { answerClock, knock } from './clock-call.ts';
import { outcastByClock } from './clock-outcast.ts';
import { answerRenewals, caSha256, Door } from './door.ts';
import { sayGoodbye } from './goodbye.ts';
import { authorityOf, tlsDirOf, type NodeKeys } from './keys.ts';
import { grantWhileLeading, withLeases } from './leases.ts';
import { listening, type Listening } from './listening.ts';
import { isOutOfLab } from './out-of-lab.ts';
import { keepOutcast, type Outcast } from './outcast.ts';
import { renewCertificate } from './renew.ts';
import { consensusPort, Roster } from './roster.ts';
import { keepSealedKeys } from './sealed-keeper.ts';
import { signingTime, type SigningTime } from './signing-time.ts';
import { statusOf } from './status.ts';
import { StrangeClocks } from './strange-clocks.ts';
import { tellFollowing } from './tell-following.ts';
import { keepTrusted } from './trusted.ts';

export interface AmongOthersOptions {
  readonly dataDir: string;
  readonly ini: NodeIni;
  readonly keys: NodeKeys;
  /** For requests; the port after it is for consensus. */
  readonly listen: readonly Listen[];
  /** Nobody has said it: any other port will do while the lab has no other node. */
  readonly mayMove: boolean;
  /** By which others reach this node. */
  readonly addresses: readonly string[];
  /** Of bulk streams to others; undefined: as fast as they can be. */
  readonly transferBytesPerSecond: number | undefined;
  /** See `RaftLogOptions`. */
  foldedUpTo(head: number): Promise<FoldedVersions>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  onBroken(error: unknown): void;
}

type Opened = Listening & { readonly server: LinkServer; readonly nodeLog: NodeLog };

/** Of those that a token says: who joins tries one after the other. */
const mostOwnAddresses = 8;
const mostOtherVoters = 2;
const mostOfOther = 4;
/** A person asks for it, at whichever node. */
const transferRate = { perSecond: 1, burst: 10 };
const nodeId = z.string().min(1).max(64);
/** Whoever is down says nothing. */
const refusalMs = 4000;

export class AmongOthers implements ClusterPort {
  readonly others: Others;
  readonly #options: AmongOthersOptions;
  readonly #roster: Roster;
  readonly #mesh: Mesh;
  /** What a node whose certificate has run out may ask for. */
  readonly #renewing = new Methods();
  readonly #strangeClocks: StrangeClocks;
  readonly #stops: (() => void)[] = [];
  readonly #certificateListeners = new Set<() => void>();
  #beginning: Beginning;
  #identity: LinkIdentity;
  #opened: Opened | undefined;
  #member: MemberStatus | undefined;
  #leaderlessSince: number | undefined;
  #lab: RunningLab | undefined;
  #door: Door | undefined;
  #outcast: Outcast | undefined;
  #wasIn = false;

  private constructor(options: AmongOthersOptions, roster: Roster, beginning: Beginning) {
    const { ini, keys } = options;
    this.#options = options;
    this.#roster = roster;
    this.#beginning = beginning;
    this.#identity = {
      cluster: ini.lab.id,
      generation: ini.lab.generation,
      node: ini.node.id,
      incarnation: ini.node.incarnation ?? '',
      run: randomBytes(12).toString('hex'),
      version,
      protocol: protocolVersions,
      certificate: keys.certificate,
      caCert: keys.caCert,
    };
    const { clock, transferBytesPerSecond: bytesPerSecond } = options;
    const bulkLimit = bytesPerSecond === undefined ? {} : { bulkLimit: new TokenBucket({ bytesPerSecond, clock }) };
    this.#mesh = new Mesh({ ...options, ...bulkLimit, identity: () => this.#identity });
    this.#strangeClocks = new StrangeClocks(clock, () => this.#signingTime().nowMs);
    this.others = overMesh(this.#mesh, ini.node.id);
  }

  /** @throws IoError, LogError, StoreError */
  static async open(options: AmongOthersOptions): Promise<AmongOthers> {
    const { dataDir, ini } = options;
    const { id, incarnation = '' } = ini.node;
    const roster = await Roster.open(dataDir, id);
    const wasJoined = ini.lab.wasJoined || roster.nodes.length > 0;
    const among = new AmongOthers(options, roster, await beginOf(dataDir, incarnation, wasJoined));
    await among.#open();
    await hasBegun(dataDir, incarnation);
    among.#stops.push(among.#keepOutcast());
    return among;
  }

  /** Whether this start made its log. */
  get begins(): Beginning['begins'] {
    return this.#beginning.begins;
  }

  get nodeLog(): NodeLog {
    return this.#listening.nodeLog;
  }

  /** Where this node listens for others. */
  get port(): number {
    return this.#listening.port;
  }

  /** By which the others know this node, as it is now. */
  get certificate(): KeyPair {
    return this.#identity.certificate;
  }

  /** Called when there is another one, and when this node begins or ends to vote. @returns the way out */
  onCertificate(listener: () => void): () => void {
    this.#certificateListeners.add(listener);
    return () => this.#certificateListeners.delete(listener);
  }

  /** What a person should know about it. */
  get notes(): readonly string[] {
    const { message, hint } = (this.#member?.leader === undefined && this.#outcast) || {};
    return [...this.#listening.notes, ...(message === undefined ? [] : [`${message} ${hint}`])];
  }

  /** This node's own addresses, and those of other voters: whoever joins does not depend on this node being there. */
  get door(): ClusterPort['door'] {
    const { addresses, keys } = this.#options;
    const { port, others } = this;
    const own = addresses.slice(0, mostOwnAddresses).map((host) => hostPort({ host, port }));
    const voting = this.#roster.nodes.filter(({ node }) => node !== others.self && this.voters().includes(node));
    const isSilent = ({ node }: { readonly node: string }): number => Number(!others.reachable.includes(node));
    const further = voting
      .toSorted((a, b) => isSilent(a) - isSilent(b))
      .slice(0, mostOtherVoters)
      .flatMap((known) => known.addresses.slice(0, mostOfOther).map((host) => hostPort({ host, port: known.port })));
    return { addresses: [...own, ...further], caSha256: caSha256(keys.caCert) };
  }

  /** Ids of the nodes that vote, as this one knows it. */
  readonly voters = (): readonly string[] =>
    this.#member ? votersOf(this.#member.configuration).map(nodeOf) : [this.others.self];

  /** The same in lists of which each must agree by a majority: two while the group changes from some to others. */
  readonly electorates = (): readonly (readonly string[])[] => {
    const { voters, outgoing } = this.#member?.configuration ?? noMembers;
    const lists = [voters, outgoing].filter((peers) => peers.length > 0).map((peers) => peers.map(nodeOf));
    return lists.length > 0 ? lists : [[this.others.self]];
  };

  /** Whether a node of the lab, as this one knows it, has this key. @param keySha256 of its public one, hex */
  readonly hasNodeWith = (keySha256: string): boolean =>
    this.#roster.nodes.some((known) => known.keySha256 === keySha256);

  status(): ClusterStatus {
    const { ini, keys } = this.#options;
    const { others } = this;
    const head = this.nodeLog.log.head;
    const seen = statusOf({ member: this.#member, head, lab: this.#lab, ini, caCert: keys.caCert, others });
    const members = this.#strangeClocks.shownIn(withLeases(seen.members, this.nodeLog.leases));
    const status = { ...seen, members };
    if (status.leader !== undefined) return status;
    const since = this.#leaderlessSince;
    return {
      ...status,
      ...(since === undefined ? {} : { leaderlessSince: since }),
      ...(this.#outcast ? { outcast: this.#outcast } : {}),
    };
  }

  async transfer(node: string, signal: AbortSignal): Promise<void> {
    const { mine, leader } = this.#lab?.leadership ?? {};
    if (mine === true) return this.#passOn(node);
    if (leader === undefined) throw new LogError('NO_QUORUM', 'the lab has no leader', 'See: floatlab cluster status');
    await this.others.ask(leader, 'lab/transfer', node, signal);
  }

  /** The lab is folded: from now on this node does its part in it. @param ini as it is now */
  attach(lab: RunningLab, ini: () => NodeIni, blobs: Pick<SharedBlobs, 'sweep'>): void {
    const { dataDir, clock, random, log, onBroken } = this.#options;
    const { others, electorates } = this;
    const time = (): SigningTime => this.#signingTime();
    const door = new Door({ ...this.#options, lab, others, roster: this.#roster, time, ini });
    this.#lab = lab;
    this.#door = door;
    answerRenewals(this.#renewing, door, clock);
    answerClock(this.#renewing, clock, (node, now) => {
      const aheadMs = this.#strangeClocks.heard(node, now);
      if (aheadMs !== undefined) lab.note('clock', streamOf('node', node), { aheadMs });
    });
    const transfer = async (said: unknown): Promise<null> => {
      this.#passOn(nodeId.parse(said));
      return null;
    };
    others.answer('lab/transfer', limited(transferRate, clock, transfer));
    const passOn = (to: string): void => this.#passOn(to);
    const secure = async (signal: AbortSignal): Promise<boolean> => {
      await blobs.sweep(signal);
      return (await authorityOf(dataDir)) !== undefined;
    };
    const keeper = new GroupKeeper({ lab, eventLog: this.nodeLog.log, others, clock, random, log, secure });
    this.#stops.push(
      keepTrusted({ status: () => this.#member, lab, others, clock, log, passOn }),
      keepAuthority({
        dataDir,
        others,
        clock,
        log,
        electorates,
        isOut: () => this.#isOut(),
        onChange: () => this.#certificateChanged(),
      }),
      keepSealedKeys({ dataDir, others, clock, log, electorates }),
      this.#keepCertificate(door),
      tellFollowing({ self: others.self, nodeLog: this.nodeLog, observed: lab.observedRows, clock }),
      () => keeper.stop(),
      grantWhileLeading({ eventLog: this.nodeLog.log, lab, leases: this.nodeLog.leases, onBroken }),
      lab.replica.listen(({ steps }) => {
        if (steps.some(({ event }) => kindOf(event.stream) === 'node')) this.#follow(lab);
      }),
    );
    this.#follow(lab);
  }

  /** Before it stops on purpose, and after its last heartbeat. Never rejects. */
  async sayGoodbye(): Promise<void> {
    const { clock, random, log } = this.#options;
    const lab = this.#lab;
    if (!lab) return;
    const passOn = (to: string): void => this.#passOn(to);
    await sayGoodbye({ node: this.others.self, lab, clock, random, log, status: () => this.#member, passOn });
  }

  /** The log is closed by whoever folds it. */
  async stop(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.#opened?.server.close();
    await this.#mesh.close();
    await this.#roster.settled();
  }

  get #listening(): Opened {
    if (!this.#opened) throw new Error('this node does not listen yet');
    return this.#opened;
  }

  async #open(): Promise<void> {
    this.#mesh.setNodes(this.#roster.targets());
    try {
      const isAlone = this.#roster.nodes.length <= 1;
      this.#opened = await listening(this.#options, (listen) => this.#listen(listen), isAlone);
    } catch (error) {
      await this.#mesh.close();
      throw error;
    }
  }

  async #listen(listen: readonly Listen[]): Promise<Pick<Opened, 'server' | 'nodeLog'>> {
    const { log, clock } = this.#options;
    const server = await openLinkServer({
      listen,
      identity: this.#identity,
      admission: (node) => this.#roster.admission(node),
      dialed: (node) => this.#mesh.linksTo(node),
      purposes: ['requests', 'stream', 'renew'],
      onLink: (link) => {
        if (link.purpose !== 'renew') return this.#mesh.accept(link);
        void new Calls({ link, methods: this.#renewing, log });
        this.#mesh.heard(link.peer.node);
      },
      onRequest: async (request) => this.#door?.handle(request) ?? starting,
      log,
      clock,
    });
    try {
      const consensus = listen.map(({ host }) => ({ host, port: consensusPort(server.port) }));
      return { server, nodeLog: await this.#openLog(consensus) };
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  async #openLog(listen: readonly Listen[]): Promise<NodeLog> {
    const { begins, otherwise } = this.#beginning;
    try {
      return await openNodeLog({
        ...this.#options,
        folder: logFolder(this.#options.dataDir),
        identity: this.#identity,
        begin: begins,
        listen,
        peers: this.#roster.peers(),
        mesh: this.#mesh,
        nodes: () => this.#roster.nodes.map(({ node }) => node),
        zoneOf: (node) => this.#lab?.view.get(streamOf('node', node))?.context.metadata.labels[zoneLabel] ?? null,
        onStatus: (status) => {
          this.#member = status;
          this.#leaderlessSince =
            status.leader === undefined ? (this.#leaderlessSince ?? this.#options.clock.now()) : undefined;
        },
      });
    } catch (error) {
      if (otherwise === undefined || (error as { readonly code?: unknown }).code !== 'MISSING') throw error;
      // A crash left its folder, and nothing in it.
      this.#beginning = { begins: otherwise };
      return this.#openLog(listen);
    }
  }

  #keepOutcast(): () => void {
    const { ini, clock, log } = this.#options;
    return keepOutcast({
      name: ini.node.name,
      clock,
      knock: (signal) => knock(this.#mesh, clock, signal),
      byClock: (clocks) => {
        const { self } = this.others;
        const nameOf = (of: string): string => this.#roster.nodes.find(({ node }) => node === of)?.name ?? of;
        return outcastByClock({ self, name: ini.node.name, now: clock.now(), clocks, voters: this.voters(), nameOf });
      },
      hasLeader: () => this.#member?.leader !== undefined,
      onChange: (outcast) => {
        this.#outcast = outcast;
        if (outcast) log.warn(outcast, 'no link between this node and the others holds');
      },
    });
  }

  /** Who belongs to the lab, and where. */
  #follow(lab: RunningLab): void {
    if (!this.#isFoldedIn(lab.view) || !this.#roster.update(lab.view)) return;
    this.#mesh.setNodes(this.#roster.targets());
    this.nodeLog.setPeers(this.#roster.peers());
    this.#listening.server.recheck();
  }

  /**
   * Whether this node has folded the history as far as to its own coming. Before that it reads of a past that it was no
   * part of: nodes had other keys and addresses then than it was told when it was let in, and its own place was another's.
   */
  #isFoldedIn(lab: LabView): boolean {
    const { node, incarnation } = this.#identity;
    this.#wasIn ||= lab.get(streamOf('node', node))?.context.incarnation === incarnation;
    return this.#wasIn;
  }

  #keepCertificate(door: Door): () => void {
    const { dataDir, keys, clock, random, log } = this.#options;
    const { others, voters } = this;
    const parts = { dataDir, others, mesh: this.#mesh, door, voters };
    return keepNodeCertificate({
      dir: tlsDirOf(dataDir),
      node: others.self,
      key: keys.certificate.key,
      caCert: () => keys.caCert,
      renew: (wish, signal) => renewCertificate(parts, wish, signal),
      onRenewed: (certificate) => {
        this.#identity = { ...this.#identity, certificate };
        this.#listening.server.setIdentity(this.#identity);
        this.nodeLog.setIdentity(this.#identity);
        log.info('the certificate of this node was renewed');
        this.#certificateChanged();
      },
      onFailed: (error, againInMs) =>
        log.warn({ error: String(error), againInMs }, 'the certificate of this node could not be renewed'),
      clock,
      random,
    });
  }

  /** Before the lab is folded nobody is sent anything that is signed. */
  #signingTime(): SigningTime {
    const { clock } = this.#options;
    const lab = this.#lab;
    if (!lab) return { nowMs: clock.now(), fromMs: clock.now() };
    const { voterClocks, commander } = lab;
    const agreed = () => (voterClocks?.isAlone === false ? voterClocks.agreed() : undefined);
    return signingTime({ agreed, logNow: () => commander.now() }, clock);
  }

  #isOut(): Promise<boolean> {
    const { node, incarnation } = this.#identity;
    const view = this.#lab?.view;
    return isOutOfLab({
      lab: view && this.#isFoldedIn(view) ? view : undefined,
      self: node,
      incarnation,
      voters: this.voters(),
      isRefused: this.#outcast !== undefined,
      refusalOf: (other) => this.#mesh.refusalOf(other, AbortSignal.timeout(refusalMs)),
    });
  }

  #certificateChanged(): void {
    for (const listener of this.#certificateListeners) listener();
  }

  /** Of this leader to a voter. @throws with a code */
  #passOn(to: string): void {
    const peer = this.#member?.configuration.voters.find((voter) => nodeOf(voter) === to);
    if (this.#member?.role !== 'leader') throw coded('NOT_LEADER', 'this node does not lead');
    if (peer === undefined) throw coded('REFUSED', 'only a voter can lead');
    this.nodeLog.log.transfer(peer);
  }
}

const starting = { status: 503, body: { code: 'STARTING', explain: 'the node starts', hint: 'Try again.' } };

const coded = (code: string, message: string): Error => Object.assign(new Error(message), { code });
