/**
 * The disk of a simulated member with the real storage on it (`io/log/raft`), over a simulated medium that can be
 * damaged. What the storage says is durable is kept beside as the model does, for those who watch.
 *
 * Snapshots' contents are not written as files here: files of snapshots have their own tests. What was applied is kept in
 * a real history on the same medium.
 */
import type { Entry, PeerId, SnapshotMeta } from '#events/raft/entry.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import type { History } from '../../log/raft/history/history.ts';
import { createStorage, openStorage } from '../../log/raft/open.ts';
import type { Opened, RaftStorage, SnapshotPointer } from '../../log/raft/storage.ts';
import type { Directory } from '../../stores/directory.ts';
import { SimMachineDisk } from '../../stores/sim-machine.ts';
import type { SimMediumOptions } from '../../stores/sim-medium.ts';
import { ModelDisk, type Content, type ContentOf, type OpenedDisk } from './model-disk.ts';
import { machineOf } from './network.ts';
import { emptyRegisters } from './registers.ts';
import { StoredHistory } from './stored-history.ts';

/** The state at a snapshot, with the history as of its index. */
interface WithHistory {
  readonly history: Uint8Array;
}

export class StoredDisk extends ModelDisk {
  readonly medium: SimMachineDisk;
  readonly #peer: PeerId;
  readonly #first: SnapshotMeta;
  /** Contents of snapshots, by the names that their files would have. */
  readonly #contents = new Map<string, Content>();
  #storage: RaftStorage | undefined;
  #history: StoredHistory | undefined;
  #isMade = false;

  constructor(peer: PeerId, first: SnapshotMeta, options: SimMediumOptions) {
    super(first, emptyRegisters);
    this.#peer = peer;
    this.#first = first;
    this.medium = new SimMachineDisk(options);
  }

  /** @throws LogError, StoreError when the log is damaged beyond what a member can go on with */
  override async open(): Promise<OpenedDisk> {
    const opened = await this.#open();
    this.#storage = opened.storage;
    const { snapshot } = opened.storage;
    const content = snapshot && this.#contents.get(snapshot.file);
    const found = { start: opened.start, content: content ?? emptyRegisters };
    const directory = (): Directory => this.medium.directory('history').open();
    this.#history = await StoredHistory.open(directory, opened.start.snapshot.index, content && historyOf(content));
    this.found(found);
    return found;
  }

  /** Of the process that lives now. */
  get history(): History | undefined {
    return this.#history?.current;
  }

  async #open(): Promise<Opened> {
    const parts = {
      store: this.medium.database('raft').open(),
      directory: this.medium.directory('raft').open(),
      hasSnapshot: (pointer: SnapshotPointer) => Promise.resolve(this.#contents.has(pointer.file)),
    };
    if (this.#isMade) return openStorage(parts);
    const [node, incarnation] = [machineOf(this.#peer), this.#peer.slice(machineOf(this.#peer).length + 1)];
    const opened = await createStorage(
      parts,
      { cluster: 'lab', generation: 1, node, incarnation },
      this.#first.configuration,
    );
    this.#isMade = true;
    return opened;
  }

  override async write(jobs: readonly StoreJob[], contentOf: ContentOf): Promise<void> {
    const storage = this.#opened();
    for (const job of jobs) {
      const content = contentOf(job);
      if (job.snapshot && content) storage.snapshotArrived(this.#pointerOf(job.snapshot, content));
    }
    await storage.store(jobs);
    for (const job of jobs) {
      const content = contentOf(job);
      if (job.snapshot && content) await this.#history?.install(historyOf(content));
      this.carryOut(job, content);
    }
  }

  /** Without effect when the history has to be repaired first. */
  override async writeSnapshot(snapshot: SnapshotMeta, content: Content): Promise<void> {
    if (snapshot.index <= this.snapshot.index) return;
    const history = await this.#history?.at(snapshot.index);
    if (!history || snapshot.index <= this.snapshot.index) return;
    const whole: Content & WithHistory = { ...content, history };
    await this.#opened().snapshotMade(this.#pointerOf(snapshot, whole));
    this.carryOutSnapshot(snapshot, whole);
  }

  override async applied(entries: readonly Entry[]): Promise<void> {
    await this.#history?.append(entries);
  }

  override async compact(upTo: number): Promise<void> {
    const durable = (await this.#history?.sync()) ?? 0;
    const index = Math.min(upTo, durable, this.snapshot.index);
    await this.#opened().compact(index);
    this.carryOutCompaction(index);
  }

  /** What was under way is up to the medium; what arrived is seen when it is opened again. */
  override killed(): readonly StoreJob[] {
    this.#storage = undefined;
    this.#history = undefined;
    this.medium.crash('process');
    return [];
  }

  #opened(): RaftStorage {
    if (!this.#storage) throw new Error('the disk is not open');
    return this.#storage;
  }

  #pointerOf(meta: SnapshotMeta, content: Content): SnapshotPointer {
    const file = `snapshot-${meta.term}-${meta.index}`;
    this.#contents.set(file, content);
    return { meta, file, sizeBytes: 1, sha256: '0'.repeat(64) };
  }
}

const historyOf = (content: Content): Uint8Array | undefined => (content as Partial<WithHistory>).history;
