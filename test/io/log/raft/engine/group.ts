/**
 * Groups of members in one process, each with its own simulated machine disk, over a network in memory: links can be
 * cut in either direction, members be killed and started again.
 */
import { configurationOf, noMembers, type Configuration } from '#events/raft/configuration.ts';
import type { PeerId } from '#events/raft/entry.ts';
import { defaultSettings, type RaftSettings } from '#events/raft/settings.ts';
import type { Clock } from '#io/devices/clock/port.ts';
import { realClock } from '#io/devices/clock/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { openRaftLog, type FoundHistory, type OpenedRaftLog, type StartedMember } from '#io/log/raft/engine/open.ts';
import { nodeOf, peerOf } from '#io/log/raft/engine/peer.ts';
import type { EitherChannel } from '#io/log/raft/following/either.ts';
import { offerFollowing } from '#io/log/raft/following/offer.ts';
import { followOrTakePart } from '#io/log/raft/following/open.ts';
import { standardFollowing, type FollowTiming } from '#io/log/raft/following/timing.ts';
import type { Sealing } from '#io/log/raft/history/sealing.ts';
import { memberInProcess } from '#io/log/raft/member/in-process.ts';
import { standardTiming, type MemberTiming } from '#io/log/raft/member/timing.ts';
import type { Parcel, Transport } from '#io/log/raft/member/transport.ts';
import { createStorage, openStorage } from '#io/log/raft/open.ts';
import type { MemberStatus } from '#io/log/raft/member/protocol.ts';
import type { SnapshotFiles } from '#io/log/raft/snapshots/snapshot-files.ts';
import type { Finding, SnapshotPointer } from '#io/log/raft/storage.ts';
import { SimMachineDisk } from '#io/stores/sim-machine.ts';
import { StoreError } from '#io/stores/port.ts';
import { MemoryOthers } from '#test/io/lab/memory-others.ts';

export interface GroupOptions {
  readonly clock?: Clock;
  readonly timing?: Partial<MemberTiming>;
  readonly settings?: Partial<RaftSettings>;
  readonly sealing?: Sealing;
  readonly diskLatencyMs?: number;
  readonly following?: Partial<FollowTiming>;
}

/** Of nodes that follow others: so short that a test sees them change over. */
const quickFollowing: FollowTiming = {
  ...standardFollowing,
  lookMs: 150,
  hurryMs: 20,
  askMs: 300,
  silentMs: 1500,
  settleMs: 60,
};

/** So small that short tests see snapshots and segments. */
const smallSealing: Sealing = { entries: 50, bytes: 64 * 1024 };

const noState = { foldedUpTo: () => Promise.resolve({ versions: new Map(), index: 0 }) };

export class TestGroup {
  readonly #options: GroupOptions;
  readonly clock: Clock;
  readonly members = new Map<PeerId, TestMember>();
  /** `from>to` of links that lose everything. */
  readonly cuts = new Set<string>();
  /** What a link to somebody has no room for. */
  refuses: (parcel: Parcel) => boolean = () => false;
  /** By which nodes ask one another. */
  readonly network = new Map<string, MemoryOthers>();
  /** Labels of nodes. */
  readonly zones = new Map<string, string>();
  readonly #receivers = new Map<PeerId, (parcels: readonly Parcel[]) => void>();
  readonly #random = seededRandom(7);

  constructor(options: GroupOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? realClock;
  }

  get options(): GroupOptions {
    return this.#options;
  }

  async start(count: number): Promise<readonly TestMember[]> {
    const peers = Array.from({ length: count }, (_, n) => peerOf(`node${n + 1}`, 'a'));
    for (const peer of peers) await this.add(peer, configurationOf(peers));
    return [...this.members.values()];
  }

  async add(peer: PeerId, first: Configuration = noMembers): Promise<TestMember> {
    const member = new TestMember(peer, first, this, this.#random.below(2 ** 30));
    this.members.set(peer, member);
    await member.start();
    return member;
  }

  /** Cuts everything between a member and the others, in both directions. */
  isolate(peer: PeerId): void {
    for (const other of this.members.keys()) {
      this.cuts.add(`${peer}>${other}`);
      this.cuts.add(`${other}>${peer}`);
    }
  }

  heal(): void {
    this.cuts.clear();
  }

  isCut(from: string, to: string): boolean {
    return [...this.cuts].some((cut) => {
      const [one, other] = cut.split('>') as [PeerId, PeerId];
      return nodeOf(one) === from && nodeOf(other) === to;
    });
  }

  transportOf(self: PeerId): Transport {
    let isClosed = false;
    return {
      send: (parcel) => {
        const { to } = parcel.message;
        if (isClosed || this.cuts.has(`${self}>${to}`) || this.refuses(parcel)) return false;
        // As over a wire: nothing is shared.
        const copy = structuredClone(parcel);
        setImmediate(() => {
          if (!this.cuts.has(`${self}>${to}`)) this.#receivers.get(to)?.([copy]);
        });
        return true;
      },
      flush: () => undefined,
      receive: (onParcels) => void this.#receivers.set(self, onParcels),
      close: async () => {
        isClosed = true;
        this.#receivers.delete(self);
      },
    };
  }

  async leader(): Promise<TestMember> {
    return this.until(() => [...this.members.values()].find(({ leads }) => leads));
  }

  async until<T>(found: () => T | undefined | false, what = 'it', ms = 20_000): Promise<T> {
    const deadline = realClock.monotonicMs() + ms;
    for (;;) {
      const value = found();
      if (value !== undefined && value !== false) return value;
      if (realClock.monotonicMs() > deadline) throw new Error(`${what} did not happen within ${ms} ms`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    this.heal();
    await Promise.all([...this.members.values()].map((member) => member.stop()));
  }
}

export class TestMember {
  readonly peer: PeerId;
  readonly disk: SimMachineDisk;
  readonly #first: Configuration;
  readonly #group: TestGroup;
  readonly #seed: number;
  #opened: OpenedRaftLog | undefined;
  #isMade = false;
  status: MemberStatus | undefined;
  broken: unknown;
  /** Of the last start. */
  findings: readonly Finding[] = [];
  readonly notes: string[] = [];
  #channel: EitherChannel | undefined;
  #others: MemoryOthers | undefined;

  constructor(peer: PeerId, first: Configuration, group: TestGroup, seed: number) {
    this.peer = peer;
    this.#first = first;
    this.#group = group;
    this.#seed = seed;
    const { diskLatencyMs = 0 } = group.options;
    this.disk = new SimMachineDisk({ clock: group.clock, random: seededRandom(seed), latencyMs: diskLatencyMs });
  }

  get isRunning(): boolean {
    return this.#opened !== undefined;
  }

  get opened(): OpenedRaftLog {
    if (!this.#opened) throw new Error(`${this.peer} is not running`);
    return this.#opened;
  }

  get log(): OpenedRaftLog['log'] {
    return this.opened.log;
  }

  get leads(): boolean {
    return this.isRunning && this.log.leads;
  }

  /** Node that this one follows. */
  get follows(): string | undefined {
    return this.#channel?.source;
  }

  /** How other nodes reach it. */
  get others(): MemoryOthers {
    if (!this.#others) throw new Error(`${this.peer} is not running`);
    return this.#others;
  }

  async start(): Promise<void> {
    const { clock, options } = this.#group;
    const random = seededRandom(this.#seed + this.notes.length);
    this.broken = undefined;
    const { cluster, generation, node } = this.#identity;
    const whose = { cluster, generation };
    this.#others = new MemoryOthers(node, this.#group.network, (from, to) => this.#group.isCut(from, to));
    const opened = await openRaftLog({
      ...noState,
      openHistory: async () => this.disk.directory('history').open(),
      openSnapshots: async () => this.disk.directory('snapshots').open(),
      startMember: async (found) => {
        const following = {
          self: this.peer,
          whose,
          neighbours: this.others,
          clock,
          timing: { ...quickFollowing, ...options.following },
          openMark: async () => this.disk.directory('followed').open(),
          nodes: () => [...this.#group.members.keys()].map(nodeOf),
          zoneOf: (of: string) => this.#group.zones.get(of) ?? null,
          note: (message: string) => void this.notes.push(message),
          onBroken: (error: unknown) => this.#broke(error),
        };
        const started = await followOrTakePart(following, found, (applied) => this.#startMember(found, applied));
        this.#channel = started.channel;
        return started;
      },
      sealing: options.sealing ?? smallSealing,
      clock,
      random,
      patienceMs: 3000,
      late: { testMs: 200, hangsMs: options.timing?.diskHangsMs ?? 30_000 },
      sources: () => this.#running().map(({ peer, opened: { keeper } }) => keeper.history.source(peer)),
      fetchSnapshot: (from, pointer, files) => this.#fetchSnapshot(from, pointer, files),
      note: (message) => this.notes.push(message),
      onStatus: (status) => {
        this.status = status;
        this.#opened?.keeper.wake();
      },
      onBroken: (error) => this.#broke(error),
    });
    this.#opened = opened;
    offerFollowing({
      neighbours: this.others,
      whose,
      keeper: opened.keeper,
      log: opened.log,
      clock,
      status: () => opened.log.status,
      isPeer: () => this.#channel?.isPeer ?? false,
    });
  }

  async #startMember(found: FoundHistory, applied: FoundHistory['applied']): Promise<StartedMember> {
    const { clock, options } = this.#group;
    const parts = {
      store: this.disk.database('raft').open(),
      directory: this.disk.directory('raft').open(),
      hasSnapshot: found.hasSnapshot,
      ...(applied ? { applied } : {}),
    };
    const opened = this.#isMade ? await openStorage(parts) : await createStorage(parts, this.#identity, this.#first);
    this.#isMade = true;
    this.findings = opened.findings;
    const channel = memberInProcess({
      id: this.peer,
      opened,
      settings: { ...defaultSettings, ...options.settings },
      timing: { ...standardTiming, tickMs: 10, ...options.timing },
      clock,
      random: seededRandom(this.#seed + 1 + this.notes.length).next,
      transport: this.#group.transportOf(this.peer),
      onBroken: (error) => this.#broke(error),
    });
    const { snapshot } = opened.storage;
    const isNobody = opened.start.snapshot.index === 0;
    return { channel, snapshot, firstConfiguration: isNobody ? undefined : this.#first };
  }

  async #fetchSnapshot(from: PeerId, pointer: SnapshotPointer, files: SnapshotFiles): Promise<boolean> {
    const source = this.#running().find(({ peer }) => peer === from);
    if (!source) return false;
    const receiver = await files.receive(pointer);
    if ('refused' in receiver) return false;
    try {
      for await (const chunk of source.opened.snapshots.sendFrom(pointer, receiver.offset)) await receiver.take(chunk);
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      return false;
    }
    return !('refused' in (await receiver.finish()));
  }

  get #identity() {
    const at = this.peer.lastIndexOf('.');
    return { cluster: 'lab', generation: 1, node: this.peer.slice(0, at), incarnation: this.peer.slice(at + 1) };
  }

  #running(): readonly TestMember[] {
    return [...this.#group.members.values()].filter(
      (other) =>
        other !== this &&
        other.isRunning &&
        !this.#group.cuts.has(`${this.peer}>${other.peer}`) &&
        !this.#group.cuts.has(`${other.peer}>${this.peer}`),
    );
  }

  #broke(error: unknown): void {
    this.broken ??= error;
    this.#opened?.log.broke(error);
  }

  async stop(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    this.#others?.goes();
    await opened?.log.close().catch(() => undefined);
  }

  /** Without a word to anybody. */
  async kill(kind: 'process' | 'power' = 'process'): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    this.#others?.goes();
    await this.#group.transportOf(this.peer).close();
    this.disk.crash(kind);
    opened?.log.broke(new Error('killed'));
    // What it still asks of its disk is never answered.
    void opened?.log.close();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}
