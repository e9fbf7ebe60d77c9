/** Marks of real folders. An app may exchange folders for links meanwhile: nothing is read but what `lstat` tells. */
import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { compareNames } from '#events/values/tree-path.ts';
import { unlessMissing } from '../errno.ts';
import { IoError } from '../error.ts';
import { fileError } from '../files/errors.ts';
import type { MarksPort, Walked } from './port.ts';

/** Each costs the kernel a watch, of which it has some thousands for all programs. */
const mostWatched = 500;

export const realMarks: MarksPort = {
  async walk(path, { signal, timeoutMs }): Promise<Walked> {
    const about = { op: 'walk', target: path };
    const endsAt = performance.now() + timeoutMs;
    const hash = createHash('sha256');
    const folders: string[] = [];
    const visit = async (folder: Buffer, name: Buffer): Promise<void> => {
      if (signal.aborted) throw new IoError('ABORTED', { ...about, message: `the walk through ${path} was cancelled` });
      if (performance.now() > endsAt)
        throw new IoError('TIMED_OUT', { ...about, message: `the walk through ${path} took too long` });
      // Watches are told of as text; what has no such name is seen by the walk alone.
      if (folders.length <= mostWatched && isText(folder)) folders.push(folder.toString());
      for (const entry of await namesIn(folder)) {
        const found = await unlessMissing(lstat(inside(folder, entry), { bigint: true }), undefined);
        if (!found) continue;
        const below = inside(name, entry);
        hash.update(below).update(`\0${factsOf(found)}\n`);
        if (found.isDirectory()) await visit(inside(folder, entry), below);
      }
    };
    const begin = async (): Promise<void> => {
      const top = await unlessMissing(lstat(path, { bigint: true }), undefined);
      if (!top?.isDirectory()) throw new IoError('MISSING', { ...about, message: `there is no folder ${path}` });
      hash.update(`\0${factsOf(top)}\n`);
      await visit(Buffer.from(path), Buffer.alloc(0));
    };
    // What cannot be read is not gone: half of the files would be another mark.
    await begin().catch((error: unknown) => {
      throw fileError('walk', path, error);
    });
    return { mark: hash.digest('hex').slice(0, 32), folders: folders.length > mostWatched ? [] : folders };
  },

  watch(folders, onChange) {
    const watchers = folders.flatMap((folder) => {
      try {
        const watcher = watch(folder, { persistent: false }, onChange);
        // It is gone, or there are no more watches to be had: the next walk is soon enough.
        watcher.on('error', () => watcher.close());
        return [watcher];
      } catch {
        return [];
      }
    });
    return () => {
      for (const watcher of watchers) watcher.close();
    };
  },
};

/** Times of folders are left out: they change with what is in them, and a copy that is being made has its own. */
function factsOf(found: BigIntStats): string {
  const { mode, uid, gid, size, mtimeNs } = found;
  return found.isDirectory() ? `${mode} ${uid} ${gid}` : `${mode} ${uid} ${gid} ${size} ${mtimeNs}`;
}

const slash = Buffer.from('/');
const inside = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, slash, name]);
const isText = (name: Buffer): boolean => Buffer.from(name.toString()).equals(name);

/** Sorted; of one that is gone by now none. Names are bytes, and not all of them are text. */
async function namesIn(folder: Buffer): Promise<readonly Buffer[]> {
  return (await unlessMissing(readdir(folder, { encoding: 'buffer' }), [])).sort(compareNames);
}
