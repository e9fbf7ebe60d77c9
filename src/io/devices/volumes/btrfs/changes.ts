/**
 * Which datasets have changed since their newest snapshot, by two lists of the whole file system and without a look at
 * their files. btrfs gives each subvolume the generation of its last change, and a snapshot is made in a generation of
 * its own: changed is what has a higher one than its newest snapshot was made in. What is in memory has none yet.
 */
import { lstat } from 'node:fs/promises';
import { isSnapshotName } from '../names.ts';
import type { Change } from '../port.ts';
import type { Btrfs } from './commands.ts';
import type { DatasetPaths } from './layout.ts';
import { topInode } from './layout.ts';
import type { SubvolumeDetails, SubvolumeRow } from './parse.ts';
import { grouped } from './parse.ts';
import type { OpenPool } from './pool.ts';
import { fromTop } from './pool.ts';

type Facts = Pick<SubvolumeDetails, 'id' | 'uuid' | 'receivedUuid' | 'generation' | 'cgen' | 'readOnly'>;

/** As long as a transaction stays open by default, and as its way to a busy disk may take. */
const commitSecondsByDefault = 30;
const commitTakesMs = 15_000;

/** What is fsynced is safe, and has no generation before the transaction is committed. */
const delayMsOf = ({ mount }: OpenPool): number =>
  (mount.commitSeconds ?? commitSecondsByDefault) * 1000 + commitTakesMs;

/** @param datasets of the pool, by name */
export async function findChanges(
  pool: OpenPool,
  btrfs: Btrfs,
  datasets: ReadonlyMap<string, DatasetPaths>,
): Promise<ReadonlyMap<string, Change>> {
  const delayMs = delayMsOf(pool);
  const listing = await listEverything(pool, btrfs);
  const changes = new Map<string, Change>();
  for (const [name, paths] of datasets) {
    const newest = await newestSnapshot(pool, btrfs, listing, paths);
    // In the middle of a roll-back it is aside for a moment; then it has changed, in any case.
    const live = await factsOf(pool, btrfs, listing, paths.live);
    const changed = newest === undefined || live === undefined || live.generation > newest.cgen;
    const mark = live ? `${live.uuid}:${live.generation}` : 'aside';
    changes.set(name, { since: newest?.receivedUuid ?? newest?.uuid, changed, mark, delayMs });
  }
  return changes;
}

interface Listing {
  /** More than one where the name of another subvolume, with a line break, imitates this one. */
  readonly at: ReadonlyMap<string, readonly SubvolumeRow[]>;
  /** Paths of read-only subvolumes. */
  readonly readOnly: ReadonlySet<string>;
  /** By the folder that they are in. */
  readonly inFolder: ReadonlyMap<string, readonly SubvolumeRow[]>;
}

async function listEverything(pool: OpenPool, btrfs: Btrfs): Promise<Listing> {
  const rows = await btrfs.list(pool.path, 'all');
  const readOnly = new Set((await btrfs.list(pool.path, 'read-only')).map(({ path }) => path));
  return {
    at: grouped(rows, ({ path }) => path),
    readOnly,
    inFolder: grouped(rows, ({ path }) => path.slice(0, Math.max(0, path.lastIndexOf('/')))),
  };
}

async function newestSnapshot(
  pool: OpenPool,
  btrfs: Btrfs,
  listing: Listing,
  paths: DatasetPaths,
): Promise<Facts | undefined> {
  const rows = listing.inFolder.get(fromTop(pool, paths.snapshots)) ?? [];
  // The list only says where to look first: an app can imitate its lines.
  for (const { path } of rows.toSorted((a, b) => b.cgen - a.cgen || b.id - a.id)) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (!isSnapshotName(name)) continue;
    const facts = await factsOf(pool, btrfs, listing, paths.snapshot(name));
    if (facts?.readOnly) return facts;
  }
  return undefined;
}

/** @returns undefined when there is no subvolume */
async function factsOf(pool: OpenPool, btrfs: Btrfs, listing: Listing, path: string): Promise<Facts | undefined> {
  // One that cannot be looked at counts as changed, and keeps no other from being seen: taking a snapshot of it fails,
  // and says why.
  const found = await lstat(path).catch(() => undefined);
  if (!found?.isDirectory() || found.ino !== topInode) return undefined;
  const listed = fromTop(pool, path);
  const [row, ...imitations] = listing.at.get(listed) ?? [];
  if (row && imitations.length === 0) return { ...row, readOnly: listing.readOnly.has(listed) };
  return btrfs.show(path);
}
