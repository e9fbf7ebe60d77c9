/** Files of volumes on the real file system. How the laws of the port are kept is in `folder.ts` and `notes.ts`. */
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { deadline, type Deadline } from '../volumes/deadline.ts';
import { keyedLock } from '../volumes/lock.ts';
import type { Call } from '../call.ts';
import { IoError } from '../error.ts';
import { fileError, isLink } from './errors.ts';
import { fillFolder } from './fill.ts';
import { inRoot, partsOf, type Folder } from './folder.ts';
import {
  hashOf,
  keptName,
  keptOf,
  maxNotesBytes,
  noted,
  notesName,
  nothing,
  other,
  packNotes,
  parseNotes,
  verdictOn,
  type Note,
  type Notes,
  type There,
} from './notes.ts';
import { isHostLink, isMissing, refuseOwn, resolved } from './host-path.ts';
import type { FilesPort, FileToWrite, HostPath, WantedFiles } from './port.ts';

/** Larger than any file of a bundle: what an app has grown beyond that is its own. */
const maxFileBytes = 16 * 2 ** 20;

/** Two services may be given the same volume at the same time. */
const oneAtATime = keyedLock();

/** @param ownFolders of FloatLab, absolute and without links; asked at each look, because pools come and go */
export const realFiles = (ownFolders: () => Promise<readonly string[]> = () => Promise.resolve([])): FilesPort => ({
  ensure: (root, wanted, call) =>
    on('write files', root, call, (within) => inRoot(root, (folder) => ensure(folder, wanted, within))),

  check: (root, path, call) => on('look', root, call, () => inRoot(root, (folder) => checkPath(folder, partsOf(path)))),

  fill: (root, content, call) =>
    on('fill', root, call, (within) => inRoot(root, (folder) => fillFolder(folder, content, within))),

  checkHost: (wanted, call) => on('look', wanted.path, call, () => checkHost(wanted, ownFolders)),
});

async function checkHost(wanted: HostPath, ownFolders: () => Promise<readonly string[]>): Promise<void> {
  const { path, create, mayBeLink } = wanted;
  const own = await ownFolders();
  refuseOwn(path, own);
  if (mayBeLink) return refuseOwn(await resolved(path), own);
  const way = partsOf(path.slice(1));
  await inRoot('/', async (top) => {
    try {
      if (create) await makeWay(top, way);
      await checkPath(top, way);
    } catch (error) {
      if (!(error instanceof IoError)) throw error;
      if (error.code === 'MISSING') throw isMissing(wanted);
      throw error.code === 'INVALID' && (await isSymlink(error.target)) ? isHostLink(path, error.target) : error;
    }
  });
}

const isSymlink = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true;

async function on<T>(op: string, root: string, call: Call, body: (within: Deadline) => Promise<T>): Promise<T> {
  const within = deadline(call, op, root);
  try {
    return await oneAtATime(root, within, () => body(within));
  } catch (error) {
    throw fileError(op, root, error);
  }
}

async function ensure(root: Folder, { files, folders, revision }: WantedFiles, within: Deadline) {
  const before = parseNotes(await root.read(notesName, maxNotesBytes));
  let notes = before;
  for (const folder of folders) {
    within.check();
    await makeWay(root, partsOf(folder));
  }
  for (const file of files) {
    within.check();
    notes = await place(root, file, revision, notes);
  }
  if (notes !== before) await replace(root, notesName, packNotes(notes), 0o600);
  const kept = [];
  for (const one of keptOf(notes, revision)) if (await isThere(root, one.keptAs)) kept.push(one);
  return kept;
}

/** A bind may name a single file that is there already. */
async function makeWay(root: Folder, way: readonly string[]): Promise<void> {
  const [last] = way.slice(-1);
  if (last === undefined) return;
  await root.below(way.slice(0, -1), 'make', async (folder) => {
    await folder.makeFolder(last);
    if ((await folder.look(last))?.isSymbolicLink()) throw isLink(join(folder.path, last));
  });
}

async function place(root: Folder, file: FileToWrite, revision: number, notes: Notes): Promise<Notes> {
  const way = partsOf(file.path);
  const name = way.at(-1) ?? '.';
  const wanted = hashOf(file.bytes);
  const note = notes.get(file.path);
  const there = (await root.below(way.slice(0, -1), 'leave', (folder) => lookAt(folder, name))) ?? nothing;
  const verdict = verdictOn(there, wanted, note, file.isMounted);
  if (verdict === 'leave') return notes;
  if (verdict === 'as-wanted') return note?.written.at(-1) === wanted ? notes : noted(notes, file.path, wanted);
  let kept: Note['kept'];
  await root.below(way.slice(0, -1), 'make', async (folder) => {
    if (verdict === 'keep') {
      const as = await putAside(folder, name, revision);
      kept = { as: [...way.slice(0, -1), as].join('/'), revision };
    }
    await replace(folder, name, file.bytes, file.mode);
  });
  return noted(notes, file.path, wanted, kept);
}

async function lookAt(folder: Folder, name: string): Promise<There> {
  if (!(await folder.look(name))) return nothing;
  const bytes = await folder.read(name, maxFileBytes);
  return bytes ? hashOf(bytes) : other;
}

async function putAside(folder: Folder, name: string, revision: number): Promise<string> {
  if ((await folder.look(name))?.isDirectory()) throw isFolder(folder, name);
  const names = new Set(await folder.names());
  const as = keptName(name, revision, (candidate) => names.has(candidate));
  await folder.rename(name, as);
  return as;
}

const isFolder = (folder: Folder, name: string): IoError =>
  new IoError('EXISTS', {
    op: 'write file',
    target: join(folder.path, name),
    message: `${name} is a folder on the volume, and a file beside the compose file.`,
    hint: 'Remove the folder or rename the file.',
  });

/** Beside its place first, then renamed: a crash leaves the old file or the new one. It belongs to whom the old one did. */
async function replace(folder: Folder, name: string, bytes: Uint8Array, mode: number): Promise<void> {
  const before = await folder.look(name);
  if (before?.isDirectory()) throw isFolder(folder, name);
  const temporary = `${name}.floatlab-new`;
  try {
    await folder.unlink(temporary);
    const handle = await folder.create(temporary, mode);
    try {
      await handle.writeFile(bytes);
      if (before?.isFile()) await handle.chown(before.uid, before.gid);
      await handle.chmod(mode);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await folder.rename(temporary, name);
  } catch (error) {
    throw fileError('write file', join(folder.path, name), error);
  }
}

async function isThere(root: Folder, path: string): Promise<boolean> {
  const way = partsOf(path);
  const look = (folder: Folder) => folder.look(way.at(-1) ?? '.');
  return (await root.below(way.slice(0, -1), 'leave', look)) !== undefined;
}

async function checkPath(root: Folder, way: readonly string[]): Promise<void> {
  const [last] = way.slice(-1);
  if (last === undefined) return;
  const found = await root.below(way.slice(0, -1), 'leave', async (folder) => {
    const stats = await folder.look(last);
    if (stats?.isSymbolicLink()) throw isLink(join(folder.path, last));
    return stats;
  });
  if (found) return;
  throw new IoError('MISSING', {
    op: 'look',
    target: join(root.path, ...way),
    message: `${way.join('/')} is not in ${root.path}, and is to be mounted.`,
    hint: 'Make it, or mount the whole volume.',
  });
}
