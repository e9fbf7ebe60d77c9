/**
 * Where things stand in the database of the consensus log.
 *
 *   01│index8  an entry (index big-endian: bytewise order is the order of the log)
 *   02         hard state: term, vote, commit index, and a suspicion
 *   03         identity
 *   04         where the log starts: a snapshot, or the first configuration
 */
import { Buffer } from 'node:buffer';
import type { Range } from '../../stores/port.ts';

const entries = 1;

export const hardStateKey = Uint8Array.of(2);
export const identityKey = Uint8Array.of(3);
export const startKey = Uint8Array.of(4);

export function entryKey(index: number): Uint8Array {
  const key = Buffer.allocUnsafe(9);
  key[0] = entries;
  key.writeUInt32BE(Math.floor(index / 0x1_0000_0000), 1);
  key.writeUInt32BE(index >>> 0, 5);
  return key;
}

/** @returns undefined for a key that no entry has */
export function indexOfKey(key: Uint8Array): number | undefined {
  if (key.length !== 9 || key[0] !== entries) return undefined;
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const index = view.getUint32(1) * 0x1_0000_0000 + view.getUint32(5);
  return Number.isSafeInteger(index) && index > 0 ? index : undefined;
}

/** Entries from here on, and whatever else stands among them. */
export const entriesFrom = (index: number): Range => ({ gte: entryKey(index), lt: hardStateKey });

export const entriesUpTo = (index: number): Range => ({ gte: Uint8Array.of(entries), lt: entryKey(index + 1) });

export const allEntries: Range = { gte: Uint8Array.of(entries), lt: hardStateKey };
