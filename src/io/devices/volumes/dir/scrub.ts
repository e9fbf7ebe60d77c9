/**
 * Overwrites the content of every file in a folder, so that the disk does not hold it any more when the files are
 * removed. For file systems that write in place (`scrubbedDestroy`).
 *
 * - Only what is not zeros already is written: holes of sparse files stay holes, else they would fill the disk.
 * - A file with another name outside of the folder belongs to somebody else as well. It is left as it is: removing our
 *   name of it frees nothing.
 * - Only the present content is overwritten: what an app had deleted or truncated before was freed by then. Names of
 *   files, attributes and targets of links are not content. A journal of data (`data=journal`), and what lies below the
 *   file system (flash, thin volumes), may keep what was replaced.
 *
 * Names are bytes here, because an app may choose any.
 */
import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, opendir, statfs } from 'node:fs/promises';
import type { Deadline } from '../deadline.ts';

const chunkBytes = 2 ** 20;
const zeros = Buffer.alloc(chunkBytes);

/** The caller sees to it that what was written reaches the disk before the files are removed. */
export async function scrubTree(folder: string, within: Deadline): Promise<void> {
  const { bsize } = await statfs(folder);
  /** Of files with several names: how many of them are in the folder. */
  const names = new Map<bigint, number>();
  for await (const { stats } of filesIn(folder, within))
    if (stats.nlink > 1n) names.set(stats.ino, (names.get(stats.ino) ?? 0) + 1);
  for await (const { path, stats } of filesIn(folder, within)) {
    if (stats.nlink > 1n && names.get(stats.ino) !== Number(stats.nlink)) continue;
    // Once is enough.
    names.delete(stats.ino);
    await overwrite(path, stats, bsize, within);
  }
}

/** All regular files below. */
async function* filesIn(folder: string, within: Deadline) {
  const folders = [Buffer.from(folder)];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    // The types know only names that are text.
    const entries = await opendir(next as unknown as string, { encoding: 'buffer' as BufferEncoding });
    for await (const { name } of entries as unknown as AsyncIterable<{ readonly name: Buffer }>) {
      within.check();
      const path = Buffer.concat([next, slash, name]);
      const stats = await lstat(path, { bigint: true });
      if (stats.isDirectory()) folders.push(path);
      else if (stats.isFile()) yield { path, stats };
    }
  }
}

const slash = Buffer.from('/');

async function overwrite(path: Buffer, { blocks }: BigIntStats, blockBytes: number, within: Deadline): Promise<void> {
  const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    await zero(file, Number(blocks) * 512, blockBytes, within);
  } finally {
    await file.close();
  }
}

/** @param allocatedBytes what it has on the disk: once all of that is zeros, the rest of it is holes */
async function zero(file: FileHandle, allocatedBytes: number, blockBytes: number, within: Deadline): Promise<void> {
  const chunk = Buffer.allocUnsafe(chunkBytes);
  for (let position = 0, left = allocatedBytes; left > 0;) {
    within.check();
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, position);
    if (bytesRead === 0) return;
    for (let at = 0; at < bytesRead; at += blockBytes) {
      const block = chunk.subarray(at, Math.min(at + blockBytes, bytesRead));
      if (!block.equals(zeros.subarray(0, block.length))) left -= blockBytes;
    }
    const blank = zeros.subarray(0, bytesRead);
    if (!chunk.subarray(0, bytesRead).equals(blank)) await writeAll(file, blank, position);
    position += bytesRead;
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}
