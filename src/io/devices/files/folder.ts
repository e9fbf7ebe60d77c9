/**
 * Folders that somebody hostile may change while we are in them.
 *
 * A path is looked up anew by every call: between a check and a write, an app could put a link in the way that leads to
 * the host's own files. So each folder on the way is opened by itself, without following a link, and its entries are
 * reached through what was opened (`/proc/self/fd/<n>/<name>`): whatever is renamed meanwhile, we stay where we are.
 * Files are first opened without being opened for reading (`O_PATH`): looking at a pipe must not wait for its other
 * end, nor looking at a device begin its work.
 */
import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, readdir, rename, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { insideFolder } from '#events/values/path.ts';
import { IoError } from '../error.ts';
import { errnoOf, fileError, isLink } from './errors.ts';

/** Node has no name for it; Linux gives it this number on every processor that Node runs on. */
const O_PATH = 0o10000000;

export class Folder {
  /** For messages only. */
  readonly path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** @param path of a folder that only FloatLab can replace @throws IoError POOL_MISSING */
  static async root(path: string): Promise<Folder> {
    try {
      return new Folder(path, await open(path, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ENOTDIR') throw fileError('open', path, error);
      throw new IoError('POOL_MISSING', {
        op: 'open',
        target: path,
        message: `${path} is not there: the pool of this volume is not mounted, or the volume is gone.`,
        hint: 'Mount the pool. FloatLab goes on by itself when it is there.',
        cause: error,
      });
    }
  }

  /** Where an entry is, for calls that do not follow links. */
  at(name: string): string {
    return `/proc/self/fd/${this.#handle.fd}/${name}`;
  }

  async look(name: string): Promise<Stats | undefined> {
    return orNothing(() => lstat(this.at(name)));
  }

  async names(): Promise<readonly string[]> {
    return (await readdir(this.at(''))).toSorted();
  }

  /** @returns undefined when there is nothing @throws IoError INVALID when it is a link or no folder */
  async enter(name: string): Promise<Folder | undefined> {
    const path = join(this.path, name);
    try {
      return new Folder(path, await open(this.at(name), O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      if ((await this.look(name))?.isSymbolicLink()) throw isLink(path);
      throw fileError('open', path, error);
    }
  }

  /**
   * The folder at the end of a way, for as long as the work takes. The way is gone step by step.
   * @returns undefined when a step is not there, and is not to be made
   * @throws IoError INVALID when one is a link or no folder
   */
  async below<T>(
    way: readonly string[],
    missing: 'make' | 'leave',
    work: (folder: Folder) => Promise<T>,
  ): Promise<T | undefined> {
    const [name, ...rest] = way;
    if (name === undefined) return work(this);
    if (missing === 'make') await this.makeFolder(name);
    const next = await this.enter(name);
    if (!next) return undefined;
    try {
      return await next.below(rest, missing, work);
    } finally {
      await next.close();
    }
  }

  /** A regular file that is no larger. @returns undefined for anything else */
  async read(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const found = await orNothing(() => open(this.at(name), O_PATH | constants.O_NOFOLLOW));
    if (!found) return undefined;
    try {
      const stats = await found.stat();
      if (!stats.isFile() || stats.size > maxBytes) return undefined;
      // The very file that was looked at, whatever has its name by now.
      const file = await open(`/proc/self/fd/${found.fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const bytes = Buffer.alloc(stats.size + 1);
        let length = 0;
        for (let read = -1; read !== 0 && length < bytes.length; length += read)
          read = (await file.read(bytes, length, bytes.length - length, length)).bytesRead;
        // It grows under our eyes.
        return length === bytes.length ? undefined : bytes.subarray(0, length);
      } finally {
        await file.close();
      }
    } finally {
      await found.close();
    }
  }

  /** Or finds something of that name there. */
  async makeFolder(name: string, mode = 0o777): Promise<void> {
    try {
      await mkdir(this.at(name), mode);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw fileError('make folder', join(this.path, name), error);
    }
  }

  /** A new file, open for writing. @throws when anything has this name */
  create(name: string, mode: number): Promise<FileHandle> {
    return open(this.at(name), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, mode);
  }

  /** What has the second name is replaced, in one step. */
  rename(from: string, to: string): Promise<void> {
    return rename(this.at(from), this.at(to));
  }

  /** Of what is not there: done. */
  async unlink(name: string): Promise<void> {
    await orNothing(() => unlink(this.at(name)));
  }

  /** With everything in it. Links are removed and not followed. */
  async removeTree(name: string): Promise<void> {
    const stats = await this.look(name);
    if (!stats?.isDirectory()) return this.unlink(name);
    const inner = await this.enter(name);
    if (!inner) return;
    try {
      for (const entry of await inner.names()) await inner.removeTree(entry);
    } finally {
      await inner.close();
    }
    await orNothing(() => rmdir(this.at(name)));
  }

  /** Names that were made or removed here become durable. */
  async sync(): Promise<void> {
    const handle = await open(this.at(''), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** The root of a volume, for as long as the work takes. @throws IoError POOL_MISSING */
export async function inRoot<T>(root: string, work: (folder: Folder) => Promise<T>): Promise<T> {
  const folder = await Folder.root(root);
  try {
    return await work(folder);
  } finally {
    await folder.close();
  }
}

/** @returns the parts of a normalized path inside a volume; none for `.` @throws IoError INVALID */
export function partsOf(path: string): readonly string[] {
  const inside = insideFolder(path);
  if (inside === undefined) {
    const message = `${path} is not a path inside a volume.`;
    throw new IoError('INVALID', { op: 'open', target: path, message });
  }
  return inside === '.' ? [] : inside.split('/');
}

async function orNothing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
