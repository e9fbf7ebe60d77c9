/**
 * A directory of the operating system, with everything that a power cut demands: bytes by fdatasync, names by syncing the
 * directory, whole files written beside and renamed.
 *
 * After a failed sync the kernel takes the pages for clean, and a second sync succeeds without having written anything.
 * So nothing more is written after the first error.
 */
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  checkName,
  closedDirectory,
  isName,
  leavesHole,
  noSuchFile,
  pieceBytes,
  unreadable,
  type Directory,
} from './directory.ts';
import { replaceFile, syncDir } from './files.ts';
import { StoreError } from './port.ts';

/** Before the name of a file that is being written: no legal name begins with it. */
const beside = '~';

/** Makes the directory if need be, and removes what a crash left half written. @throws StoreError FAILED */
export async function openDirectory(path: string): Promise<Directory> {
  try {
    const made = (await mkdir(path, { recursive: true, mode: 0o700 })) ?? path;
    for (let at = path; ; at = dirname(at)) {
      await syncDir(dirname(at));
      if (at === made || at === dirname(at)) break;
    }
    for (const name of await readdir(path)) if (name.startsWith(beside)) await rm(join(path, name), { force: true });
  } catch (error) {
    throw failed(`open the directory ${path}`, error, path);
  }
  return new RealDirectory(path);
}

interface OpenFile {
  readonly handle: FileHandle;
  sizeBytes: number;
}

class RealDirectory implements Directory {
  readonly #path: string;
  /** Files that were written in place. */
  readonly #open = new Map<string, OpenFile>();
  /** Names that are known to be durable. */
  readonly #named = new Set<string>();
  #failed: StoreError | undefined;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  list(): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]> {
    return this.#read('list', async () => {
      const names = (await readdir(this.#path)).filter(isName).toSorted();
      return Promise.all(names.map(async (name) => ({ name, sizeBytes: (await stat(this.#at(name))).size })));
    });
  }

  read(name: string): Promise<Uint8Array | undefined> {
    return this.#readFile(name, async () => {
      checkName(name);
      const bytes = await orMissing(readFile(this.#at(name)));
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    });
  }

  async *stream(name: string, from = 0): AsyncIterable<Uint8Array> {
    const handle = await this.#readFile(name, async () => {
      checkName(name);
      const opened = await orMissing(open(this.#at(name), 'r'));
      if (!opened) throw noSuchFile(name, this.#path);
      return opened;
    });
    try {
      for (let at = from; ;) {
        const piece = new Uint8Array(pieceBytes);
        const { bytesRead } = await this.#readFile(name, () => handle.read(piece, 0, pieceBytes, at));
        if (bytesRead === 0) return;
        at += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await handle.close();
    }
  }

  replace(name: string, bytes: Uint8Array): Promise<void> {
    return this.#write(`replace ${name} in`, async () => {
      checkName(name);
      await this.#letGo(name);
      await replaceFile(this.#at(name), bytes, { mode: 0o600, temp: this.#at(beside + name) });
      this.#named.add(name);
    });
  }

  writeAt(name: string, offset: number, bytes: Uint8Array): Promise<void> {
    return this.#write(`write ${name} in`, async () => {
      checkName(name);
      const file = (await this.#file(name, constants.O_CREAT)) as OpenFile;
      if (offset > file.sizeBytes) throw leavesHole(name, offset, file.sizeBytes);
      for (let done = 0; done < bytes.length;) {
        const { bytesWritten } = await file.handle.write(bytes, done, bytes.length - done, offset + done);
        done += bytesWritten;
      }
      file.sizeBytes = Math.max(file.sizeBytes, offset + bytes.length);
    });
  }

  sync(name: string): Promise<void> {
    return this.#write(`sync ${name} in`, async () => {
      checkName(name);
      const file = await this.#file(name, 0);
      if (!file) throw noSuchFile(name, this.#path);
      await file.handle.datasync();
      // Whoever made the file may have died before its name was durable.
      if (this.#named.has(name)) return;
      await syncDir(this.#path);
      this.#named.add(name);
    });
  }

  rename(from: string, to: string): Promise<void> {
    return this.#write(`rename ${from} in`, async () => {
      checkName(from);
      checkName(to);
      await this.#letGo(from);
      await this.#letGo(to);
      const found = await orMissing(rename(this.#at(from), this.#at(to)).then(() => true));
      if (!found) throw noSuchFile(from, this.#path);
      await syncDir(this.#path);
      this.#named.delete(from);
      this.#named.add(to);
    });
  }

  delete(name: string): Promise<void> {
    return this.#write(`delete ${name} in`, async () => {
      checkName(name);
      await this.#letGo(name);
      await rm(this.#at(name), { force: true });
      await syncDir(this.#path);
      this.#named.delete(name);
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const name of [...this.#open.keys()]) await this.#letGo(name);
  }

  #at(name: string): string {
    return join(this.#path, name);
  }

  async #file(name: string, flag: number): Promise<OpenFile | undefined> {
    const known = this.#open.get(name);
    if (known) return known;
    const handle = await orMissing(open(this.#at(name), constants.O_RDWR | flag, 0o600));
    if (!handle) return undefined;
    const file = { handle, sizeBytes: (await handle.stat()).size };
    this.#open.set(name, file);
    return file;
  }

  async #letGo(name: string): Promise<void> {
    const file = this.#open.get(name);
    this.#open.delete(name);
    await file?.handle.close();
  }

  /** A place that cannot be read damages one file; with everything else the directory itself may be out of reach. */
  #readFile<T>(name: string, read: () => Promise<T>): Promise<T> {
    return this.#read(`read ${name} in`, async () => {
      try {
        return await read();
      } catch (error) {
        throw codeOf(error) === 'EIO' ? unreadable(name, this.#path, error) : error;
      }
    });
  }

  async #read<T>(doing: string, read: () => Promise<T>): Promise<T> {
    if (this.#isClosed) throw closedDirectory(this.#path);
    try {
      return await read();
    } catch (error) {
      throw error instanceof StoreError ? error : failed(`${doing} ${this.#path}`, error, this.#path);
    }
  }

  async #write(doing: string, write: () => Promise<void>): Promise<void> {
    if (this.#isClosed) throw closedDirectory(this.#path);
    if (this.#failed) throw this.#failed;
    try {
      await write();
    } catch (error) {
      // What was asked for cannot be done; the disk is as it was.
      if (error instanceof StoreError) throw error;
      this.#failed ??= failed(`${doing} ${this.#path}`, error, this.#path);
      throw this.#failed;
    }
  }
}

/** @returns undefined when there is no such file */
async function orMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

function failed(doing: string, error: unknown, path: string): StoreError {
  const reason = error instanceof Error ? error.message : String(error);
  const hint =
    codeOf(error) === 'ENOSPC'
      ? `Free some space on the file system of ${path}, then start again.`
      : `Look at the disk (dmesg, SMART) and at the permissions of ${path}, then start again.`;
  return new StoreError('FAILED', `cannot ${doing}: ${reason}`, hint, error);
}
