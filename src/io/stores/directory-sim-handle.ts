/** One process's view of a simulated directory: it dies with its process, and breaks with its first failed write. */
import {
  checkName,
  closedDirectory,
  leavesHole,
  noSuchFile,
  pieceBytes,
  unreadable,
  type Directory,
} from './directory.ts';
import { StoreError } from './port.ts';
import { SimFile } from './sim-file.ts';
import { never } from './sim-medium.ts';

const where = 'the simulated disk';

interface Device {
  files(): Map<string, SimFile>;
  delay(): Promise<void> | undefined;
  change(doing: string, change: () => void): Promise<void>;
  write(file: SimFile, offset: number, bytes: Uint8Array): void;
  put(name: string, file: SimFile | undefined): void;
  sync(name: string, file: SimFile): void;
  closed(handle: SimDirectoryHandle): void;
}

export class SimDirectoryHandle implements Directory {
  readonly #device: Device;
  #state: 'open' | 'closed' | 'dead' = 'open';
  #failed: StoreError | undefined;

  constructor(device: Device) {
    this.#device = device;
  }

  kill(): void {
    this.#state = 'dead';
  }

  async list(): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]> {
    const files = await this.#read();
    return [...files].map(([name, { bytes }]) => ({ name, sizeBytes: bytes.length })).toSorted(byName);
  }

  async read(name: string): Promise<Uint8Array | undefined> {
    checkName(name);
    const file = (await this.#read()).get(name);
    if (file && file.readableUpTo(0, file.bytes.length) < file.bytes.length) throw badSector(name);
    return file?.bytes.slice();
  }

  async *stream(name: string, from = 0): AsyncIterable<Uint8Array> {
    checkName(name);
    const file = (await this.#read()).get(name);
    if (!file) throw noSuchFile(name, where);
    for (let at = from; at < file.bytes.length;) {
      if (at > from) await this.#read();
      const end = file.readableUpTo(at, Math.min(file.bytes.length, at + pieceBytes));
      if (end === at) throw badSector(name);
      yield file.bytes.slice(at, end);
      at = end;
    }
  }

  async replace(name: string, bytes: Uint8Array): Promise<void> {
    checkName(name);
    const file = new SimFile(bytes.slice());
    await this.#write(`replace ${name}`, () => this.#device.put(name, file));
  }

  async writeAt(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    checkName(name);
    const copy = bytes.slice();
    const sizeBytes = this.#device.files().get(name)?.bytes.length ?? 0;
    await this.#write(
      `write ${name}`,
      () => {
        const files = this.#device.files();
        const file = files.get(name) ?? new SimFile(new Uint8Array());
        files.set(name, file);
        this.#device.write(file, offset, copy);
      },
      () => (offset > sizeBytes ? leavesHole(name, offset, sizeBytes) : undefined),
    );
  }

  async sync(name: string): Promise<void> {
    checkName(name);
    await this.#write(
      `sync ${name}`,
      () => {
        const file = this.#device.files().get(name);
        if (file) this.#device.sync(name, file);
      },
      () => this.#missing(name),
    );
  }

  async rename(from: string, to: string): Promise<void> {
    checkName(from);
    checkName(to);
    await this.#write(
      `rename ${from}`,
      () => {
        const file = this.#device.files().get(from);
        if (!file) return;
        this.#device.put(from, undefined);
        this.#device.put(to, file);
      },
      () => this.#missing(from),
    );
  }

  async delete(name: string): Promise<void> {
    checkName(name);
    await this.#write(`delete ${name}`, () => this.#device.put(name, undefined));
  }

  async close(): Promise<void> {
    if (this.#state === 'dead') return never();
    this.#state = 'closed';
    this.#device.closed(this);
  }

  #missing(name: string): StoreError | undefined {
    return this.#device.files().has(name) ? undefined : noSuchFile(name, where);
  }

  async #read(): Promise<Map<string, SimFile>> {
    if (this.#state === 'dead') return never();
    if (this.#state === 'closed') throw closedDirectory(where);
    await this.#device.delay();
    return this.#isDead() ? never() : this.#device.files();
  }

  /** @param problem what is wrong with the call itself; the disk stays as it was */
  async #write(doing: string, change: () => void, problem?: () => StoreError | undefined): Promise<void> {
    if (this.#state === 'dead') return never();
    if (this.#state === 'closed') throw closedDirectory(where);
    const wrong = problem?.();
    if (wrong) throw wrong;
    if (this.#failed) throw this.#failed;
    try {
      await this.#device.change(doing, change);
    } catch (error) {
      if (this.#isDead()) return never();
      if (error instanceof StoreError) this.#failed = error;
      throw error;
    }
    if (this.#isDead()) return never();
  }

  /** It may have died while a call was under way. */
  #isDead(): boolean {
    return this.#state === 'dead';
  }
}

const badSector = (name: string): StoreError =>
  unreadable(name, where, Object.assign(new Error('EIO'), { code: 'EIO' }));

const byName = (one: { readonly name: string }, other: { readonly name: string }): number =>
  one.name < other.name ? -1 : 1;
