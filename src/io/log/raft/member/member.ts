/**
 * A member of the group at work: drives the core (`events/raft`) with a clock, a storage and a transport, as
 * `events/raft/ready.ts` demands.
 *
 *     tick · message · proposal ──▶ core ──▶ ready ──▶ send at once
 *                                               ├──▶ jobs ─ storage ─▶ then send, advance
 *                                               └──▶ committed ─▶ the log, as fast as it takes them
 *
 * What comes in at once is carried out as one, and so is what it leads to: each message wakes a thread, each frame a
 * machine. Group commit is natural: while one batch is being synced, what is proposed meanwhile waits and forms the next one; no
 * timer. An error of the disk, a broken invariant, or a disk that answers nothing for too long ends the process
 * (`onBroken`): what is on the disk then is read at the next start.
 */
import type { Entry, PeerId, SnapshotMeta } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import { Raft } from '#events/raft/raft.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import type { RaftSettings } from '#events/raft/settings.ts';
import type { Clock, Timer } from '../../../devices/clock/port.ts';
import { LogError } from '../../port.ts';
import type { Opened, SnapshotPointer } from '../storage.ts';
import { entryTypes, pack, unpack, type FromMember, type MemberStatus, type Slice, type ToMember } from './protocol.ts';
import { Proposals, type Proposal } from './proposals.ts';
import { News } from './news.ts';
import type { MemberTiming } from './timing.ts';
import type { Parcel, Transport } from './transport.ts';

export interface MemberParts {
  readonly id: PeerId;
  readonly opened: Opened;
  readonly settings: RaftSettings;
  readonly timing: MemberTiming;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly transport: Transport;
  /** Not called before the constructor has returned. */
  emit(messages: readonly FromMember[]): void;
  /** Nothing works any more: end the process. Called once. */
  onBroken(error: unknown): void;
}

export class RaftMember {
  readonly #parts: MemberParts;
  readonly #raft: Raft;
  readonly #proposals = new Proposals();
  /** For the disk; those in `#writing` it has already. */
  #jobs: StoreJob[] = [];
  #writing: readonly StoreJob[] = [];
  #writingSinceMs = 0;
  /** Handed out and not yet taken, in bytes by the index of the last entry. */
  readonly #handedOut: { readonly index: number; readonly bytes: number }[] = [];
  #handedOutBytes = 0;
  /** Committed, taken from the core, and held back until the log has taken what is before. */
  #waiting: Extract<FromMember, { t: 'committed' }> | undefined;
  #sinceSnapshot = { entries: 0, bytes: 0 };
  #wantsSnapshot = false;
  #isMakingSnapshot = false;
  /** What the history has, durably. */
  #kept = 0;
  /** Appends without entries, by their receiver: the newest of each holds what those before did. */
  readonly #heldBack = new Map<PeerId, Message>();
  #holding: Timer | undefined;
  /** Offered by a leader, while its file is on its way. */
  readonly #offered = new Map<string, Message>();
  /** Since when somebody is known to fetch a snapshot. */
  readonly #sentSnapshots = new Map<PeerId, number>();
  /** To be said at the end of what is going on. */
  readonly #news: News;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  /** When a peer was last heard, as far as the ticks know. */
  readonly #activeAt = new Map<PeerId, number>();
  #timer: Timer | undefined;
  #hasEnded = false;

  constructor(parts: MemberParts) {
    this.#parts = parts;
    const { opened, id, settings, random } = parts;
    this.#raft = new Raft({ ...opened.start, id }, settings, random);
    this.#news = new News({
      clock: parts.clock,
      appliesEveryMs: parts.timing.appliesEveryMs,
      emit: (messages) => parts.emit(messages),
      onDue: () => this.#do(() => undefined),
    });
  }

  start(): void {
    const { transport } = this.#parts;
    transport.receive(
      (parcels) => this.#do(() => parcels.forEach((parcel) => this.#receive(parcel))),
      (peer) => this.#do(() => this.#lost(peer)),
    );
    this.#schedule();
    this.#do(() => {
      const { voters } = this.#raft.status.configuration;
      // Whoever votes alone waits for nobody.
      if (voters.length === 1 && voters[0] === this.#parts.id) this.#raft.campaign();
      this.#tell();
    });
  }

  handle(messages: readonly ToMember[]): void {
    this.#do(() => messages.forEach((message) => this.#handle(message)));
  }

  /** What is being written is waited for; nothing else is begun. */
  async stop(): Promise<void> {
    this.#end();
    await this.#parts.transport.close();
    await this.#parts.opened.storage.close();
  }

  #handle(message: ToMember): void {
    switch (message.t) {
      case 'propose':
        return this.#take(message.id, message.term, unpack(message.entries));
      case 'change': {
        const isOurs = message.term === this.#raft.status.term;
        const made = isOurs
          ? this.#raft.proposeChange(message.change, message.note)
          : { refused: 'not-leader' as const };
        if ('refused' in made) return this.#say({ t: 'refused', id: message.id, ...made });
        return this.#say({ t: 'proposed', id: message.id, term: made.term, firstIndex: made.index });
      }
      case 'read':
        return this.#raft.read(message.request);
      case 'transfer':
        return this.#raft.transferTo(message.to);
      case 'touch':
        return this.#raft.touch();
      case 'taken':
        return this.#taken(message.index);
      case 'kept':
        this.#kept = Math.max(this.#kept, message.index);
        return this.#compact();
      case 'snapshot-made':
        return this.#snapshotMade(message.pointer);
      case 'snapshot-arrived':
        return this.#snapshotArrived(message.pointer);
      case 'snapshot-failed':
        this.#offered.delete(message.pointer.file);
        return undefined;
    }
  }

  /** Everything that touches the core goes through here. */
  #do(act: () => void): void {
    if (this.#hasEnded) return;
    try {
      act();
      this.#drain();
    } catch (error) {
      this.#break(error);
    }
  }

  #break(error: unknown): void {
    if (this.#hasEnded) return;
    this.#end();
    this.#parts.onBroken(error);
  }

  #end(): void {
    this.#hasEnded = true;
    for (const timer of [this.#timer, this.#holding]) if (timer) this.#parts.clock.clearTimeout(timer);
    this.#news.end();
  }

  #schedule(): void {
    const { clock, timing } = this.#parts;
    this.#timer = clock.setTimeout(() => {
      if (this.#hasEnded) return;
      this.#schedule();
      this.#do(() => {
        this.#checkDisk();
        this.#raft.tick();
        this.#checkSnapshots();
        this.#noteActive();
        this.#tellIfDue();
      });
    }, timing.tickMs);
  }

  /** A leader has stepped down long before; but a process that can write nothing is of no use to anybody. */
  #checkDisk(): void {
    const { clock, timing } = this.#parts;
    if (this.#writing.length === 0) return;
    const waitedMs = clock.monotonicMs() - this.#writingSinceMs;
    if (waitedMs < timing.diskHangsMs) return;
    throw new LogError(
      'BROKEN',
      `the disk of the consensus log has not answered for ${Math.round(waitedMs / 1000)} s`,
      'Look at the disk (dmesg, SMART); FloatLab reads what is really there when it starts again.',
    );
  }

  #receive({ message, pointer }: Parcel): void {
    if (message.type !== 'snapshot') return this.#raft.step(message);
    if (!pointer) return;
    const { file, meta } = pointer;
    // What is here already is only acknowledged.
    if (meta.index <= this.#raft.status.committed) return this.#raft.step(message);
    const isOnItsWay = this.#offered.has(file);
    this.#offered.clear();
    this.#offered.set(file, message);
    if (!isOnItsWay) this.#say({ t: 'snapshot-offered', from: message.from, pointer });
  }

  #lost(peer: PeerId): void {
    this.#raft.reportUnreachable(peer);
    this.#raft.reportSnapshot(peer, false);
  }

  /** A follower that fetches a snapshot says nothing meanwhile; one that gave up says nothing either. */
  #checkSnapshots(): void {
    const { clock, timing } = this.#parts;
    const now = clock.monotonicMs();
    const fetching = new Set(this.#raft.peers.filter(({ state }) => state === 'snapshot').map(({ peer }) => peer));
    for (const peer of this.#sentSnapshots.keys()) if (!fetching.has(peer)) this.#sentSnapshots.delete(peer);
    for (const peer of fetching) {
      const since = this.#sentSnapshots.get(peer) ?? now;
      this.#sentSnapshots.set(peer, since);
      if (now - since < timing.snapshotPatienceMs) continue;
      this.#sentSnapshots.delete(peer);
      this.#raft.reportSnapshot(peer, false);
    }
  }

  #snapshotArrived(pointer: SnapshotPointer): void {
    const message = this.#offered.get(pointer.file);
    this.#offered.delete(pointer.file);
    if (!message) return;
    this.#parts.opened.storage.snapshotArrived(pointer);
    this.#raft.step(message);
  }

  #take(id: number, term: number | undefined, entries: readonly Uint8Array[]): void {
    const { maxEntryBytes } = this.#parts.settings;
    // One that is too large must not take others of its batch with it.
    if (entries.some(({ length }) => length > maxEntryBytes)) this.#say({ t: 'refused', id, refused: 'too-large' });
    else this.#proposals.add({ id, term, entries });
  }

  /** Proposals wait while a batch is being synced: what comes meanwhile forms the next one. */
  #propose(): void {
    if (this.#writing.length > 0) return;
    for (let batch = this.#proposals.takeBatch(); batch.length > 0; batch = this.#proposals.takeBatch()) {
      // What was decided as the leader of another term is not this leader's.
      const { term = this.#raft.status.term } = batch[0] as Proposal;
      const made =
        term === this.#raft.status.term
          ? this.#raft.propose(batch.flatMap(({ entries }) => entries))
          : { refused: 'not-leader' as const };
      if (!('refused' in made)) return this.#proposed(batch, made);
      if (made.refused === 'too-much-uncommitted') return this.#proposals.putBack(batch);
      for (const { id } of batch) this.#say({ t: 'refused', id, ...made });
    }
  }

  #proposed(batch: readonly Proposal[], { term, firstIndex }: { readonly term: number; readonly firstIndex: number }) {
    let index = firstIndex;
    for (const { id, entries } of batch) {
      this.#say({ t: 'proposed', id, term, firstIndex: index });
      index += entries.length;
    }
  }

  #drain(): void {
    this.#propose();
    const raft = this.#raft;
    const { transport } = this.#parts;
    while (raft.hasReady()) {
      const ready = raft.ready();
      if (ready.leadership) {
        this.#say({ t: 'leadership', ...ready.leadership });
        this.#tell();
      }
      for (const message of ready.send) this.#send(message);
      if (ready.store) this.#jobs.push(ready.store);
      if (ready.apply.length > 0) this.#commit(ready.apply);
      for (const { request, index } of ready.reads) this.#say({ t: 'read', request, index });
      for (const { request, why } of ready.refusedReads) this.#say({ t: 'read-refused', request, why });
      if (ready.snapshotWanted) this.#wantsSnapshot = true;
    }
    if (this.#wantsSnapshot && !this.#waiting) this.#considerSnapshot();
    // First what takes longest: other machines, then the disk. What is sent rests on nothing that is only now stored.
    transport.flush();
    this.#store();
    this.#news.say({ isLeader: this.#raft.status.role.name === 'leader', isWriting: this.#writing.length > 0 });
  }

  #say(message: FromMember): void {
    this.#news.add(message);
  }

  #send(message: Message): void {
    if (message.type === 'append' && message.entries.length === 0) return this.#sendLater(message);
    if (message.type === 'append') this.#heldBack.delete(message.to);
    this.#sendNow(message);
  }

  /** What is committed is told with the next entries, or a moment later: it wakes every member, and is asked by none. */
  #sendLater(message: Message): void {
    this.#heldBack.set(message.to, message);
    this.#holding ??= this.#parts.clock.setTimeout(() => {
      this.#holding = undefined;
      if (this.#heldBack.size > 0) this.#do(() => this.#sendHeldBack());
    }, this.#parts.timing.commitNewsMs);
  }

  #sendHeldBack(): void {
    const messages = [...this.#heldBack.values()];
    // Entries that wait for the disk leave as soon as it has written what is before them, and take the news along.
    if (this.#writing.length > 0 && !this.#proposals.isEmpty) return messages.forEach((held) => this.#sendLater(held));
    this.#heldBack.clear();
    for (const held of messages) this.#sendNow(held);
  }

  #sendNow(message: Message): void {
    const { transport, opened } = this.#parts;
    if (message.type !== 'snapshot') {
      if (!transport.send({ message })) this.#raft.reportUnreachable(message.to);
      return;
    }
    // It may have been replaced by a newer one. What did not leave is offered again, after the next sign of life.
    const { snapshot: pointer } = opened.storage;
    const isPresent = pointer?.meta.index === message.snapshot.index;
    if (!isPresent || !transport.send({ message, pointer })) this.#raft.reportSnapshot(message.to, false);
  }

  #commit(entries: readonly Entry[]): void {
    const [first] = entries;
    const last = entries.at(-1);
    if (!first || !last) return;
    const data = pack(entries.map((entry) => entry.data));
    const slice = {
      firstIndex: first.index,
      terms: Float64Array.from(entries, ({ term }) => term),
      types: Uint8Array.from(entries, ({ type }) => entryTypes.indexOf(type)),
      data,
    };
    this.#sinceSnapshot.entries += entries.length;
    this.#sinceSnapshot.bytes += data.bytes.length;
    this.#waiting = { t: 'committed', slice };
    this.#handOut();
  }

  /** The core gives the next slice when this one is out of its hands. */
  #handOut(): void {
    const { timing } = this.#parts;
    const message = this.#waiting;
    if (!message || this.#handedOutBytes >= timing.maxHandedOutBytes) return;
    this.#waiting = undefined;
    const { data } = message.slice;
    const index = lastOf(message.slice);
    this.#handedOut.push({ index, bytes: data.bytes.length });
    this.#handedOutBytes += data.bytes.length;
    const { configuration } = this.#raft.status;
    this.#raft.advance({ applied: index });
    this.#say(message);
    if (this.#raft.status.configuration !== configuration) this.#tell();
    this.#considerSnapshot();
  }

  #taken(index: number): void {
    for (let oldest = this.#handedOut[0]; oldest && oldest.index <= index; oldest = this.#handedOut[0]) {
      this.#handedOut.shift();
      this.#handedOutBytes -= oldest.bytes;
    }
    this.#handOut();
  }

  #considerSnapshot(): void {
    const { timing, opened } = this.#parts;
    const { entries, bytes } = this.#sinceSnapshot;
    const isDue = entries >= timing.snapshotEntries || bytes >= timing.snapshotBytes;
    if (this.#isMakingSnapshot || !(isDue || this.#wantsSnapshot) || this.#raft.log.installing) return;
    const meta: SnapshotMeta = this.#raft.snapshotMeta();
    if (meta.index <= (opened.storage.snapshot?.meta.index ?? 0)) return;
    this.#isMakingSnapshot = true;
    this.#wantsSnapshot = false;
    this.#sinceSnapshot = { entries: 0, bytes: 0 };
    this.#say({ t: 'snapshot-wanted', meta });
  }

  #snapshotMade(pointer: SnapshotPointer): void {
    const { storage } = this.#parts.opened;
    this.#await(storage.snapshotMade(pointer), () => {
      this.#isMakingSnapshot = false;
      if (storage.snapshot?.meta.index !== pointer.meta.index) return;
      this.#raft.snapshotTaken(pointer.meta);
      this.#compact();
    });
  }

  /** Some entries are kept for followers that are a little behind: a snapshot would cost them more. */
  #compact(): void {
    const { storage } = this.#parts.opened;
    const snapshot = storage.snapshot?.meta.index ?? 0;
    const upTo = Math.min(this.#firstKept(snapshot) - 1, this.#kept);
    if (upTo < this.#raft.log.first) return;
    const compacted = this.#raft.compact(upTo);
    this.#await(storage.compact(Math.min(compacted, snapshot)), () => undefined);
  }

  /** Of the entries up to a snapshot. */
  #firstKept(snapshot: number): number {
    const { keptEntries, keptBytes } = this.#parts.timing;
    const { log } = this.#raft;
    let first = snapshot + 1;
    for (let bytes = 0; first > log.first && snapshot - first + 1 < keptEntries; first--) {
      bytes += log.at(first - 1)?.data.length ?? 0;
      if (bytes > keptBytes) break;
    }
    return first;
  }

  /** One batch at a time; what comes meanwhile forms the next. */
  #store(): void {
    if (this.#writing.length > 0 || this.#jobs.length === 0) return;
    this.#writing = this.#jobs;
    this.#jobs = [];
    this.#writingSinceMs = this.#parts.clock.monotonicMs();
    this.#await(this.#parts.opened.storage.store(this.#writing), () => this.#stored());
  }

  #stored(): void {
    const jobs = this.#writing;
    this.#writing = [];
    for (const job of jobs) {
      if (job.snapshot) this.#installed(job.snapshot);
      for (const message of job.thenSend) this.#send(message);
      this.#raft.advance({ stored: job.mark });
    }
  }

  #installed(meta: SnapshotMeta): void {
    const pointer = this.#parts.opened.storage.snapshot;
    if (pointer?.meta.index !== meta.index) return;
    this.#voidWaiting();
    this.#sinceSnapshot = { entries: 0, bytes: 0 };
    this.#say({ t: 'installed', pointer });
  }

  /** The snapshot holds it. */
  #voidWaiting(): void {
    const message = this.#waiting;
    this.#waiting = undefined;
    if (message) this.#raft.advance({ applied: lastOf(message.slice) });
  }

  #await(doing: Promise<void>, then: () => void): void {
    doing.then(
      () => this.#do(then),
      (error: unknown) => this.#break(error),
    );
  }

  /** The core forgets at every look for a majority whom it has heard; people want to know who was heard lately. */
  #noteActive(): void {
    const now = this.#parts.clock.monotonicMs();
    for (const { peer, isActive } of this.#raft.peers) if (isActive) this.#activeAt.set(peer, now);
  }

  #isActive(peer: PeerId): boolean {
    const { settings, timing, clock } = this.#parts;
    const at = this.#activeAt.get(peer);
    return at !== undefined && clock.monotonicMs() - at < 2 * settings.electionTicks * timing.tickMs;
  }

  /** Who leads and who belongs to the group is told when it changes; what moves all the time, once in a while. */
  #tellIfDue(): void {
    const { clock, timing } = this.#parts;
    if (clock.monotonicMs() - this.#toldAtMs >= timing.statusMs) this.#tell();
  }

  #tell(): void {
    this.#toldAtMs = this.#parts.clock.monotonicMs();
    this.#say({ t: 'status', status: this.status });
  }

  get status(): MemberStatus {
    const { id: peer, term, role, leader, configuration, lastIndex, committed, suspect } = this.#raft.status;
    const peers = this.#raft.peers.map((progress) => ({ ...progress, isActive: this.#isActive(progress.peer) }));
    const isSuspect = suspect !== undefined;
    return { peer, term, role: role.name, leader, configuration, lastIndex, committed, isSuspect, peers };
  }
}

const lastOf = ({ firstIndex, terms }: Slice): number => firstIndex + terms.length - 1;
