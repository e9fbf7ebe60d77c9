/**
 * The disk of a simulated member with the real storage on it (`io/log/raft`), over a simulated medium that can be
 * damaged. What the storage says is durable is kept beside as the model does, for those who watch.
 *
 * Snapshots' contents are not written as files here: files of snapshots have their own tests.
 */
import type { PeerId, SnapshotMeta } from '#events/raft/entry.ts';
import type { StoreJob } from '#events/raft/ready.ts';
import { createStorage, openStorage } from '../../log/raft/open.ts';
import type { Opened, RaftStorage, SnapshotPointer } from '../../log/raft/storage.ts';
import { SimMachineDisk } from '../../stores/sim-machine.ts';
import type { SimMediumOptions } from '../../stores/sim-medium.ts';
import { ModelDisk, type Content, type ContentOf, type OpenedDisk } from './model-disk.ts';
import { machineOf } from './network.ts';
import { emptyRegisters } from './registers.ts';

export class StoredDisk extends ModelDisk {
  readonly medium: SimMachineDisk;
  readonly #peer: PeerId;
  readonly #first: SnapshotMeta;
  /** Contents of snapshots, by the names that their files would have. */
  readonly #contents = new Map<string, Content>();
  #storage: RaftStorage | undefined;
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
    const found = { start: opened.start, content: (snapshot && this.#contents.get(snapshot.file)) ?? emptyRegisters };
    this.found(found);
    return found;
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
    for (const job of jobs) this.carryOut(job, contentOf(job));
  }

  override async writeSnapshot(snapshot: SnapshotMeta, content: Content): Promise<void> {
    if (snapshot.index <= this.snapshot.index) return;
    await this.#opened().snapshotMade(this.#pointerOf(snapshot, content));
    this.carryOutSnapshot(snapshot, content);
  }

  override async compact(upTo: number): Promise<void> {
    await this.#opened().compact(upTo);
    this.carryOutCompaction(upTo);
  }

  /** What was under way is up to the medium; what arrived is seen when it is opened again. */
  override killed(): readonly StoreJob[] {
    this.#storage = undefined;
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
