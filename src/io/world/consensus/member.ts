/**
 * One process of a simulated group: the core, its disk and its state, driven as `ready.ts` demands. Between any two
 * things that take time it may be killed.
 *
 *     tick · message · client ──▶ core ──▶ ready ──▶ send at once
 *                                               ├──▶ jobs ─(disk)─▶ then send, advance
 *                                               └──▶ entries ─(time)─▶ registers, advance
 */
import type { Entry, PeerId, SnapshotMeta } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import { Raft } from '#events/raft/raft.ts';
import type { Leadership, StoreJob } from '#events/raft/ready.ts';
import type { RaftSettings } from '#events/raft/settings.ts';
import type { SeededRandom } from '../../devices/random/sim.ts';
import type { Agenda, Appointment } from './agenda.ts';
import type { ModelDisk, OpenedDisk } from './model-disk.ts';
import type { Cargo } from './network.ts';
import { Registers, unpackCommand, type NumberedCommand, type RegistersContent, type Result } from './registers.ts';

/** How fast this machine's parts are. Faults change it. */
export interface Hardware {
  tickMs: number;
  /** Of a write, on average. */
  diskMs: number;
  /** The disk answers nothing before this moment. */
  stalledUntilMs: number;
  /** The next write fails: the process must end. */
  failsNextWrite: boolean;
  /** Of applying a slice, on average. */
  applyMs: number;
  snapshotEvery: number;
  keptEntries: number;
}

/** Who watches everything that happens. */
export interface Observer {
  sent(member: Member, message: Message): void;
  stored(member: Member, job: StoreJob): void;
  applied(member: Member, entries: readonly Entry[], results: readonly (Result | undefined)[]): void;
  effect(member: Member, index: number, command: NumberedCommand): void;
  installed(member: Member, meta: SnapshotMeta): void;
  leadership(member: Member, leadership: Leadership): void;
  read(member: Member, request: string, index: number): void;
  readRefused(member: Member, request: string): void;
  /** The member is at rest again after whatever touched it. */
  stepped(member: Member): void;
  /** An error of the disk, or a broken invariant, ended the process. */
  died(member: Member, error: unknown): void;
}

export interface MemberOptions {
  readonly id: PeerId;
  readonly settings: RaftSettings;
  readonly disk: ModelDisk;
  /** What the disk held when the process began. */
  readonly opened: OpenedDisk;
  readonly hardware: Hardware;
  readonly agenda: Agenda;
  readonly random: SeededRandom;
  readonly send: (message: Message, cargo: Cargo) => void;
  readonly observer: Observer;
}

export class Member {
  readonly id: PeerId;
  readonly raft: Raft;
  readonly disk: ModelDisk;
  readonly #options: MemberOptions;
  #registers: Registers;
  #isAlive = true;
  #isPaused = false;
  /** What happened to it while it was paused. */
  #missed: (() => void)[] = [];
  /** For the disk; those in `#writing` it has already. */
  #jobs: StoreJob[] = [];
  #writing: readonly StoreJob[] = [];
  /** Being applied; `isVoid` when a leader's snapshot holds it by now. */
  #slice: { readonly entries: readonly Entry[]; isVoid: boolean } | undefined;
  #isTakingSnapshot = false;
  /** Received, and not yet installed. */
  #arrived: { readonly meta: SnapshotMeta; readonly content: RegistersContent }[] = [];
  /** Reads whose index is known, until that is applied. */
  #reads: { readonly request: string; readonly index: number }[] = [];
  #timer: Appointment;

  constructor(options: MemberOptions) {
    const { id, settings, disk, random, opened } = options;
    this.#options = options;
    this.id = id;
    this.disk = disk;
    const { start, content } = opened;
    this.#registers = new Registers(content as RegistersContent);
    this.raft = new Raft({ ...start, id }, settings, random.next);
    this.#timer = this.#nextTick();
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Whether its read only waits for what is to be applied: for ever, perhaps, at one that was removed from the group. */
  knowsIndexOf(request: string): boolean {
    return this.#reads.some((read) => read.request === request);
  }

  /** Of what was applied. */
  get registers(): Registers {
    return this.#registers;
  }

  /** The process ends here and now; what its disk had not finished is lost, but perhaps for the oldest batch. */
  kill(): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#timer.isCancelled = true;
    const { random, observer } = this.#options;
    for (const job of this.disk.killed(this.#writing, this.#contentOf, random)) observer.stored(this, job);
  }

  pause(): void {
    this.#isPaused = true;
  }

  /** What happened meanwhile now happens at once. */
  resume(): void {
    this.#isPaused = false;
    const missed = this.#missed;
    this.#missed = [];
    for (const run of missed) this.#when(run);
  }

  /** Whatever others do to this process. Nothing, when it is dead; later, when it is paused. */
  do(run: (raft: Raft) => void): void {
    this.#when(() => {
      run(this.raft);
      this.#drain();
    });
  }

  receive(message: Message, cargo: Cargo): void {
    this.do((raft) => {
      if (message.type === 'snapshot')
        this.#arrived.push({ meta: message.snapshot, content: cargo as RegistersContent });
      raft.step(message);
    });
  }

  /** The value of a register, when everything up to an index is applied. Called back through the observer. */
  #answerReads(): void {
    const { applied } = this.raft.status;
    const due = this.#reads.filter(({ index }) => index <= applied);
    if (due.length === 0) return;
    this.#reads = this.#reads.filter(({ index }) => index > applied);
    for (const { request, index } of due) this.#options.observer.read(this, request, index);
  }

  #when(run: () => void): void {
    if (!this.#isAlive) return;
    if (this.#isPaused) {
      this.#missed.push(run);
      return;
    }
    try {
      run();
      this.#options.observer.stepped(this);
    } catch (error) {
      this.kill();
      this.#options.observer.died(this, error);
    }
  }

  #after(averageMs: number, run: () => void): void {
    const { agenda, random } = this.#options;
    agenda.in(averageMs * spread(random), () => this.#when(run));
  }

  #nextTick(): Appointment {
    const { agenda, hardware } = this.#options;
    return agenda.in(hardware.tickMs, () => {
      if (!this.#isAlive) return;
      this.#timer = this.#nextTick();
      // A process that stands still does not catch up with the time that it missed.
      if (!this.#isPaused) this.do((raft) => raft.tick());
    });
  }

  #drain(): void {
    const { observer, hardware } = this.#options;
    while (this.raft.hasReady()) {
      const ready = this.raft.ready();
      if (ready.leadership) observer.leadership(this, ready.leadership);
      for (const message of ready.send) this.#send(message);
      if (ready.store) this.#jobs.push(ready.store);
      if (ready.apply.length > 0) {
        this.#slice = { entries: ready.apply, isVoid: false };
        this.#after(hardware.applyMs, () => this.#apply());
      }
      this.#reads.push(...ready.reads);
      for (const { request } of ready.refusedReads) observer.readRefused(this, request);
      if (ready.snapshotWanted) this.#takeSnapshot();
    }
    this.#answerReads();
    this.#store();
  }

  #send(message: Message): void {
    const { observer, send } = this.#options;
    observer.sent(this, message);
    send(message, message.type === 'snapshot' ? this.disk.content : undefined);
  }

  /** One batch at a time; what comes meanwhile forms the next. */
  #store(): void {
    if (this.#writing.length > 0 || this.#jobs.length === 0) return;
    const { hardware, agenda, random } = this.#options;
    this.#writing = this.#jobs;
    this.#jobs = [];
    const stallMs = Math.max(0, hardware.stalledUntilMs - agenda.nowMs);
    agenda.in(stallMs + hardware.diskMs * spread(random), () => this.#when(() => this.#stored()));
  }

  #stored(): void {
    const { hardware } = this.#options;
    if (hardware.failsNextWrite) {
      hardware.failsNextWrite = false;
      throw new DiskFailed();
    }
    this.#whenDone(this.disk.write(this.#writing, this.#contentOf), () => this.#written());
  }

  /** At once, or when the promise says so; a rejection ends the process. */
  #whenDone(doing: undefined | void | Promise<void>, then: () => void): void {
    if (!doing) then();
    else
      doing.then(
        () => this.#when(then),
        (error: unknown) =>
          this.#when(() => {
            throw error;
          }),
      );
  }

  #written(): void {
    const { observer } = this.#options;
    const jobs = this.#writing;
    this.#writing = [];
    for (const job of jobs) {
      observer.stored(this, job);
      if (job.snapshot) this.#install(job.snapshot);
      for (const message of job.thenSend) this.#send(message);
      this.raft.advance({ stored: job.mark });
    }
    this.#drain();
  }

  /** The state is the leader's from now on. */
  #install(meta: SnapshotMeta): void {
    const content = this.#arrived.find((snapshot) => snapshot.meta === meta)?.content;
    this.#arrived = this.#arrived.filter((snapshot) => snapshot.meta.index > meta.index);
    if (content) this.#registers = new Registers(content);
    if (this.#slice) this.#slice.isVoid = true;
    this.#options.observer.installed(this, meta);
  }

  readonly #contentOf = (job: StoreJob): RegistersContent | undefined =>
    this.#arrived.find(({ meta }) => meta === job.snapshot)?.content;

  #apply(): void {
    const slice = this.#slice;
    const last = slice?.entries.at(-1);
    if (!slice || !last) return;
    this.#slice = undefined;
    if (!slice.isVoid) {
      const results = slice.entries.map((entry) => this.#applyOne(entry));
      this.#options.observer.applied(this, slice.entries, results);
    }
    this.#whenDone(slice.isVoid ? undefined : this.disk.applied(slice.entries), () => {
      this.raft.advance({ applied: last.index });
      const { applied } = this.raft.status;
      if (applied - this.disk.snapshot.index >= this.#options.hardware.snapshotEvery) this.#takeSnapshot();
      this.#drain();
    });
  }

  #applyOne(entry: Entry): Result | undefined {
    if (entry.type !== 'data') return undefined;
    const { observer } = this.#options;
    return this.#registers.apply(unpackCommand(entry.data), entry.index, (command) =>
      observer.effect(this, entry.index, command),
    );
  }

  #takeSnapshot(): void {
    const { hardware } = this.#options;
    if (this.#isTakingSnapshot || this.raft.log.installing) return;
    this.#isTakingSnapshot = true;
    const meta = this.raft.snapshotMeta();
    const content = this.#registers.content();
    this.#after(3 * hardware.diskMs, () => {
      this.#whenDone(this.disk.writeSnapshot(meta, content), () => {
        this.#isTakingSnapshot = false;
        if (this.disk.snapshot.index < meta.index) return;
        this.raft.snapshotTaken(meta);
        const upTo = this.raft.compact(meta.index - hardware.keptEntries);
        this.#whenDone(this.disk.compact(Math.min(upTo, this.disk.snapshot.index)), () => undefined);
      });
    });
  }
}

/** A write failed: nobody knows what is on the disk. */
export class DiskFailed extends Error {
  constructor() {
    super('the disk failed');
    this.name = 'DiskFailed';
  }
}

/** Around 1. */
const spread = (random: SeededRandom): number => 0.25 + 1.5 * random.next();
