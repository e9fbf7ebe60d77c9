/**
 * Files under a root of the simulated pools: those that apps and tests write there (`volumes/sim.ts`). What is no file
 * has a text that no file has, and a folder with nothing in it is a name that ends with a slash; everything else that a
 * file system tells (owner, mode, times) is the same for all.
 */
import { Buffer } from 'node:buffer';
import { extract, pack } from 'tar-stream';
import type { Difference, FileEntry, FileFacts } from '#io/contract/files.ts';
import { baseName, compareNames, decodeName, folderOf, joinPath, waysOf } from '#events/values/tree-path.ts';
import { IoError } from '../error.ts';
import type { SimHands } from '../volumes/sim/hands.ts';
import { abortable } from './abortable.ts';
import { gone, isSpecial, wayOf } from './place.ts';
import type { Restored, RestorePlan, TreePort } from './port.ts';

/** What a test writes where it wants something else than a file. */
export const simLink = (target: string): string => `\u0000link ${target}`;
export const simFifo = '\u0000fifo';

type Volumes = Pick<SimHands, 'filesAt' | 'snapshotFilesAt' | 'writeAt'>;
type Files = ReadonlyMap<string, string>;

/** Writes at once; how long pools take is simulated where volumes are made. */
export function simTree(volumes: Volumes): TreePort {
  const filesAt = (root: string): Files => {
    const files = volumes.filesAt(root) ?? volumes.snapshotFilesAt(root);
    if (files) return files;
    throw new IoError('MISSING', { op: 'open', target: root, message: `${root} is not there (any more)` });
  };
  const liveAt = (root: string): Map<string, string> => {
    const files = volumes.filesAt(root);
    if (files) return files;
    throw new IoError('MISSING', { op: 'open', target: root, message: `${root} is not there (any more)` });
  };

  return {
    list: async (root, path, { after, limit }) => {
      const files = filesAt(root);
      const self = factsAt(files, path);
      if (self.kind !== 'folder') return { self, entries: [], more: false };
      const all = namesIn(files, path);
      const rest = after === undefined ? all : all.filter((name) => inOrder(after, name) < 0);
      const entries = rest
        .slice(0, limit)
        .map((name): FileEntry => ({ name, ...factsAt(files, joinPath(path, name)) }));
      return { self, entries, more: rest.length > limit };
    },

    read: async function* (root, path, { from, to }) {
      const files = filesAt(root);
      const { kind } = factsAt(files, path);
      if (kind !== 'file') throw new IoError('INVALID', { op: 'read', target: path, message: `${path} is no file` });
      yield Buffer.from(files.get(path) ?? '').subarray(from, to);
    },

    diff: async (before, after, { path, after: cursor, limit }) => {
      const all = differences(filesAt(before), filesAt(after), path);
      const rest = cursor === undefined ? all : all.filter((one) => comparePaths(cursor, one.path) < 0);
      return { items: rest.slice(0, limit), more: rest.length > limit };
    },

    pack: async function* (root, path) {
      const files = filesAt(root);
      if (factsAt(files, path).kind !== 'folder') throw noFolder(path);
      const tar = pack();
      // Simulated files have no times.
      const mtime = new Date(0);
      for (const [file, text] of files) {
        const name = within(path, file);
        if (name === undefined || name === '' || name === '/') continue;
        if (name.endsWith('/')) tar.entry({ name: `./${name}`, type: 'directory', mtime });
        else if (text === simFifo) tar.entry({ name: `./${name}`, type: 'fifo', mtime });
        else if (text.startsWith('\u0000link '))
          tar.entry({ name: `./${name}`, type: 'symlink', mtime, linkname: text.slice('\u0000link '.length) });
        else tar.entry({ name: `./${name}`, mtime }, Buffer.from(text));
      }
      tar.finalize();
      for await (const chunk of tar) yield chunk as Uint8Array;
    },

    restore: async (from, into, plan) => {
      const [source, target] = [filesAt(from), liveAt(into)];
      // Of what is not there nothing is written at all.
      for (const path of plan.paths) if (factsAt(source, path).kind === 'fifo') throw isSpecial(path);
      return restored(source, target, plan, (file, text) => volumes.writeAt(into, file, text));
    },

    // A restore is one moment here: there is never a part of it.
    giveUp: async () => true,

    unpack: async (root, tar, { signal }) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of abortable(tar, signal, () => cancelled(root))) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      if (bytes.length < 1024 || bytes.subarray(-1024).some((byte) => byte !== 0))
        throw new IoError('INVALID', {
          op: 'unpack',
          target: root,
          message: 'the archive has no end: it was cut short',
        });
      const reader = extract();
      reader.end(bytes);
      let files = 0;
      for await (const entry of reader) {
        if (signal.aborted) throw cancelled(root);
        const { name, type, linkname } = entry.header;
        const path = name
          .split('/')
          .filter((part) => part !== '' && part !== '.')
          .join('/');
        if (name.startsWith('/') || path.split('/').includes('..'))
          throw new IoError('INVALID', {
            op: 'unpack',
            target: name,
            message: `the archive has an entry that leads out of the volume: ${name}`,
          });
        const parts: Uint8Array[] = [];
        for await (const part of entry) parts.push(part as Uint8Array);
        if (path === '') continue;
        files += type === 'directory' ? 0 : 1;
        if (type === 'directory') volumes.writeAt(root, `${path}/`, '');
        else if (type === 'symlink') volumes.writeAt(root, path, simLink(linkname ?? ''));
        else volumes.writeAt(root, path, type === 'fifo' ? simFifo : Buffer.concat(parts).toString());
      }
      return { files, bytes: bytes.length };
    },

    isEmpty: async (root) => filesAt(root).size === 0,
    clear: async (root) => liveAt(root).clear(),
  };
}

const cancelled = (target: string): IoError =>
  new IoError('ABORTED', { op: 'unpack', target, message: `unpack of ${target} was cancelled` });

const inOrder = (one: string, other: string): number => compareNames(decodeName(one), decodeName(other));

/** Folder before what is in it. */
function comparePaths(one: string, other: string): number {
  const [left, right] = [waysOf(one) ?? [], waysOf(other) ?? []];
  for (let n = 0; n < Math.min(left.length, right.length); n++) {
    const order = compareNames(left[n] ?? new Uint8Array(), right[n] ?? new Uint8Array());
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** What is left of a file's path inside of a folder; undefined when it is not in it. */
function within(folder: string, file: string): string | undefined {
  if (folder === '') return file;
  return file.startsWith(`${folder}/`) ? file.slice(folder.length + 1) : undefined;
}

function namesIn(files: Files, folder: string): readonly string[] {
  const names = new Set<string>();
  for (const file of files.keys()) {
    const [name = ''] = (within(folder, file) ?? '').split('/');
    if (name !== '') names.add(name);
  }
  return [...names].toSorted(inOrder);
}

/** @throws IoError MISSING; INVALID when a part on the way is a link or a file */
function factsAt(files: Files, path: string): FileFacts {
  wayOf(path);
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const text = files.get(path.slice(0, at));
    if (text === undefined) continue;
    const what = text.startsWith('\u0000link ') ? 'a symbolic link, and none is followed' : 'no folder';
    throw new IoError('INVALID', { op: 'open', target: path, message: `${path.slice(0, at)} is ${what}` });
  }
  const text = files.get(path);
  if (text !== undefined) return factsOf(text);
  const isFolder = path === '' || [...files.keys()].some((file) => file.startsWith(`${path}/`));
  if (!isFolder) throw gone(path);
  return { kind: 'folder', sizeBytes: 0, ...same, mode: 0o755 };
}

const same = { modifiedAt: Date.UTC(2026, 10, 21), mode: 0o644, uid: 0, gid: 0 };

function factsOf(text: string): FileFacts {
  if (text === simFifo) return { kind: 'fifo', sizeBytes: 0, ...same };
  if (!text.startsWith('\u0000link ')) return { kind: 'file', sizeBytes: Buffer.byteLength(text), ...same };
  const target = text.slice('\u0000link '.length);
  return { kind: 'link', sizeBytes: Buffer.byteLength(target), ...same, mode: 0o777, target };
}

const noFolder = (path: string): IoError =>
  new IoError('INVALID', { op: 'open', target: path, message: `${path} is no folder` });

/** Everything that there is, folders included, as facts by path. */
function treeOf(files: Files): ReadonlyMap<string, FileFacts> {
  const tree = new Map<string, FileFacts>();
  for (const file of files.keys()) {
    for (let at = file.indexOf('/'); at !== -1; at = file.indexOf('/', at + 1))
      tree.set(file.slice(0, at), factsAt(files, file.slice(0, at)));
    if (!file.endsWith('/')) tree.set(file, factsAt(files, file));
  }
  return tree;
}

function differences(before: Files, after: Files, path: string): readonly Difference[] {
  const [was, is] = [treeOf(before), treeOf(after)];
  const all = [...new Set([...was.keys(), ...is.keys()])].toSorted(comparePaths);
  const items: Difference[] = [];
  for (const one of all) {
    const isAsked = path === '' || one === path || one.startsWith(`${path}/`) || path.startsWith(`${one}/`);
    const isTold = items.some(({ path: known, change }) => change !== 'changed' && one.startsWith(`${known}/`));
    if (!isAsked || isTold) continue;
    const [left, right] = [was.get(one), is.get(one)];
    if (left && right) {
      const isOnTheWay = path.startsWith(`${one}/`);
      const what = left.kind !== right.kind ? 'kind' : before.get(one) !== after.get(one) ? 'content' : undefined;
      if (what !== undefined && !isOnTheWay)
        items.push({ change: 'changed', path: one, what, before: left, after: right });
    } else if (left) items.push({ change: 'removed', path: one, before: left });
    else if (right) items.push({ change: 'added', path: one, after: right });
  }
  return items;
}

function restored(
  source: Files,
  target: Map<string, string>,
  plan: RestorePlan,
  write: (file: string, text: string) => void,
): Restored {
  const counts = { files: 0, bytes: 0, skipped: 0 };
  const written: { path: string; as: string }[] = [];
  const isThere = (path: string): boolean =>
    [...target.keys()].some((file) => file === path || file.startsWith(`${path}/`));
  for (const path of plan.paths) {
    const wanted = plan.into === undefined ? path : joinPath(plan.into, baseName(path));
    let as = wanted;
    for (let n = 1; isThere(as) && !plan.overwrite; n++)
      as = joinPath(folderOf(wanted), `${baseName(wanted)}.restored-${plan.snapshot}${n === 1 ? '' : `-${n}`}`);
    for (const [file, text] of source) {
      const rest = file === path ? '' : within(path, file);
      if (rest === undefined) continue;
      if (text === simFifo) {
        counts.skipped += 1;
        continue;
      }
      write(rest === '' ? as : `${as}/${rest}`, text);
      counts.files += file.endsWith('/') ? 0 : 1;
      counts.bytes += Buffer.byteLength(text);
    }
    written.push({ path, as });
  }
  return { ...counts, written };
}
