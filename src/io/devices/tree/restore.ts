/**
 * Bringing files of a snapshot back into a volume that is in use.
 *
 *     <root>/.floatlab-restoring-<id>/0 1 2 …    being copied, one for each path; after a crash it is thrown away
 *     <root>/.floatlab-restored-<id>/…           all copied, with where each goes  ◀ the commit point
 *     <root>/…                                   renamed one by one; after a crash the rest follows
 *
 * An app may hold this very volume, and do what it likes to folders and links while we work. So folders are made and
 * entered one by one (`place.ts`), and `cp` is given open descriptors alone: of the files of the snapshot, and of the
 * folder that they go into. There they get the numbers of their descriptors for names, and their own by a rename.
 */
import type { Stats } from 'node:fs';
import { chmod, chown, lchown, link, lutimes, mkdir, open, rename, symlink, unlink, utimes } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { execa } from 'execa';
import * as z from 'zod';
import { baseName, decodeName, encodeName, folderOf, joinPath, maxNameBytes } from '#events/values/tree-path.ts';
import type { Call } from '../call.ts';
import { IoError } from '../error.ts';
import { errnoOf, fileError } from '../files/errors.ts';
import { run } from '../run.ts';
import type { Deadline } from '../volumes/deadline.ts';
import { failed } from './archive.ts';
import { gone, isSpecial, orNothing, wayOf, type Place } from './place.ts';
import type { Restored, RestorePlan } from './port.ts';

const planName = Buffer.from('plan.json');
const scratchName = Buffer.from('scratch');
/** Files that one `cp` is given: each is an open descriptor. */
const atOnce = 64;

interface Item {
  readonly path: string;
  /** Where it goes, unless something has come there meanwhile. */
  readonly as: string;
}
interface Work {
  readonly within: Deadline;
  readonly counts: { files: number; bytes: number; skipped: number };
  /** Of files with several names: where the first one was put. */
  readonly first: Map<string, readonly Uint8Array[]>;
  readonly staging: Place;
  /** Where `cp` puts files, by numbers: beside nothing that has a name. */
  readonly scratch: Place;
  tell(): void;
}

export async function restorePaths(
  from: Place,
  into: Place,
  plan: RestorePlan,
  within: Deadline,
  call: Call,
): Promise<Restored> {
  const [copying, copied] = [copyingName(plan.id), copiedName(plan.id)];
  if (!(await into.look(copied))) {
    await into.removeTree(copying);
    try {
      await copy(from, into, copying, plan, within, call);
      await rename(into.at(copying), into.at(copied));
    } catch (error) {
      await into.removeTree(copying).catch(() => {});
      throw fileError('restore', plan.paths[0] ?? '', error);
    }
  }
  const counts = await into.below([copied], readCounts);
  const written: { path: string; as: string }[] = [];
  for (const [n, item] of itemsOf(plan).entries()) {
    within.check();
    const as = await into.below([copied], (staging) => putInPlace(from, into, staging, numbered(n), item, plan));
    written.push({ path: item.path, as });
  }
  await into.removeTree(copied);
  await sync(into, within);
  return { ...counts, written };
}

/** @returns whether nothing of it is left; what was all copied may be in its place in parts, and is finished instead */
export async function giveUpRestore(into: Place, id: string): Promise<boolean> {
  if (await into.look(copiedName(id))) return false;
  await into.removeTree(copyingName(id));
  return true;
}

const copyingName = (id: string): Buffer => Buffer.from(`.floatlab-restoring-${id}`);
const copiedName = (id: string): Buffer => Buffer.from(`.floatlab-restored-${id}`);

const itemsOf = ({ paths, into }: RestorePlan): readonly Item[] =>
  paths.map((path) => ({ path, as: into === undefined ? path : joinPath(into, baseName(path)) }));

const figure = z.int().min(0);
const copiedCounts = z.object({ counts: z.object({ files: figure, bytes: figure, skipped: figure }) });
const maxPlanBytes = 1024 * 1024;

/** An app may have written there as well: it is believed what was counted, and nothing that leads anywhere. */
async function readCounts(staging: Place): Promise<Omit<Restored, 'written'>> {
  const { file, stats } = await staging.openFile(planName);
  try {
    if (stats.size <= maxPlanBytes) return copiedCounts.parse(JSON.parse(await file.readFile('utf8'))).counts;
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof z.ZodError)) throw error;
  } finally {
    await file.close();
  }
  throw new IoError('DAMAGED', {
    op: 'restore',
    target: staging.path,
    message: `something has changed ${staging.path} while files were being restored`,
    hint: 'Remove that folder from the volume, and restore again.',
  });
}

const numbered = (n: number): Buffer => Buffer.from(String(n));

async function copy(
  from: Place,
  into: Place,
  copying: Buffer,
  plan: RestorePlan,
  within: Deadline,
  call: Call,
): Promise<void> {
  await mkdir(into.at(copying), 0o700);
  await into.below([copying], async (staging) => {
    await mkdir(staging.at(scratchName), 0o700);
    const scratch = await staging.enter(scratchName);
    try {
      await copyAll(from, staging, scratch, plan, within, call);
    } finally {
      await scratch.close();
    }
  });
}

async function copyAll(
  from: Place,
  staging: Place,
  scratch: Place,
  plan: RestorePlan,
  within: Deadline,
  call: Call,
): Promise<void> {
  const counts = { files: 0, bytes: 0, skipped: 0 };
  const tell = (): void => call.progress({ text: `copied ${counts.files} files`, done: counts.bytes });
  const work: Work = { within, counts, first: new Map(), staging, scratch, tell };
  for (const [n, path] of plan.paths.entries()) {
    const way = wayOf(path);
    const name = way.at(-1) ?? Buffer.alloc(0);
    await from.below(way.slice(0, -1), async (folder) => {
      const stats = await folder.look(name);
      if (!stats) throw gone(path);
      if (!stats.isFile() && !stats.isDirectory() && !stats.isSymbolicLink()) throw isSpecial(path);
      await copyEntries(folder, staging, [{ name, as: numbered(n), stats }], [], work);
    });
  }
  const file = await open(staging.at(planName), 'wx', 0o600);
  try {
    await file.writeFile(JSON.stringify({ counts }));
    await file.sync();
  } finally {
    await file.close();
  }
  await sync(staging, within);
}

async function sync(place: Place, within: Deadline): Promise<void> {
  const { exitCode, stderr } = await run('sync', ['--file-system', place.self], within);
  if (exitCode !== 0) throw failed('sync', place.path, stderr);
}

interface Entry {
  readonly name: Uint8Array;
  /** Its name in the folder that it is copied to. */
  readonly as: Uint8Array;
  readonly stats: Stats;
}

/** @param way of the folder `to`, from the staging folder */
async function copyEntries(
  from: Place,
  to: Place,
  entries: readonly Entry[],
  way: readonly Uint8Array[],
  work: Work,
): Promise<void> {
  const files: Entry[] = [];
  for (const entry of entries) {
    work.within.check();
    const { as, stats } = entry;
    if (stats.isFile()) files.push(entry);
    else if (stats.isDirectory()) await copyFolder(from, to, entry, [...way, as], work);
    else if (stats.isSymbolicLink()) await copyLink(from, to, entry, work);
    else work.counts.skipped += 1;
    if (files.length === atOnce) await copyFiles(from, to, files.splice(0), way, work);
  }
  await copyFiles(from, to, files, way, work);
}

async function copyFolder(
  from: Place,
  to: Place,
  { name, as, stats }: Entry,
  way: readonly Uint8Array[],
  work: Work,
): Promise<void> {
  await mkdir(to.at(as), 0o700);
  await from.below([name], (source) =>
    to.below([as], async (target) => {
      const names = await source.names();
      for (let at = 0; at < names.length; at += 1024) {
        const some = names.slice(at, at + 1024);
        const looked = await Promise.all(
          some.map(async (one) => ({ name: one, as: one, stats: await source.look(one) })),
        );
        const there = looked.flatMap(({ stats: found, ...one }) => (found ? [{ ...one, stats: found }] : []));
        await copyEntries(source, target, there, way, work);
      }
      await copyAttributes(source, target, work.within);
      await likeFolder(target, stats);
    }),
  );
}

/** Owner, mode and times of a folder; its path leads to what is open. */
async function likeFolder({ self }: Place, { uid, gid, mode, atime, mtime }: Stats): Promise<void> {
  await chown(self, uid, gid);
  await chmod(self, mode & 0o7777);
  await utimes(self, atime, mtime);
}

/** ACLs and extended attributes of a folder: tar alone knows how, and is given nothing but the folder itself. */
async function copyAttributes(source: Place, target: Place, within: Deadline): Promise<void> {
  const common = ['--xattrs', '--xattrs-include=*', '--acls', '--no-recursion', '--file=-'];
  const options = { reject: false, encoding: 'buffer', cwd: '/', cancelSignal: within.signal } as const;
  const packed = await execa('tar', ['--create', '--format=posix', ...common, '--directory', source.self, '.'], {
    ...options,
    stdin: 'ignore',
  });
  if (packed.exitCode !== 0) throw notKept(packed, target, within);
  const bytes = Buffer.from(packed.stdout);
  if (!bytes.includes('SCHILY.')) return;
  const args = ['--extract', '--preserve-permissions', ...common, '--directory', target.self];
  const unpacked = await execa('tar', args, { ...options, input: bytes });
  if (unpacked.exitCode !== 0) throw notKept(unpacked, target, within);
}

function notKept({ stderr }: { readonly stderr: Uint8Array }, target: Place, within: Deadline): IoError {
  within.check();
  return failed('restore', target.path, Buffer.from(stderr ?? '').toString());
}

async function copyLink(from: Place, to: Place, { name, as, stats }: Entry, work: Work): Promise<void> {
  const target = await from.target(name);
  if (!target) throw gone(from.pathOf(name));
  await symlink(target, to.at(as));
  await lchown(to.at(as), stats.uid, stats.gid);
  await lutimes(to.at(as), stats.atime, stats.mtime);
  work.counts.files += 1;
}

async function copyFiles(
  from: Place,
  to: Place,
  files: readonly Entry[],
  way: readonly Uint8Array[],
  work: Work,
): Promise<void> {
  if (files.length === 0) return;
  const opened: { readonly entry: Entry; readonly file: FileHandle }[] = [];
  try {
    for (const entry of files) {
      if (await linked(to, entry, way, work)) continue;
      opened.push({ entry, file: (await from.openFile(entry.name)).file });
    }
    if (opened.length === 0) return;
    const sources = opened.map(({ file }) => `/proc/${process.pid}/fd/${file.fd}`);
    const args = ['--dereference', '--preserve=all', '--remove-destination', '--sparse=auto', '--reflink=auto'];
    const ran = await run('cp', [...args, '--target-directory', work.scratch.self, ...sources], work.within);
    if (ran.exitCode !== 0) throw failed('restore', to.path, ran.stderr);
    for (const { entry, file } of opened) {
      await rename(work.scratch.at(Buffer.from(`${file.fd}`)), to.at(entry.as));
      work.counts.files += 1;
      work.counts.bytes += entry.stats.size;
    }
  } finally {
    for (const { file } of opened) await file.close();
  }
  work.tell();
}

/** A file with several names is copied once. @returns whether this is another name of one that is there */
async function linked(to: Place, { as, stats }: Entry, way: readonly Uint8Array[], work: Work): Promise<boolean> {
  if (stats.nlink < 2) return false;
  const inode = `${stats.dev}:${stats.ino}`;
  const first = work.first.get(inode);
  if (!first) {
    work.first.set(inode, [...way, as]);
    return false;
  }
  const name = first.at(-1) ?? as;
  // Of the same batch, and not there yet: it becomes a copy.
  const isThere = await work.staging.below(first.slice(0, -1), (folder) => folder.look(name)).catch(() => undefined);
  if (!isThere) return false;
  await work.staging.below(first.slice(0, -1), (folder) => link(folder.at(name), to.at(as)));
  work.counts.files += 1;
  return true;
}

/** @returns the path at which it is now */
async function putInPlace(
  from: Place,
  into: Place,
  staging: Place,
  staged: Uint8Array,
  { path, as }: Item,
  plan: RestorePlan,
): Promise<string> {
  const name = decodeName(baseName(as));
  const folder = folderOf(as);
  const put = (place: Place) => merge(staging, staged, place, name, plan);
  // What an earlier attempt has put in place is not asked about again.
  if (!(await staging.look(staged))) return as;
  await makeWay(from, into, folder, plan.into === undefined ? folderOf(path) : undefined);
  return joinPath(folder, encodeName(await into.below(wayOf(folder), put)));
}

/** Folders that are missing are made as they were in the snapshot. */
async function makeWay(from: Place, into: Place, folder: string, like: string | undefined): Promise<void> {
  const way = wayOf(folder);
  for (let n = 0; n < way.length; n++) {
    const name = way[n] ?? Buffer.alloc(0);
    const before = way.slice(0, n);
    const isMade = await into.below(before, async (place) => {
      try {
        await mkdir(place.at(name), 0o755);
        return true;
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw fileError('make folder', place.pathOf(name), error);
        return false;
      }
    });
    if (!isMade || like === undefined) continue;
    const stats = await orNothing(() => from.below(way.slice(0, n), (place) => place.look(name)));
    if (stats?.isDirectory()) await into.below(way.slice(0, n + 1), (place) => likeFolder(place, stats));
  }
}

/** @returns the name that it got */
async function merge(
  staging: Place,
  staged: Uint8Array,
  place: Place,
  name: Uint8Array,
  plan: RestorePlan,
): Promise<Uint8Array> {
  const [ours, theirs] = [await staging.look(staged), await place.look(name)];
  if (!ours) return name;
  const isFolder = ours.isDirectory();
  // An attempt that was cut off had given it its name, and not yet taken the other one away.
  if (theirs && !isFolder && theirs.dev === ours.dev && theirs.ino === ours.ino) {
    await unlink(staging.at(staged));
    return name;
  }
  if (!theirs && (await putNew(staging, staged, place, name, isFolder))) return name;
  if (theirs && plan.overwrite && !isFolder && !theirs.isDirectory()) {
    await rename(staging.at(staged), place.at(name));
    return name;
  }
  if (plan.overwrite && isFolder && theirs?.isDirectory()) {
    await staging.below([staged], (inner) =>
      place.below([name], async (target) => {
        for (const one of await inner.names()) await merge(inner, one, target, one, plan);
        await likeFolder(target, ours);
      }),
    );
    await staging.removeTree(staged);
    return name;
  }
  return putAside(staging, staged, place, name, plan.snapshot, isFolder);
}

/** Where nothing has the name. @returns false when something has come there meanwhile: it stays */
async function putNew(
  staging: Place,
  staged: Uint8Array,
  place: Place,
  name: Uint8Array,
  isFolder: boolean,
): Promise<boolean> {
  try {
    // A rename would replace a file without a word.
    if (isFolder) await rename(staging.at(staged), place.at(name));
    else await link(staging.at(staged), place.at(name));
  } catch (error) {
    if (taken.has(errnoOf(error) ?? '')) return false;
    throw error;
  }
  if (!isFolder) await unlink(staging.at(staged));
  return true;
}
const taken: ReadonlySet<string> = new Set(['EEXIST', 'ENOTEMPTY', 'ENOTDIR']);

/** As `name.restored-<snapshot>`, `…-2` …: the first that is free, cut where it would be too long. */
async function putAside(
  staging: Place,
  staged: Uint8Array,
  place: Place,
  name: Uint8Array,
  snapshot: string,
  isFolder: boolean,
): Promise<Uint8Array> {
  for (let n = 1; ; n++) {
    const end = Buffer.from(`.restored-${snapshot}${n === 1 ? '' : `-${n}`}`);
    const free = Buffer.concat([name.subarray(0, maxNameBytes - end.length), end]);
    if (!(await place.look(free)) && (await putNew(staging, staged, place, free, isFolder))) return free;
  }
}
