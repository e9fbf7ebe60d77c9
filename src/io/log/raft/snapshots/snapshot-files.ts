/**
 * The snapshots of a member, as files in a directory of their own.
 *
 *   write(meta, rows) ─────────────▶ pointer ─▶ storage.snapshotMade ────────────────┐
 *   receive(pointer) ─▶ … finish() ▶ pointer ─▶ storage.snapshotArrived, its job ────┤
 *                                                                                    ▼
 *                                          older files go, once nobody uses them ◀─ retain(storage.snapshot)
 *
 * Laws: a file has its name only if it is whole and durable. The file that the durable pointer means is never deleted,
 * nor one that somebody reads, sends or holds. Making, sending and receiving do not wait for one another. An error of a
 * write goes up to whoever called: the process must end.
 */
import { isDeepStrictEqual } from 'node:util';
import type { SnapshotMeta } from '#events/raft/entry.ts';
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import type { SnapshotPointer } from '../storage.ts';
import { damaged, type Broken } from './broken.ts';
import { makeChunk, type Chunk } from './chunk.ts';
import type { FrameReader } from './frame-reader.ts';
import { fileNameOf, isMaking, makingName, partNameOf, snapshotNamed } from './names.ts';
import { PartFile } from './part-file.ts';
import { damagedHint, readRows, snapshotReader, verifySnapshot } from './read.ts';
import { refused, SnapshotReceiver, type Refusal } from './receiver.ts';
import { writeSnapshot } from './write.ts';

export interface SnapshotOptions {
  /** While much is written: so that the log's own syncs never wait for more than this. */
  readonly syncEveryBytes?: number;
}

/** Keeps a file for a transfer that takes several connections. */
export interface Hold {
  /** Once. */
  release(): Promise<void>;
}

const defaultSyncEveryBytes = 16 * 1024 * 1024;

export class SnapshotFiles {
  readonly #directory: Directory;
  readonly #syncEveryBytes: number;
  /** How many read, send or hold a file. */
  readonly #uses = new Map<string, number>();
  /** To be deleted when nobody uses them. */
  readonly #obsolete = new Set<string>();
  /** Being deleted at this moment. */
  readonly #deletions = new Map<string, Promise<void>>();
  /** Whole files of an earlier life that no pointer is known to mean. */
  readonly #orphans: Set<string>;
  #isRetaining = false;
  #makings = 0;
  #receiver: SnapshotReceiver | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(directory: Directory, orphans: readonly string[], syncEveryBytes: number) {
    this.#directory = directory;
    this.#orphans = new Set(orphans);
    this.#syncEveryBytes = syncEveryBytes;
  }

  /** Clears away what a crash left unfinished, except what is arriving. @throws StoreError FAILED */
  static async open(directory: Directory, options: SnapshotOptions = {}): Promise<SnapshotFiles> {
    const names = (await directory.list()).map(({ name }) => name);
    for (const name of names.filter(isMaking)) await directory.delete(name);
    const whole = names.filter((name) => snapshotNamed(name)?.isPart === false);
    return new SnapshotFiles(directory, whole, options.syncEveryBytes ?? defaultSyncEveryBytes);
  }

  /**
   * Makes a snapshot of these rows. Durable once resolved; there is nothing before.
   * @throws StoreError FAILED, also for a row above 16 MiB; and whatever the rows throw
   */
  async write(meta: SnapshotMeta, rows: AsyncIterable<Uint8Array>): Promise<SnapshotPointer> {
    const making = makingName(++this.#makings);
    try {
      const { sizeBytes, sha256 } = await writeSnapshot(this.#directory, making, meta, rows, this.#syncEveryBytes);
      const file = fileNameOf(meta, sha256);
      await this.#keep(file);
      await this.#directory.rename(making, file);
      await this.#arrived(file);
      return { meta, file, sizeBytes, sha256 };
    } catch (error) {
      // If it was the disk, this fails for the same reason, and changes nothing.
      await this.#directory.delete(making).catch(() => undefined);
      throw error;
    }
  }

  /**
   * The rows, in slices and as they were given. The last slice comes only after the whole file was found right: put them
   * where they do not count until the loop has ended, and throw them away when it throws.
   * @throws StoreError MISSING, DAMAGED; LogError TOO_NEW
   */
  async *read(pointer: SnapshotPointer): AsyncGenerator<readonly Uint8Array[], void, undefined> {
    const hold = this.hold(pointer);
    try {
      yield* readRows(this.#directory, pointer);
    } finally {
      await hold.release();
    }
  }

  /** Reads every byte. @returns the first place that is not right. @throws StoreError MISSING, LogError TOO_NEW */
  async verify(pointer: SnapshotPointer): Promise<Broken | undefined> {
    const hold = this.hold(pointer);
    try {
      return await verifySnapshot(this.#directory, pointer);
    } finally {
      await hold.release();
    }
  }

  /** Whether the file is there and every byte is right: what `openStorage` asks. @throws LogError TOO_NEW */
  async hasWhole(pointer: SnapshotPointer): Promise<boolean> {
    try {
      return pointer.file === fileNameOf(pointer.meta, pointer.sha256) && !(await this.verify(pointer));
    } catch (error) {
      if (error instanceof StoreError && error.code === 'MISSING') return false;
      throw error;
    }
  }

  /**
   * The file from this byte on, in chunks, not checked: who receives it checks it. Keeps the file until the loop ends.
   * @throws StoreError MISSING; DAMAGED when it is shorter than the pointer says
   */
  async *sendFrom(pointer: SnapshotPointer, offset: number): AsyncGenerator<Chunk, void, undefined> {
    const { file, sha256, sizeBytes } = pointer;
    const hold = this.hold(pointer);
    try {
      let at = offset;
      for await (const bytes of this.#directory.stream(file, offset)) {
        yield makeChunk(sha256, at, bytes);
        at += bytes.length;
      }
      if (at < sizeBytes) throw damaged({ file, offset: at, explain: 'it is cut off there' }, damagedHint);
    } finally {
      await hold.release();
    }
  }

  /** The file stays, whatever comes, until released. */
  hold({ file }: SnapshotPointer): Hold {
    this.#uses.set(file, (this.#uses.get(file) ?? 0) + 1);
    return {
      release: async () => {
        const uses = (this.#uses.get(file) ?? 1) - 1;
        if (uses > 0) this.#uses.set(file, uses);
        else this.#uses.delete(file);
        await this.#sweep();
      },
    };
  }

  /**
   * Begins, or goes on, to receive this snapshot. One transfer at a time: an earlier one ends; what came of the same
   * snapshot is kept, of another it is thrown away.
   * @throws StoreError FAILED, LogError TOO_NEW
   */
  receive(pointer: SnapshotPointer): Promise<SnapshotReceiver | Refusal> {
    return this.#inTurn(async () => {
      const problem = problemOf(pointer);
      if (problem !== undefined) return refused('wrong-pointer', problem);
      const before = this.#receiver;
      const begun = await before?.end();
      const part = begun && isDeepStrictEqual(before?.pointer, pointer) ? begun : await this.#partOf(pointer);
      this.#receiver = new SnapshotReceiver(pointer, part, ({ file }) => this.#arrived(file));
      return this.#receiver;
    });
  }

  /**
   * This pointer is durable (or none is): older snapshots are not needed any more, and go when nobody uses them. To be
   * called once after opening, and whenever there is a newer one. @throws StoreError FAILED
   */
  retain(pointer: SnapshotPointer | undefined): Promise<void> {
    return this.#inTurn(async () => {
      this.#isRetaining = true;
      if (!pointer) return;
      const { index } = pointer.meta;
      if (this.#receiver && this.#receiver.pointer.meta.index <= index) await this.#receiver.end();
      for (const { name } of await this.#directory.list()) {
        const found = snapshotNamed(name);
        if (found && found.index <= index) this.#obsolete.add(name);
      }
      await this.#keep(pointer.file);
      await this.#sweep();
    });
  }

  async close(): Promise<void> {
    await this.#receiver?.end();
    await this.#directory.close();
  }

  /** Undefined when the file is here already. */
  async #partOf(pointer: SnapshotPointer): Promise<PartFile | undefined> {
    const { file, sizeBytes } = pointer;
    const part = partNameOf(file);
    for (const { name } of await this.#directory.list())
      if (snapshotNamed(name)?.isPart && name !== part) await this.#directory.delete(name);
    await this.#keep(file);
    if (await this.hasWhole(pointer)) return undefined;
    const reader = (): FrameReader => snapshotReader(pointer, file);
    return PartFile.open(this.#directory, part, { sizeBytes, reader, syncEveryBytes: this.#syncEveryBytes });
  }

  /** A new file is durable: what an earlier life left over need not be kept beside it. */
  async #arrived(file: string): Promise<void> {
    await this.#keep(file);
    if (!this.#isRetaining) return;
    for (const orphan of this.#orphans) this.#obsolete.add(orphan);
    this.#orphans.clear();
    await this.#sweep();
  }

  /** From now on it is wanted. Once resolved, no deletion of it is under way any more, and it is here or it is not. */
  async #keep(file: string): Promise<void> {
    this.#obsolete.delete(file);
    this.#orphans.delete(file);
    await this.#deletions.get(file);
  }

  async #sweep(): Promise<void> {
    for (const name of [...this.#obsolete]) {
      // While another one was being deleted it may have become wanted, or somebody may have begun to use it.
      if (!this.#obsolete.has(name) || this.#uses.has(name)) continue;
      this.#obsolete.delete(name);
      const deletion = this.#directory.delete(name);
      this.#deletions.set(name, deletion);
      try {
        await deletion;
      } finally {
        this.#deletions.delete(name);
      }
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

/** It may come from another member, and its name becomes that of a file. */
function problemOf({ meta, file, sizeBytes, sha256 }: SnapshotPointer): string | undefined {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return 'Its SHA-256 is none.';
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes <= 0) return `It cannot have ${sizeBytes} bytes.`;
  if (![meta.index, meta.term].every((value) => Number.isSafeInteger(value) && value > 0))
    return `There is no entry ${meta.index} of term ${meta.term}.`;
  return file === fileNameOf(meta, sha256) ? undefined : `It cannot be called ${JSON.stringify(file)}.`;
}
