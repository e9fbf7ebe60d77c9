/** Files under a root on the real file system. How nobody leads us out of it is in `place.ts`. */
import type { Stats } from 'node:fs';
import { compareNames, encodeName } from '#events/values/tree-path.ts';
import type { Call } from '../call.ts';
import { IoError } from '../error.ts';
import { fileError } from '../files/errors.ts';
import { deadline, type Deadline } from '../volumes/deadline.ts';
import { clearTree, isEmptyTree, packTree, unpackTree } from './archive.ts';
import { diffTrees } from './diff.ts';
import { factsOf, inBatches, lookAt } from './facts.ts';
import { gone, inTree, type Place, wayOf } from './place.ts';
import type { Listed, Range, TreePort } from './port.ts';
import { giveUpRestore, restorePaths } from './restore.ts';

export const realTree: TreePort = {
  list: (root, path, range, call) =>
    on('list', root, call, (within) => inTree(root, (top) => list(top, wayOf(path), range, within))),

  read: (root, path, range, signal) => read(root, path, range, signal),

  diff: (before, after, options, call) =>
    on('compare', after, call, (within) =>
      inTree(before, (one) => inTree(after, (other) => diffTrees(one, other, options, () => within.check()))),
    ),

  pack: (root, path, signal) => packTree(root, wayOf(path), signal),

  restore: (from, into, plan, call) =>
    on('restore', into, call, (within) =>
      inTree(from, (source) => inTree(into, (top) => restorePaths(source, top, plan, within, call))),
    ),

  giveUp: (into, id, call) => on('give up a restore', into, call, () => inTree(into, (top) => giveUpRestore(top, id))),

  unpack: (root, tar, call) => on('unpack', root, call, () => unpackTree(root, tar, call)),

  isEmpty: (root, call) => on('list', root, call, () => inTree(root, isEmptyTree)),

  clear: (root, call) => on('clear', root, call, (within) => inTree(root, (top) => clearTree(top, within))),
};

async function on<T>(op: string, root: string, call: Call, body: (within: Deadline) => Promise<T>): Promise<T> {
  const within = deadline(call, op, root);
  try {
    within.check();
    return await body(within);
  } catch (error) {
    throw fileError(op, root, error);
  }
}

async function list(
  top: Place,
  way: readonly Uint8Array[],
  { after, limit }: { readonly after?: string; readonly limit: number },
  within: Deadline,
): Promise<Listed> {
  const name = way.at(-1);
  if (name === undefined) return entriesOf(top, await top.stats(), after, limit, within);
  return top.below(way.slice(0, -1), async (folder) => {
    const self = await lookAt(folder, name);
    if (!self) throw gone(folder.pathOf(name));
    if (self.kind !== 'folder') return { self, entries: [], more: false };
    return folder.below([name], async (inner) => entriesOf(inner, await inner.stats(), after, limit, within));
  });
}

async function entriesOf(
  folder: Place,
  stats: Stats,
  after: string | undefined,
  limit: number,
  within: Deadline,
): Promise<Listed> {
  const all = await folder.names();
  const last = after === undefined ? undefined : wayOf(after)[0];
  const begin = last === undefined ? 0 : all.findIndex((name) => compareNames(name, last) > 0);
  const names = begin === -1 ? [] : all.slice(begin, begin + limit);
  const looked = await inBatches(
    names,
    async (name) => ({ name, facts: await lookAt(folder, name) }),
    () => within.check(),
  );
  return {
    self: factsOf(stats),
    // What has gone meanwhile is left out.
    entries: looked.flatMap(({ name, facts }) => (facts ? [{ name: encodeName(name), ...facts }] : [])),
    more: begin !== -1 && begin + limit < all.length,
  };
}

const chunkBytes = 64 * 1024;

async function* read(
  root: string,
  path: string,
  { from, to }: Range,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const way = wayOf(path);
  const name = way.at(-1);
  if (name === undefined)
    throw new IoError('INVALID', { op: 'read', target: root, message: 'the root of a volume is a folder, no file' });
  const { file } = await inTree(root, (top) => top.below(way.slice(0, -1), (folder) => folder.openFile(name)));
  try {
    for (let at = from; at < to;) {
      if (signal.aborted)
        throw new IoError('ABORTED', { op: 'read', target: path, message: `reading ${path} was cancelled` });
      // A chunk is handed on: each is a buffer of its own.
      const buffer = Buffer.allocUnsafeSlow(Math.min(chunkBytes, to - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } catch (error) {
    throw fileError('read', path, error);
  } finally {
    await file.close();
  }
}
