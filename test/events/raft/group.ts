/**
 * Some members of a group in one test: cores, disks in memory, and a network that the test controls. What is sent lies on
 * the wire until the test delivers it; disks and appliers work at once, or a step at a time where a test holds them.
 *
 *     const group = new Group({ voters: 'abc' });
 *     group.elect('a');
 *     group.propose('a', 'x');
 *     expect(group.at('b').state).toEqual(['x']);
 *
 * Whatever a test is about, these are judged all along: one leader in a term; a new leader has everything that was
 * applied anywhere; nobody applies another entry at an index, out of order, or twice; nothing is applied that is not on
 * the member's own disk.
 */
import { configurationOf, noMembers, type Configuration } from '#events/raft/configuration.ts';
import { asPeer, type Entry, type HardState, type PeerId, type SnapshotMeta } from '#events/raft/entry.ts';
import type { Message, MessageOf, MessageType } from '#events/raft/message.ts';
import { Raft } from '#events/raft/raft.ts';
import type { Leadership, ReadState, RefusedRead, StoreJob } from '#events/raft/ready.ts';
import { defaultSettings, type RaftSettings } from '#events/raft/settings.ts';
import type { Watermark } from '#events/raft/state.ts';

export interface GroupOptions {
  /** One letter each. */
  readonly voters: string;
  readonly learners?: string;
  readonly settings?: Partial<RaftSettings>;
  /** Uniform in [0, 1). Constant 0 by default: everybody times out after exactly `electionTicks`. */
  readonly random?: (id: string) => () => number;
  /** The terms of the entries that members begin with, as in the paper's figures. */
  readonly logs?: Readonly<Record<string, readonly number[]>>;
  /**
   * The snapshot with which all begin. At index 0, the default, newcomers with an empty disk would get the whole log and
   * no snapshot, and with it no configuration to start from.
   */
  readonly begins?: { readonly index: number; readonly term: number };
  /** The terms that members have seen; that of their last entry by default. */
  readonly terms?: Readonly<Record<string, number>>;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (data: Uint8Array): string => new TextDecoder().decode(data);

/** `from>to` */
const link = (from: string, to: string): string => `${from}>${to}`;

export class Disk {
  hardState: HardState;
  snapshot: SnapshotMeta;
  entries: Entry[] = [];
  base: { index: number; term: number };
  suspect: Watermark | undefined;

  constructor(configuration: Configuration, begins = { index: 0, term: 0 }) {
    this.snapshot = { ...begins, configuration };
    this.base = begins;
    this.hardState = { term: begins.term, vote: undefined, commit: begins.index };
  }

  write({ snapshot, hardState, entries, suspicion }: StoreJob): void {
    if (snapshot) {
      this.snapshot = snapshot;
      this.base = { index: snapshot.index, term: snapshot.term };
      this.entries = [];
    }
    if (hardState) this.hardState = hardState;
    const first = entries[0];
    if (first) {
      if (first.index > this.base.index + this.entries.length + 1) throw new Error(`a gap before ${first.index}`);
      this.entries.length = first.index - this.base.index - 1;
      this.entries.push(...entries);
    }
    if (suspicion) this.suspect = suspicion === 'cleared' ? undefined : suspicion;
  }

  has({ index, term }: Entry): boolean {
    return index <= this.snapshot.index || this.entries[index - this.base.index - 1]?.term === term;
  }

  compact(index: number): void {
    const term = this.entries[index - this.base.index - 1]?.term;
    if (term === undefined) return;
    this.entries.splice(0, index - this.base.index);
    this.base = { index, term };
  }
}

export class Member {
  readonly id: PeerId;
  raft: Raft;
  readonly disk: Disk;
  isUp = true;
  /** Else jobs wait in `jobs`. */
  storesAtOnce = true;
  jobs: StoreJob[] = [];
  /** Else slices wait in `slice`. */
  appliesAtOnce = true;
  slice: readonly Entry[] = [];
  /** Bytes of the entries that were applied, as text. */
  state: string[] = [];
  appliedIndex = 0;
  reads: ReadState[] = [];
  refusedReads: RefusedRead[] = [];
  leadership: Leadership[] = [];

  constructor(id: PeerId, disk: Disk, raft: Raft) {
    this.id = id;
    this.disk = disk;
    this.raft = raft;
    this.appliedIndex = disk.snapshot.index;
  }

  get status() {
    return this.raft.status;
  }

  get role() {
    return this.raft.status.role.name;
  }

  get term() {
    return this.raft.status.term;
  }

  get leader() {
    return this.raft.status.leader;
  }

  /** Entries in memory as `term:text`, oldest first; a leader's first entry as `term:`. */
  get log(): string[] {
    const entries: string[] = [];
    for (let index = this.raft.log.first; index <= this.raft.log.last; index++) {
      const entry = this.raft.log.at(index);
      if (entry) entries.push(`${entry.term}:${text(entry.data)}`);
    }
    return entries;
  }

  /** What the leader knows about a follower. */
  progress(of: string) {
    const { role } = this.raft.status;
    const progress = role.name === 'leader' ? role.peers.get(asPeer(of)) : undefined;
    if (!progress) throw new Error(`${this.id} does not lead ${of}`);
    return progress;
  }
}

export class Group {
  readonly settings: RaftSettings;
  readonly members = new Map<string, Member>();
  /** Sent, and not delivered yet. */
  wire: Message[] = [];
  /** Whatever was sent since the test began, or since it was last emptied. */
  sent: Message[] = [];
  /** Which messages the network loses, besides those on cut links. */
  loses: (message: Message) => boolean = () => false;
  readonly #random: (id: string) => () => number;
  readonly #cut = new Set<string>();
  readonly #leaders = new Map<number, string>();
  /** What was applied anywhere, by index. */
  readonly #history = new Map<number, string>();
  /** The states that snapshots hold. */
  readonly #snapshots = new Map<number, readonly string[]>();

  constructor(options: GroupOptions) {
    this.settings = { ...defaultSettings, ...options.settings };
    this.#random = options.random ?? (() => () => 0);
    const configuration = configurationOf([...options.voters].map(asPeer), [...(options.learners ?? '')].map(asPeer));
    for (const id of [...options.voters, ...(options.learners ?? '')]) {
      const disk = new Disk(configuration, options.begins);
      const terms = options.logs?.[id] ?? [];
      disk.entries = terms.map((term, at) => ({ type: 'data', term, index: at + 1, data: bytes(`${term}.${at + 1}`) }));
      const term = options.terms?.[id] ?? terms.at(-1) ?? disk.hardState.term;
      disk.hardState = { ...disk.hardState, term };
      this.#add(id, disk);
    }
  }

  /** Somebody who belongs to no group yet. */
  newcomer(id: string): Member {
    return this.#add(id, new Disk(noMembers));
  }

  at(id: string): Member {
    const member = this.members.get(id);
    if (!member) throw new Error(`there is no ${id}`);
    return member;
  }

  /** A member's facts as plain data, to compare. */
  now(id: string) {
    const { role, log, state, raft } = this.at(id);
    return { ...raft.status, role, log, state };
  }

  get leader(): Member | undefined {
    const leaders = [...this.members.values()].filter(({ isUp, role }) => isUp && role === 'leader');
    return leaders.toSorted((one, other) => other.term - one.term)[0];
  }

  // What happens to members.

  tick(ids: string, times = 1): void {
    for (let time = 0; time < times; time++) for (const id of ids) this.#do(id, (raft) => raft.tick());
  }

  /** Time passes for everybody, and whatever is sent arrives in between. */
  pass(ticks: number): void {
    for (let tick = 0; tick < ticks; tick++) {
      this.tick([...this.members.keys()].join(''));
      this.settle();
    }
  }

  /** It campaigns, and everything that follows happens. */
  elect(id: string): void {
    this.campaign(id);
    this.settle();
    if (this.at(id).role !== 'leader') throw new Error(`${id} was not elected`);
  }

  campaign(id: string): void {
    this.#do(id, (raft) => raft.campaign());
  }

  /** Everything that follows happens too. */
  propose(id: string, ...texts: string[]): ReturnType<Raft['propose']> {
    const result = this.offer(id, ...texts);
    this.settle();
    return result;
  }

  /** What follows stays on the wire. */
  offer(id: string, ...texts: string[]): ReturnType<Raft['propose']> {
    return this.do(id, (raft) => raft.propose(texts.map(bytes)));
  }

  /** Anything else, and what it has to do then. */
  do<T>(id: string, run: (raft: Raft) => T): T {
    return this.#do(id, run) as T;
  }

  step(message: Message): void {
    this.#do(message.to, (raft) => raft.step(message));
  }

  store(id: string, count = Number.POSITIVE_INFINITY): void {
    const member = this.at(id);
    for (let done = 0; done < count && member.jobs.length > 0; done++) this.#storeNext(member);
    this.#drain(member);
  }

  apply(id: string): void {
    const member = this.at(id);
    this.#apply(member);
    this.#drain(member);
  }

  /** Makes a snapshot of what it has applied and forgets the log before, but for the newest entries. */
  compact(id: string, keep = 0): SnapshotMeta {
    const member = this.at(id);
    const meta = member.raft.snapshotMeta();
    this.#snapshots.set(meta.index, [...member.state]);
    member.disk.snapshot = meta;
    member.raft.snapshotTaken(meta);
    member.disk.compact(member.raft.compact(meta.index - keep));
    return meta;
  }

  crash(id: string): void {
    const member = this.at(id);
    member.isUp = false;
    member.jobs = [];
    member.slice = [];
  }

  /** @param lost entries that its disk lost meanwhile */
  restart(id: string, lost = 0): void {
    const member = this.at(id);
    const { disk } = member;
    if (lost > 0) {
      const last = disk.entries.at(-1) ?? disk.base;
      disk.suspect ??= { term: disk.hardState.term, lastIndex: last.index, lastTerm: last.term };
      disk.entries.splice(disk.entries.length - lost);
      const commit = Math.min(disk.hardState.commit, disk.base.index + disk.entries.length);
      disk.hardState = { ...disk.hardState, commit };
    }
    member.raft = this.#open(id, disk);
    member.isUp = true;
    member.appliedIndex = disk.snapshot.index;
    member.state = [...(this.#snapshots.get(disk.snapshot.index) ?? [])];
    this.#drain(member);
  }

  // The network.

  cut(one: string, other: string): void {
    this.cutOneWay(one, other);
    this.cutOneWay(other, one);
  }

  cutOneWay(from: string, to: string): void {
    this.#cut.add(link(from, to));
  }

  isolate(id: string): void {
    for (const other of this.members.keys()) if (other !== id) this.cut(id, other);
  }

  heal(): void {
    this.#cut.clear();
    this.loses = () => false;
  }

  /** Everything on the wire arrives, in order; what it causes stays there. */
  deliver(which: (message: Message) => boolean = () => true): void {
    const due = this.wire.filter(which);
    this.wire = this.wire.filter((message) => !which(message));
    for (const message of due) this.#carry(message);
  }

  /** Until nothing is on the wire any more. */
  settle(): void {
    for (let round = 0; this.wire.length > 0; round++) {
      if (round > 10_000) throw new Error(`never silent: ${JSON.stringify(this.wire[0])}`);
      this.deliver();
    }
  }

  sentOf<T extends MessageType>(type: T, from?: string): MessageOf<T>[] {
    return this.sent.filter(
      (message): message is MessageOf<T> => message.type === type && (from === undefined || message.from === from),
    );
  }

  #carry(message: Message): void {
    if (this.#cut.has(link(message.from, message.to)) || this.loses(message)) return;
    if (this.members.get(message.to)?.isUp) this.step(message);
  }

  // A member's driver.

  #add(id: string, disk: Disk): Member {
    const member = new Member(asPeer(id), disk, this.#open(id, disk));
    this.members.set(id, member);
    return member;
  }

  #open(id: string, { hardState, snapshot, entries, base, suspect }: Disk): Raft {
    const start = { id: asPeer(id), hardState, snapshot, entries: [...entries], base };
    return new Raft(suspect ? { ...start, suspect } : start, this.settings, this.#random(id));
  }

  #do(id: string, run: (raft: Raft) => unknown): unknown {
    const member = this.at(id);
    if (!member.isUp) return undefined;
    const result = run(member.raft);
    this.#drain(member);
    return result;
  }

  #drain(member: Member): void {
    while (member.raft.hasReady()) {
      const ready = member.raft.ready();
      if (ready.leadership) this.#led(member, ready.leadership);
      this.#send(ready.send);
      member.reads.push(...ready.reads);
      member.refusedReads.push(...ready.refusedReads);
      if (ready.store) member.jobs.push(ready.store);
      if (ready.apply.length > 0) member.slice = ready.apply;
      if (ready.snapshotWanted) this.compact(member.id, Number.MAX_SAFE_INTEGER);
      if (member.storesAtOnce) while (member.jobs.length > 0) this.#storeNext(member);
      if (member.appliesAtOnce) this.#apply(member);
    }
  }

  #send(messages: readonly Message[]): void {
    this.wire.push(...messages);
    this.sent.push(...messages);
  }

  #storeNext(member: Member): void {
    const job = member.jobs.shift();
    if (!job) return;
    member.disk.write(job);
    if (job.snapshot) {
      member.state = [...(this.#snapshots.get(job.snapshot.index) ?? [])];
      member.appliedIndex = job.snapshot.index;
    }
    this.#send(job.thenSend);
    member.raft.advance({ stored: job.mark });
  }

  #apply(member: Member): void {
    const { slice } = member;
    const last = slice.at(-1);
    if (!last) return;
    member.slice = [];
    for (const entry of slice) this.#applyOne(member, entry);
    member.raft.advance({ applied: last.index });
  }

  #applyOne(member: Member, entry: Entry): void {
    const { index, term, type, data } = entry;
    // A snapshot that came while the slice was under way holds it.
    if (index <= member.appliedIndex) return;
    if (index !== member.appliedIndex + 1)
      throw new Error(`${member.id} applies ${index} after ${member.appliedIndex}`);
    if (!member.disk.has(entry)) throw new Error(`${member.id} applies ${index}, which its disk has not`);
    const what = `${term} ${type} ${text(data)}`;
    const known = this.#history.get(index);
    if (known !== undefined && known !== what)
      throw new Error(`${member.id} applies "${what}" at ${index}, others "${known}"`);
    this.#history.set(index, what);
    member.appliedIndex = index;
    if (type === 'data') member.state.push(text(data));
  }

  #led(member: Member, leadership: Leadership): void {
    member.leadership.push(leadership);
    if (leadership.role !== 'leader') return;
    const rival = this.#leaders.get(leadership.term);
    if (rival !== undefined && rival !== member.id)
      throw new Error(`${rival} and ${member.id} lead in term ${leadership.term}`);
    this.#leaders.set(leadership.term, member.id);
    if (leadership.possibleLoss) return;
    for (const [index, what] of this.#history) {
      const { log } = member.raft;
      const entry = log.at(index);
      if (index < log.first ? false : !entry || what !== `${entry.term} ${entry.type} ${text(entry.data)}`)
        throw new Error(`${member.id} leads without entry ${index} (${what})`);
    }
  }
}
