/**
 * What is different between two trees, folder by folder, in the order of names: a page at a time, so that no more than
 * one page and the names of the folders on the way are ever held.
 *
 * Size and time are looked at first. Files of the same size and time are taken for the same, unless their content is to
 * be read; those of the same size and another time are read, so that a file which was only touched is no difference.
 */
import type { Stats } from 'node:fs';
import type { Difference } from '#io/contract/files.ts';
import { compareNames } from '#events/values/tree-path.ts';
import { factsOf, inBatches } from './facts.ts';
import { orNothing, wayOf, type Place } from './place.ts';
import type { DiffOptions } from './port.ts';

interface Walk {
  readonly items: Difference[];
  readonly limit: number;
  readonly content: boolean;
  check(): void;
}

export async function diffTrees(
  before: Place,
  after: Place,
  { path, after: cursor, limit, content }: DiffOptions,
  check: () => void,
): Promise<{ readonly items: readonly Difference[]; readonly more: boolean }> {
  const walk: Walk = { items: [], limit: limit + 1, content, check };
  await meet(before, after, wayOf(path), cursor === undefined ? undefined : wayOf(cursor), walk);
  const more = walk.items.length > limit;
  return { items: walk.items.slice(0, limit), more };
}

type Way = readonly Uint8Array[];

/** Goes down to where the comparison begins; a folder on the way may be in one of them only. */
async function meet(before: Place, after: Place, way: Way, cursor: Way | undefined, walk: Walk): Promise<void> {
  const [name, ...rest] = way;
  if (name === undefined) return folders(before, after, cursor, walk);
  if (rest.length > 0 && (await isFolder(before, name)) && (await isFolder(after, name)))
    return within(before, after, name, (one, other) => meet(one, other, rest, cursor?.slice(1), walk));
  // Where a folder on the way is in one of them only, so is everything in it: then that is told.
  return entries(before, after, [name], cursor, walk);
}

async function folders(before: Place, after: Place, cursor: Way | undefined, walk: Walk): Promise<void> {
  const [one, other] = await Promise.all([before.names(), after.names()]);
  return entries(before, after, union(one, other), cursor, walk);
}

async function entries(before: Place, after: Place, all: Way, cursor: Way | undefined, walk: Walk): Promise<void> {
  const [first, ...deeper] = cursor ?? [];
  const names = first === undefined ? all : all.filter((name) => compareNames(name, first) >= 0);
  // A page may end early in a large folder: look at no more of it than that takes.
  for (let at = 0; at < names.length && walk.items.length < walk.limit; at += 256) {
    const some = names.slice(at, at + 256);
    const compared = await inBatches(
      some,
      async (name) => {
        const [was, is] = await Promise.all([before.look(name), after.look(name)]);
        const isCursor = first !== undefined && compareNames(name, first) === 0;
        const found = isCursor ? undefined : await compare(before, after, name, was, is, walk);
        return { name, was, is, isCursor, found };
      },
      walk.check,
    );
    for (const { name, was, is, isCursor, found } of compared) {
      if (walk.items.length >= walk.limit) return;
      if (found) walk.items.push(found);
      if (was?.isDirectory() && is?.isDirectory())
        await within(before, after, name, (one, other) =>
          folders(one, other, isCursor && deeper.length > 0 ? deeper : undefined, walk),
        );
    }
  }
}

async function compare(
  before: Place,
  after: Place,
  name: Uint8Array,
  was: Stats | undefined,
  is: Stats | undefined,
  walk: Walk,
): Promise<Difference | undefined> {
  if (!was && !is) return undefined;
  if (was && is && looksTheSame(was, is, walk)) return undefined;
  const facts = async (place: Place, stats: Stats) =>
    factsOf(stats, stats.isSymbolicLink() ? await place.target(name) : undefined);
  const found = {
    path: after.pathOf(name),
    ...(was ? { before: await facts(before, was) } : {}),
    ...(is ? { after: await facts(after, is) } : {}),
  };
  if (!was || !is) return { change: is ? 'added' : 'removed', ...found };
  if (found.before?.kind !== found.after?.kind) return { change: 'changed', what: 'kind', ...found };
  if (await hasOtherContent(before, after, name, was, is, walk))
    return { change: 'changed', what: 'content', ...found };
  const isLink = was.isSymbolicLink();
  const isSame = (isLink || was.mode === is.mode) && was.uid === is.uid && was.gid === is.gid;
  return isSame ? undefined : { change: 'changed', what: 'attributes', ...found };
}

/** Of most of them: what has the same size, time, mode and owner is not looked at any closer. */
const looksTheSame = (was: Stats, is: Stats, { content }: Walk): boolean =>
  was.isFile() &&
  (!content || was.size === 0) &&
  was.mode === is.mode &&
  was.uid === is.uid &&
  was.gid === is.gid &&
  was.size === is.size &&
  (was.mtimeMs === is.mtimeMs || was.size === 0);

async function hasOtherContent(
  before: Place,
  after: Place,
  name: Uint8Array,
  was: Stats,
  is: Stats,
  walk: Walk,
): Promise<boolean> {
  if (was.isSymbolicLink()) {
    const [one, other] = await Promise.all([before.target(name), after.target(name)]);
    return (one && other && one.equals(other)) !== true;
  }
  if (was.isBlockDevice() || was.isCharacterDevice()) return was.rdev !== is.rdev;
  if (!was.isFile()) return false;
  if (was.size !== is.size) return true;
  if (!walk.content && was.mtimeMs === is.mtimeMs) return false;
  // Empty, or nothing but holes in both.
  if (was.size === 0 || (was.blocks === 0 && is.blocks === 0)) return false;
  return !(await haveSameBytes(before, after, name, walk));
}

const blockBytes = 256 * 1024;

async function haveSameBytes(before: Place, after: Place, name: Uint8Array, { check }: Walk): Promise<boolean> {
  const one = await before.openFile(name);
  try {
    const other = await after.openFile(name);
    try {
      const left = Buffer.allocUnsafe(blockBytes);
      const right = Buffer.allocUnsafe(blockBytes);
      for (let at = 0; ;) {
        check();
        const read = (await one.file.read(left, 0, blockBytes, at)).bytesRead;
        let filled = 0;
        while (filled < Math.max(read, 1)) {
          const { bytesRead } = await other.file.read(right, filled, blockBytes - filled, at + filled);
          if (bytesRead === 0) break;
          filled += bytesRead;
        }
        const same = Math.min(read, filled);
        if (!left.subarray(0, same).equals(right.subarray(0, same))) return false;
        if (read === 0 || filled === 0) return read === filled;
        if (filled < read) return false;
        at += same;
      }
    } finally {
      await other.file.close();
    }
  } finally {
    await one.file.close();
  }
}

async function within(
  before: Place,
  after: Place,
  name: Uint8Array,
  work: (one: Place, other: Place) => Promise<void>,
): Promise<void> {
  const one = await before.enter(name);
  try {
    const other = await after.enter(name);
    try {
      await work(one, other);
    } finally {
      await other.close();
    }
  } finally {
    await one.close();
  }
}

const isFolder = async (place: Place, name: Uint8Array): Promise<boolean> =>
  (await orNothing(() => place.look(name)))?.isDirectory() ?? false;

/** Of two lists that are sorted. */
function union(one: readonly Buffer[], other: readonly Buffer[]): Way {
  const all: Buffer[] = [];
  for (let a = 0, b = 0; a < one.length || b < other.length;) {
    const left = one[a];
    const right = other[b];
    const order = left === undefined ? 1 : right === undefined ? -1 : compareNames(left, right);
    const next = order <= 0 ? left : right;
    if (next) all.push(next);
    if (order <= 0) a += 1;
    if (order >= 0) b += 1;
  }
  return all;
}
