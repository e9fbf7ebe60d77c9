/**
 * Objects in a folder: a disk of this machine, the folder of another pool, a share that is mounted.
 *
 * An object is written beside (`incoming/`), synced, linked to its name, and the folder synced: a name never stands for
 * half an object, and never takes the place of another. File systems without hard links (FAT, some shares) get a rename
 * after a look instead.
 *
 * The folder must be there before: it is never made, so that an empty mount point is not taken for the disk that should
 * be mounted on it. A folder that became another one meanwhile (unmounted, exchanged) is refused, too.
 */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDir } from '../../../stores/files.ts';
import { isErrno, unlessMissing } from '../../errno.ts';
import { IoError, type IoErrorCode } from '../../error.ts';
import { errnoOf } from '../../files/errors.ts';
import { joined } from '../../joined.ts';
import {
  checkKey,
  checkPrefix,
  checkSize,
  noObject,
  noRange,
  storeError,
  whileWanted,
  type ByteRange,
  type ObjectStore,
  type StoredObject,
} from './port.ts';

const incoming = 'incoming';
/** A leftover of a crash, by the clock of the file system. */
const leftoverAfterMs = 24 * 3_600_000;

/** @param root an absolute path. @throws IoError POOL_MISSING when there is no such folder */
export async function openDirStore(root: string, signal: AbortSignal): Promise<ObjectStore> {
  const identity = await whileWanted('open', root, signal, identityOf(root));
  let prepared: Promise<void> | undefined;
  const pathOf = (key: string): string => join(root, key);
  /** Every call, as long as it is wanted, with errors in the words of the port. */
  const guarded = <T>(op: string, key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
    whileWanted(
      op,
      key,
      signal,
      (async () => {
        try {
          if ((await identityOf(root)) !== identity) throw exchanged(op, root);
          return await work();
        } catch (error) {
          throw dirError(op, join(root, key), error);
        }
      })(),
    );

  return {
    where: root,
    put: async (key, bytes, signal) => {
      checkKey('put', key);
      checkSize('put', key, bytes.length);
      return guarded('put', key, signal, async () => {
        prepared ??= prepare(root).catch((error: unknown) => {
          prepared = undefined;
          throw error;
        });
        await prepared;
        const path = pathOf(key);
        const temp = join(root, incoming, `${key.replaceAll('/', '-').slice(-100)}-${randomBytes(8).toString('hex')}`);
        try {
          await writeWhole(temp, bytes);
          await makeFolders(root, key);
          const isNew = await claim(temp, path);
          await syncDir(dirname(path));
          if (isNew && (await stat(path)).size !== bytes.length) throw cutShort(root, key);
          return isNew ? 'stored' : 'exists';
        } finally {
          await rm(temp, { force: true });
        }
      });
    },
    get: async (key, signal, range) => {
      checkKey('get', key);
      return guarded('get', key, signal, async () => {
        const bytes = await unlessMissing(read(root, key, range), undefined);
        if (bytes === undefined) throw noObject(root, key);
        return bytes;
      });
    },
    head: async (key, signal) => {
      checkKey('head', key);
      return guarded('head', key, signal, () => objectAt(root, key));
    },
    list: (prefix, signal) => listed(root, prefix, signal, guarded),
    delete: async (key, signal) => {
      checkKey('delete', key);
      await guarded('delete', key, signal, async () => {
        const path = pathOf(key);
        if ((await unlessMissing(unlink(path), 'none')) !== 'none') await syncDir(dirname(path));
      });
    },
  };
}

type Guarded = <T>(op: string, key: string, signal: AbortSignal, work: () => Promise<T>) => Promise<T>;

/** Folder by folder, so that a repository of any size is never in memory as a whole. */
async function* listed(
  root: string,
  prefix: string,
  signal: AbortSignal,
  guarded: Guarded,
): AsyncGenerator<StoredObject> {
  checkPrefix(prefix);
  const entries = await guarded('list', prefix, signal, () =>
    unlessMissing(readdir(join(root, prefix), { withFileTypes: true }), []),
  );
  for (const entry of entries) {
    if (prefix === '' && entry.name === incoming) continue;
    const key = `${prefix}${entry.name}`;
    if (entry.isDirectory()) yield* listed(root, `${key}/`, signal, guarded);
    else if (entry.isFile()) {
      const object = await guarded('list', key, signal, () => objectAt(root, key));
      if (object) yield object;
    }
  }
}

const objectAt = async (root: string, key: string): Promise<StoredObject | undefined> => {
  const found = await unlessMissing(stat(join(root, key)), undefined);
  return found?.isFile() ? { key, sizeBytes: found.size, modifiedAt: Math.round(found.mtimeMs) } : undefined;
};

async function read(root: string, key: string, range: ByteRange | undefined): Promise<Uint8Array> {
  const file = await open(join(root, key), 'r');
  try {
    const { size } = await file.stat();
    checkSize('get', key, range ? range.to - range.from : size);
    const [from, to] = range ? [range.from, Math.min(range.to, size)] : [0, size];
    if (range && from >= size) throw noRange(root, key, range);
    const bytes = Buffer.allocUnsafe(to - from);
    for (let at = 0; at < bytes.length;) {
      const { bytesRead } = await file.read(bytes, at, bytes.length - at, from + at);
      if (bytesRead === 0) throw cutShort(root, key);
      at += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** @returns false when the name was taken */
async function claim(temp: string, path: string): Promise<boolean> {
  try {
    await link(temp, path);
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    if (!isErrno(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw error;
  }
  if ((await unlessMissing(stat(path), undefined)) !== undefined) return false;
  await rename(temp, path);
  return true;
}

/** The folders of a key, each durable in the one above it; the root itself is never made. */
async function makeFolders(root: string, key: string): Promise<void> {
  let above = root;
  for (const name of key.split('/').slice(0, -1)) {
    const folder = join(above, name);
    try {
      await mkdir(folder, { mode: 0o700 });
      await syncDir(above);
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw error;
    }
    above = folder;
  }
}

/** Removes what crashes left; the age is told by the file system's own clock. */
async function prepare(root: string): Promise<void> {
  const folder = join(root, incoming);
  await makeFolders(root, `${incoming}/any`);
  const probe = join(folder, `probe-${randomBytes(8).toString('hex')}`);
  await writeWhole(probe, new Uint8Array());
  const { mtimeMs: now } = await stat(probe);
  await unlink(probe);
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const age = now - ((await unlessMissing(stat(path), undefined))?.mtimeMs ?? now);
    if (age > leftoverAfterMs) await rm(path, { force: true });
  }
}

/** Device and inode: what tells a folder from another one that is mounted over it, or no longer. */
const identityOf = joined(lookAt);

async function lookAt(root: string): Promise<string> {
  let found;
  try {
    found = await stat(root);
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR')) throw dirError('open', root, error);
  }
  if (found?.isDirectory() !== true) {
    const hint = 'Is the disk mounted? Make the folder yourself when it is a new one.';
    throw storeError('POOL_MISSING', 'open', root, `there is no folder ${root}`, hint);
  }
  return `${found.dev}:${found.ino}`;
}

const exchanged = (op: string, root: string): IoError => {
  const hint = 'Mount the disk again, then try once more.';
  return storeError('POOL_MISSING', op, root, `${root} is not the folder any more that it was in the beginning`, hint);
};

const cutShort = (root: string, key: string): IoError =>
  storeError('DAMAGED', 'put', key, `${key} in ${root} is shorter than what was written`, 'Look at the disk.');

const codes: Readonly<Record<string, readonly [IoErrorCode, hint: string]>> = {
  ENOSPC: ['NO_SPACE', 'Free space there, or let fewer backups be kept and prune.'],
  EDQUOT: ['NO_SPACE', 'The quota is used up: free space there, or raise it.'],
  EROFS: ['READ_ONLY', 'The file system there is read-only: look at its disk.'],
  EACCES: ['PERMISSION', 'Let FloatLab write there.'],
  EPERM: ['PERMISSION', 'Let FloatLab write there.'],
  EIO: ['DAMAGED', 'Look at the disk (dmesg, SMART).'],
};

function dirError(op: string, target: string, error: unknown): IoError {
  if (error instanceof IoError) return error;
  const why = error instanceof Error ? error.message : String(error);
  const [code, hint] = codes[errnoOf(error) ?? ''] ?? ['FAILED', 'Look at the disk or share, then try again.'];
  return storeError(code, op, target, `cannot ${op} ${target}: ${why}`, hint, error);
}
