/** Small files that must be whole after a power cut: written beside, synced, renamed, and the directory synced. */
import { access, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StoreError } from './port.ts';

/**
 * Replaces the file at `path` by these bytes, or leaves it as it was. Once resolved, the new content is durable.
 * `temp` must lie on the same file system; only one writer may use it at a time.
 */
export async function replaceFile(
  path: string,
  bytes: Uint8Array,
  options: { readonly mode: number; readonly temp?: string },
): Promise<void> {
  const temp = options.temp ?? `${path}.new`;
  // A leftover of a crash may have another mode: never written through.
  await rm(temp, { force: true });
  try {
    const file = await open(temp, 'wx', options.mode);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true });
    throw error;
  }
  await syncDir(dirname(path));
}

/** Makes names that were created, renamed or removed in this directory durable. */
export async function syncDir(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether there is anything under this name. What cannot be looked at is not taken for missing. @throws StoreError FAILED */
export const isThere = async (path: string): Promise<boolean> =>
  (await unlessMissing(path, 'look at', () => access(path).then(() => true))) ?? false;

/** @returns the text of a file; undefined where there is none. What cannot be read is not taken for missing. @throws StoreError FAILED */
export const textIfThere = (path: string): Promise<string | undefined> =>
  unlessMissing(path, 'read', () => readFile(path, 'utf8'));

async function unlessMissing<T>(path: string, what: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new StoreError('FAILED', `cannot ${what} ${path}: ${why}`, 'Look at the disk and its permissions.', error);
  }
}

/** Removes a file. Once resolved it is gone for good, and does not come back with a power cut. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncDir(dirname(path));
}
