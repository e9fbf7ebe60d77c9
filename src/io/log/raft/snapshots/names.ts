/**
 * Names of the files in the directory of snapshots.
 *
 *   0000000000001234-7-0f1e2d3c4b5a6978.snapshot        whole and durable: index, term, beginning of its SHA-256
 *   0000000000001234-7-0f1e2d3c4b5a6978.snapshot.part   arriving from another member
 *   3.making                                            being written by this process
 *
 * A name stands for content, so nobody who reads a file finds another one under its name.
 */
import type { SnapshotMeta } from '#events/raft/entry.ts';

const digits = 16;
const pattern = /^(\d{16})-\d+-[0-9a-f]{16}\.snapshot(\.part)?$/;

export const fileNameOf = ({ index, term }: SnapshotMeta, sha256: string): string =>
  `${String(index).padStart(digits, '0')}-${term}-${sha256.slice(0, 16)}.snapshot`;

export const partNameOf = (file: string): string => `${file}.part`;

export const makingName = (number: number): string => `${number}.making`;

export const isMaking = (name: string): boolean => /^\d+\.making$/.test(name);

/** @returns undefined for a name that is not of a snapshot */
export function snapshotNamed(name: string): { readonly index: number; readonly isPart: boolean } | undefined {
  const found = pattern.exec(name);
  return found ? { index: Number(found[1]), isPart: found[2] !== undefined } : undefined;
}
