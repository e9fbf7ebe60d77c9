/**
 * What is different between two folders. Names are bytes, as the kernel has them: not every name is text.
 *
 * What was copied before is known by more than size and time of the last change, which a program may set as it likes:
 * the kernel's own time of change (ctime) must lie before the beginning of the copy. Nobody can set that.
 */
import type { BigIntStats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import type { Deadline } from '../volumes/deadline.ts';

/** What of the second folder is not as in the first one; names relative to both, parts as bytes. */
export interface Differences {
  /** Of everything in the first folder, without itself. */
  readonly entries: number;
  /** Is only in the second, or is of another kind there. */
  readonly surplus: readonly Buffer[];
  /** Folders that are lacking; parents first. */
  readonly folders: readonly Buffer[];
  /** Everything else that is lacking, or may have changed. */
  readonly changed: readonly Changed[];
}

export interface Changed {
  readonly name: Buffer;
  /** Of files that have several names: they are one in the second folder too. */
  readonly inode: bigint | undefined;
  readonly isFile: boolean;
}

const slash = Buffer.from('/');
const inside = (folder: Buffer, name: Buffer): Buffer =>
  folder.length === 0 ? name : Buffer.concat([folder, slash, name]);

/** The absolute path of something in a folder. */
export const pathIn = (root: string, name: Buffer): Buffer =>
  name.length === 0 ? Buffer.from(root) : Buffer.concat([Buffer.from(root), slash, name]);

/** @param trust whether an entry that looks alike is the same, from its properties in the first and second folder */
export async function differences(
  from: string,
  to: string,
  trust: (source: BigIntStats, target: BigIntStats) => boolean,
  within: Deadline,
): Promise<Differences> {
  const surplus: Buffer[] = [];
  const folders: Buffer[] = [];
  const seen: (Changed & { readonly isSame: boolean })[] = [];
  let entries = 0;
  const pending: Buffer[] = [Buffer.alloc(0)];
  for (let folder = pending.pop(); folder; folder = pending.pop()) {
    within.check();
    const names = await readdir(pathIn(from, folder), { encoding: 'buffer' });
    const known = new Set(names.map((name) => name.toString('latin1')));
    for (const name of await namesIn(pathIn(to, folder)))
      if (!known.has(name.toString('latin1'))) surplus.push(inside(folder, name));
    for (const name of names) {
      entries++;
      const entry = inside(folder, name);
      const source = await lstat(pathIn(from, entry), { bigint: true });
      const target = await statOf(pathIn(to, entry));
      const isOther = target !== undefined && kindOf(source) !== kindOf(target);
      if (isOther) surplus.push(entry);
      if (source.isDirectory()) {
        pending.push(entry);
        if (!target || isOther) folders.push(entry);
        continue;
      }
      const isSame =
        target !== undefined &&
        !isOther &&
        isAlike(source, target) &&
        trust(source, target) &&
        (!source.isSymbolicLink() || (await isSameLink(pathIn(from, entry), pathIn(to, entry))));
      const inode = source.nlink > 1n ? source.ino : undefined;
      seen.push({ name: entry, inode, isFile: source.isFile(), isSame });
    }
  }
  // All names of a file are made anew together.
  const dirty = new Set(seen.flatMap(({ isSame, inode }) => (isSame || inode === undefined ? [] : [inode])));
  const changed = seen.filter(({ isSame, inode }) => !isSame || (inode !== undefined && dirty.has(inode)));
  return { entries, surplus, folders, changed };
}

/** Folders have times and sizes of their own, which a copy gets last. */
function isAlike(a: BigIntStats, b: BigIntStats): boolean {
  const isSame = a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;
  if (a.isDirectory()) return isSame && a.mtimeNs === b.mtimeNs;
  const hasContent = a.isFile() || a.isSymbolicLink();
  return (
    isSame &&
    a.nlink === b.nlink &&
    a.rdev === b.rdev &&
    (!hasContent || (a.size === b.size && a.mtimeNs === b.mtimeNs))
  );
}

/** @returns the first entry, or folder, whose properties are not the same; undefined when all are */
export async function firstUnlike(from: string, to: string, within: Deadline): Promise<string | undefined> {
  const pending: Buffer[] = [Buffer.alloc(0)];
  for (let folder = pending.pop(); folder; folder = pending.pop()) {
    within.check();
    const target = await statOf(pathIn(to, folder));
    if (!target || !isAlike(await lstat(pathIn(from, folder), { bigint: true }), target)) return nameOf(folder);
    for (const entry of await readdir(pathIn(from, folder), { encoding: 'buffer', withFileTypes: true }))
      if (entry.isDirectory()) pending.push(inside(folder, entry.name));
  }
  const { surplus, folders, changed } = await differences(from, to, () => true, within);
  const first = surplus[0] ?? folders[0] ?? changed[0]?.name;
  return first && nameOf(first);
}

const nameOf = (name: Buffer): string => (name.length === 0 ? 'its top folder' : name.toString());

const isSameLink = async (a: Buffer, b: Buffer): Promise<boolean> =>
  (await readlink(a, { encoding: 'buffer' })).equals(await readlink(b, { encoding: 'buffer' }));

const fileTypeBits = 0o170000n;
const kindOf = ({ mode }: BigIntStats): bigint => mode & fileTypeBits;

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

async function statOf(path: Buffer): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function namesIn(path: Buffer): Promise<readonly Buffer[]> {
  try {
    return await readdir(path, { encoding: 'buffer' });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
