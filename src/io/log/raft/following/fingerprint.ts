/** Whether two histories are the same up to an entry. */
import { createHash } from 'node:crypto';
import type { HistoryKeeper } from '../engine/keeper.ts';
import type { History } from '../history/history.ts';
import { droppedBelow, type Manifest } from '../history/manifest.ts';
import type { HistoryEntry } from '../history/segment.ts';
import { coded } from './neighbours.ts';

/**
 * Of the history up to this entry, hexadecimal: equal for two nodes exactly when they have the same entries. It covers the
 * beginning of the segment with the entry, and through the head of that all segments before. Reads one segment at most.
 * @throws LogError BELOW_FLOOR, PAST_HEAD; StoreError MISSING, DAMAGED
 */
export async function fingerprintAt(history: History, index: number): Promise<string> {
  const { tail } = await history.at(index);
  return fingerprintOf(tail);
}

export const fingerprintOf = (tail: Uint8Array): string => createHash('sha256').update(tail).digest('hex');

/**
 * Of the sealed segments behind this entry, hexadecimal. The history as of an entry names each with its hash, but proves
 * only that of the last one before its tail: whoever made the others up would leave holes that nobody can fill.
 */
export function segmentsFingerprint(manifest: Manifest, after: number): string {
  const { floor, segments } = droppedBelow(manifest, after + 1, new Uint8Array(0));
  const each = segments.map(({ first, last, sha256, sizeBytes }) => [first, last, sha256, sizeBytes]);
  return createHash('sha256')
    .update(JSON.stringify([floor.index, floor.hash, each]))
    .digest('hex');
}

/** The entry itself; undefined where that was dropped. */
export async function entryAt(history: History, index: number): Promise<HistoryEntry | undefined> {
  if (index <= history.floor.index) return undefined;
  for await (const [entry] of history.read(index - 1, index)) return entry;
  return undefined;
}

/** Reads in the history that is kept now. @throws with code REPLACED when that is begun anew meanwhile: look again */
export async function lookInto<T>(keeper: HistoryKeeper, read: (history: History) => Promise<T>): Promise<T> {
  const { history } = keeper;
  try {
    return await read(history);
  } catch (error) {
    if (keeper.isOver(history)) throw coded('REPLACED', 'the history is begun anew from a snapshot');
    throw error;
  }
}
