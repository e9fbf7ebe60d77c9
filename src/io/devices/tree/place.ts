/**
 * A folder that somebody hostile may change while we are in it, reached by names that are bytes. As `files/folder.ts`:
 * each folder on the way is opened by itself without following a link, and its entries are reached through what was
 * opened (`/proc/self/fd/<n>/<name>`), so that whatever is renamed meanwhile, we stay where we are.
 */
import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, readlink, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { compareNames, encodeName, joinPath, waysOf } from '#events/values/tree-path.ts';
import { IoError } from '../error.ts';
import { errnoOf, fileError } from '../files/errors.ts';

/** Node has no name for it; Linux gives it this number on every processor that Node runs on. */
const O_PATH = 0o10000000;
const O_FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;

export class Place {
  /** In the root; for messages and answers. */
  readonly path: string;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  /** @param path of a folder that only FloatLab can replace @throws IoError MISSING */
  static async root(path: string): Promise<Place> {
    try {
      return new Place('', await open(path, O_FOLDER));
    } catch (error) {
      const errno = errnoOf(error);
      if (errno !== 'ENOENT' && errno !== 'ENOTDIR' && errno !== 'ESTALE') throw fileError('open', path, error);
      throw new IoError('MISSING', {
        op: 'open',
        target: path,
        message: `${path} is not there (any more)`,
        hint: 'The volume or the snapshot has gone, or its pool is not mounted.',
        cause: error,
      });
    }
  }

  /** For programs that are given nothing but this folder, whatever its name is by now. */
  get self(): string {
    return `/proc/${process.pid}/fd/${this.#handle.fd}`;
  }

  /** Where an entry is, for calls that do not follow links. */
  at(name: Uint8Array): Buffer {
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.#handle.fd}/`), name]);
  }

  pathOf(name: Uint8Array): string {
    return joinPath(this.path, encodeName(name));
  }

  stats(): Promise<Stats> {
    return this.#handle.stat();
  }

  async look(name: Uint8Array): Promise<Stats | undefined> {
    return orNothing(() => lstat(this.at(name)));
  }

  /** Where a link leads; undefined when it is gone, or is none any more. */
  async target(name: Uint8Array): Promise<Buffer | undefined> {
    try {
      return await readlink(this.at(name), { encoding: 'buffer' });
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EINVAL') return undefined;
      throw fileError('read', this.pathOf(name), error);
    }
  }

  /** Sorted by bytes. */
  async names(): Promise<readonly Buffer[]> {
    try {
      return (await readdir(`/proc/self/fd/${this.#handle.fd}/`, { encoding: 'buffer' })).sort(compareNames);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESTALE') throw gone(this.path);
      throw fileError('list', this.path, error);
    }
  }

  /** @throws IoError MISSING; INVALID when it is a link or no folder */
  async enter(name: Uint8Array): Promise<Place> {
    const path = this.pathOf(name);
    try {
      return new Place(path, await open(this.at(name), O_FOLDER));
    } catch (error) {
      const stats = await this.look(name);
      if (!stats) throw gone(path);
      if (stats.isSymbolicLink()) throw isLink(path);
      if (!stats.isDirectory())
        throw new IoError('INVALID', { op: 'open', target: path, message: `${path} is no folder` });
      // It was something else a moment ago: what is asked for was not there.
      if (exchanged.has(errnoOf(error) ?? '')) throw gone(path);
      throw fileError('open', path, error);
    }
  }

  /** A folder at the end of a way, for as long as the work takes. */
  async below<T>(way: readonly Uint8Array[], work: (place: Place) => Promise<T>): Promise<T> {
    const [name, ...rest] = way;
    if (name === undefined) return work(this);
    const next = await this.enter(name);
    try {
      return await next.below(rest, work);
    } finally {
      await next.close();
    }
  }

  /** The very file that was looked at, open for reading. @throws IoError MISSING; INVALID when it is no regular file */
  async openFile(name: Uint8Array): Promise<{ readonly file: FileHandle; readonly stats: Stats }> {
    const path = this.pathOf(name);
    // Looking at a pipe must not wait for its other end, nor looking at a device begin its work.
    const found = await orNothing(() => open(this.at(name), O_PATH | constants.O_NOFOLLOW));
    if (!found) throw gone(path);
    try {
      const stats = await found.stat();
      if (stats.isSymbolicLink()) throw isLink(path);
      if (!stats.isFile())
        throw new IoError('INVALID', {
          op: 'read',
          target: path,
          message: `${path} is no file`,
          hint: 'Only files have a content to read.',
        });
      const file = await open(`/proc/self/fd/${found.fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
      return { file, stats };
    } catch (error) {
      throw fileError('read', path, error);
    } finally {
      await found.close();
    }
  }

  /** With everything in it. Links are removed and not followed. */
  async removeTree(name: Uint8Array): Promise<void> {
    const stats = await this.look(name);
    if (!stats) return;
    if (!stats.isDirectory()) return orNothing(() => unlink(this.at(name)));
    const inner = await this.enter(name);
    try {
      for (const entry of await inner.names()) await inner.removeTree(entry);
    } finally {
      await inner.close();
    }
    await orNothing(() => rmdir(this.at(name)));
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

const exchanged: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ESTALE']);

/** The root, for as long as the work takes. @throws IoError MISSING */
export async function inTree<T>(root: string, work: (place: Place) => Promise<T>): Promise<T> {
  const place = await Place.root(root);
  try {
    return await work(place);
  } finally {
    await place.close();
  }
}

/** @throws IoError INVALID */
export function wayOf(path: string): readonly Uint8Array[] {
  const way = waysOf(path);
  if (way) return way;
  throw new IoError('INVALID', {
    op: 'open',
    target: path.slice(0, 200),
    message: `${JSON.stringify(path.slice(0, 200))} is not a path inside a volume`,
    hint: 'Write it from the root of the volume, without a slash in front and without "..".',
  });
}

/** What is not there, or not there any more, is none. */
export async function orNothing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ESTALE') return undefined;
    throw error;
  }
}

export const gone = (path: string): IoError =>
  new IoError('MISSING', {
    op: 'open',
    target: path,
    message: `there is no ${path === '' ? 'such folder' : path} (any more)`,
    hint: 'List the folder that it is in.',
  });

/** What an app makes for itself, and nobody can bring back for it. */
export const isSpecial = (path: string): IoError =>
  new IoError('INVALID', {
    op: 'restore',
    target: path,
    message: `${path} is a pipe, a socket or a device: those are left out`,
    hint: 'An app makes them anew. Choose files and folders.',
  });

const isLink = (path: string): IoError =>
  new IoError('INVALID', {
    op: 'open',
    target: path,
    message: `${path} is a symbolic link, and none is followed: it may lead to any file of the machine`,
    hint: 'Open what it leads to by its own path, if that is in the volume.',
  });
