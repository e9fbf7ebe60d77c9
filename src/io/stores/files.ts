/** Small files that must be whole after a power cut: written beside, synced, renamed, and the directory synced. */
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

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
