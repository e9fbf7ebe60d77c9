/**
 * A file that arrives in pieces, over several connections and lives of this process, until it is whole and gets its name.
 *
 * How far it has come stands nowhere but in the file itself: opening reads it and goes on behind its last intact frame.
 * What opening finds is written once more, because it may only be seen: had the last process died of a sync that failed,
 * the disk would never get those bytes, and a later sync would succeed all the same.
 */
import type { Directory } from '../../../stores/directory.ts';
import { StoreError } from '../../../stores/port.ts';
import type { Broken } from './broken.ts';
import type { FrameReader } from './frame-reader.ts';

export interface PartOptions {
  /** Of the whole. */
  readonly sizeBytes: number;
  readonly reader: () => FrameReader;
  /** So that what waits to be written does not hold up the syncs of others for long. */
  readonly syncEveryBytes: number;
}

export class PartFile {
  readonly name: string;
  readonly reader: FrameReader;
  readonly #directory: Directory;
  readonly #syncEveryBytes: number;
  #unsyncedBytes = 0;

  private constructor(directory: Directory, name: string, options: PartOptions) {
    this.#directory = directory;
    this.name = name;
    this.reader = options.reader();
    this.#syncEveryBytes = options.syncEveryBytes;
  }

  static async open(directory: Directory, name: string, options: PartOptions): Promise<PartFile> {
    const part = new PartFile(directory, name, options);
    if (await part.#resume(options.sizeBytes)) return part;
    // Writing goes over what is there: it takes nothing away, and may not even go over what cannot be read.
    await directory.delete(name);
    return new PartFile(directory, name, options);
  }

  /** Where the next bytes belong. */
  get offset(): number {
    return this.reader.offset + this.reader.keptBytes;
  }

  /**
   * Takes the bytes at `offset`. Not durable before `complete`.
   * @returns what is wrong with them; then `offset` is behind the last intact frame
   */
  async write(bytes: Uint8Array): Promise<Broken | undefined> {
    const at = this.offset;
    this.reader.check(bytes);
    await this.#put(at, bytes);
    const { broken } = this.reader;
    if (broken) this.reader.rewind();
    return broken;
  }

  /** The whole file is there: gives it its name, durably. */
  async complete(name: string): Promise<void> {
    await this.#directory.sync(this.name);
    await this.#directory.rename(this.name, name);
  }

  async discard(): Promise<void> {
    await this.#directory.delete(this.name);
  }

  /** @returns whether one can go on with what there is */
  async #resume(sizeBytes: number): Promise<boolean> {
    let found = 0;
    try {
      for await (const piece of this.#directory.stream(this.name)) {
        found += piece.length;
        if (this.reader.broken) continue;
        const at = this.offset;
        this.reader.check(piece);
        await this.#put(at, piece);
      }
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'DAMAGED') return false;
      if (error.code !== 'MISSING') throw error;
    }
    this.reader.rewind();
    return found <= sizeBytes;
  }

  async #put(at: number, bytes: Uint8Array): Promise<void> {
    await this.#directory.writeAt(this.name, at, bytes);
    this.#unsyncedBytes += bytes.length;
    if (this.#unsyncedBytes < this.#syncEveryBytes) return;
    await this.#directory.sync(this.name);
    this.#unsyncedBytes = 0;
  }
}
