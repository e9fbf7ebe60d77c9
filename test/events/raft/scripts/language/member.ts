/** One member with its driver: carries out what the core hands out, at once or (asynchronous storage) when told to. */
import { Raft } from '#events/raft/raft.ts';
import type { Configuration } from '#events/raft/configuration.ts';
import type { Entry, PeerId } from '#events/raft/entry.ts';
import type { Message } from '#events/raft/message.ts';
import type { Ready, StoreJob } from '#events/raft/ready.ts';
import type { RaftSettings } from '#events/raft/settings.ts';
import type { Disk } from './disk.ts';
import { configurationLine, entriesLine, jobLine, leadershipLine, messageLine } from './print.ts';

export interface MemberOptions {
  readonly settings: RaftSettings;
  /** Jobs of the disk and slices to apply wait until the script says so. */
  readonly isAsync: boolean;
}

export class Member {
  readonly id: PeerId;
  readonly disk: Disk;
  readonly options: MemberOptions;
  readonly #post: (message: Message) => void;
  /** Undefined while it is down. */
  raft: Raft | undefined;
  /** Handed out, not on the disk yet. */
  #jobs: readonly StoreJob[] = [];
  /** On the disk; the core does not know yet, and nothing that rests on them has left. */
  #written: readonly StoreJob[] = [];
  #applying: readonly Entry[] = [];
  /** As it was shown last. */
  #configuration: Configuration;

  /** @param post a message leaves */
  constructor(id: PeerId, disk: Disk, options: MemberOptions, post: (message: Message) => void) {
    this.id = id;
    this.disk = disk;
    this.options = options;
    this.#post = post;
    this.#configuration = disk.snapshot.configuration;
    this.start();
  }

  /** From what the disk has. Timeouts are the shortest possible, so that scripts can count ticks. */
  start(): void {
    this.raft = new Raft(this.disk.startOf(this.id), this.options.settings, () => 0);
    this.#configuration = this.disk.snapshot.configuration;
  }

  crash(): void {
    this.raft = undefined;
    this.#jobs = this.#written = [];
    this.#applying = [];
  }

  get up(): Raft {
    if (!this.raft) throw new Error(`${this.id} is down`);
    return this.raft;
  }

  get hasReady(): boolean {
    return this.raft?.hasReady() ?? false;
  }

  get hasJob(): boolean {
    return this.#jobs.length > 0;
  }

  get isApplying(): boolean {
    return this.#applying.length > 0;
  }

  /** Takes what there is to do, and does it unless storage is asynchronous. */
  ready(): readonly string[] {
    const ready = this.up.ready();
    const lines = readyLines(ready, this.options.isAsync);
    for (const message of ready.send) this.#post(message);
    if (ready.store) this.#jobs = [...this.#jobs, ready.store];
    if (ready.apply.length > 0) this.#applying = ready.apply;
    if (!this.options.isAsync) {
      this.#write();
      this.#tell();
      this.#apply();
    }
    return [`${this.id} ready`, ...lines, ...this.#newConfiguration()];
  }

  /** The oldest job becomes durable; what rests on it leaves. @param silently the core does not hear of it yet */
  store(silently: boolean): readonly string[] {
    const [job] = this.#jobs;
    if (!job) return [`${this.id} has nothing to store`];
    this.#write();
    if (silently) return [`${this.id} stored #${job.mark.job}, and does not know it`];
    return this.notice();
  }

  /** Hears which jobs are durable. */
  notice(): readonly string[] {
    const jobs = this.#written.map(({ mark }) => `#${mark.job}`);
    this.#tell();
    return [`${this.id} stored ${jobs.join(', ')}`, ...this.#newConfiguration()];
  }

  apply(): readonly string[] {
    const slice = this.#applying;
    if (slice.length === 0) return [`${this.id} has nothing to apply`];
    this.#apply();
    return [`${this.id} applied ${entriesLine(slice)}`, ...this.#newConfiguration()];
  }

  #write(): void {
    const [job, ...later] = this.#jobs;
    if (!job) return;
    this.#jobs = later;
    this.disk.write(job);
    this.#written = [...this.#written, job];
  }

  #tell(): void {
    const written = this.#written;
    this.#written = [];
    for (const job of written) {
      for (const message of job.thenSend) this.#post(message);
      this.up.advance({ stored: job.mark });
    }
  }

  #apply(): void {
    const last = this.#applying.at(-1);
    this.#applying = [];
    if (last) this.up.advance({ applied: last.index });
  }

  #newConfiguration(): readonly string[] {
    const { configuration } = this.up.status;
    if (configuration === this.#configuration) return [];
    this.#configuration = configuration;
    return [`  now    ${configurationLine(configuration)}`];
  }
}

function readyLines(
  { leadership, send, store, apply, reads, refusedReads, snapshotWanted }: Ready,
  isAsync: boolean,
): readonly string[] {
  const lines = [
    leadership && `  is     ${leadershipLine(leadership)}`,
    ...send.map((message) => `  send   ${messageLine(message)}`),
    store && `  store  ${isAsync ? `#${store.mark.job} ` : ''}${jobLine(store)}`,
    ...(store?.thenSend ?? []).map((message) => `  then   ${messageLine(message)}`),
    apply.length > 0 && `  apply  ${entriesLine(apply)}`,
    ...reads.map(({ request, index }) => `  read   ${request} at ${index}`),
    ...refusedReads.map(({ request, why }) => `  read   ${request} refused: ${why}`),
    snapshotWanted && '  want   a newer snapshot',
  ].filter((line) => typeof line === 'string');
  return lines.length === 0 ? ['  nothing'] : lines;
}
