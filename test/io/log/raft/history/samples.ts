/** A log of which every entry is known, and histories of it. */
import { createHash } from 'node:crypto';
import { firstHead } from '#io/log/raft/history/head.ts';
import type { History } from '#io/log/raft/history/history.ts';
import { beginHistory, openHistory, type OpenedHistory } from '#io/log/raft/history/open.ts';
import type { Sealing } from '#io/log/raft/history/sealing.ts';
import type { HistoryEntry } from '#io/log/raft/history/segment.ts';
import type { SimDirectory } from '#io/stores/directory-sim.ts';
import type { Directory } from '#io/stores/directory.ts';

/** So small that a few entries make several segments, by number and by size. */
export const smallSealing: Sealing = { entries: 8, bytes: 600 };

/** What stands at an index is always the same. */
export function entryAt(index: number): HistoryEntry {
  const size = (index * 37) % 11 === 0 ? 0 : (index * 53) % 120;
  const bytes = Uint8Array.from({ length: size }, (_, at) => (index * 7 + at * 3) & 0xff);
  return { index, term: 1 + Math.floor(index / 10), bytes };
}

/** Both included. */
export const entries = (from: number, to: number): readonly HistoryEntry[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => entryAt(from + at));

export const begin = (directory: Directory, sealing = smallSealing): Promise<OpenedHistory> =>
  beginHistory(directory, firstHead, { sealing });

export const reopen = (directory: Directory, acknowledged = 0): Promise<OpenedHistory> =>
  openHistory(directory, { sealing: smallSealing, acknowledged });

/** A member whose history goes up to this entry. */
export async function historyUpTo(directory: Directory, index: number): Promise<History> {
  const { history } = await begin(directory);
  await history.append(entries(1, index));
  await history.sync();
  return history;
}

/** Entries as text, to be compared. */
export const described = (found: Iterable<HistoryEntry>): string[] =>
  [...found].map(({ index, term, bytes }) => `${index} ${term} ${Buffer.from(bytes).toString('hex')}`);

export async function readAll(history: History, after = history.floor.index, upTo = history.last): Promise<string[]> {
  const found: string[] = [];
  for await (const slice of history.read(after, upTo)) found.push(...described(slice));
  return found;
}

/** The files, by name, to be compared. */
export const filesOf = (disk: SimDirectory): Record<string, string> =>
  Object.fromEntries(
    disk
      .image()
      .map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')] as const)
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
