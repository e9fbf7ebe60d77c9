/** An entry of the replicated log, as consensus sees it: where it stands, who put it there, and bytes that it never reads. */
import type { Change, Configuration } from './configuration.ts';

/**
 * One member of the consensus group. A node whose disk was lost or damaged comes back under another id (its incarnation
 * is part of it): to consensus it is somebody else, because it may have forgotten a vote or an acknowledged entry.
 */
export type PeerId = string & { readonly brand: 'PeerId' };

export const asPeer = (id: string): PeerId => id as PeerId;

export type Entry = {
  readonly term: number;
  /** Place in the consensus log, from 1. Not the index of an event: an entry may hold several events, or none. */
  readonly index: number;
  readonly data: Uint8Array;
} & (
  | { readonly type: 'data' }
  /** Without data: the first entry of every leader. Committing it commits everything before (§5.4.2, §8). */
  | { readonly type: 'empty' }
  /** Members come or go; `data` is the proposer's own note. */
  | { readonly type: 'change'; readonly change: Change }
);

export const noBytes = new Uint8Array(0);

/** What an entry costs on the wire and in memory besides its data, roughly: so that empty entries are not free. */
const overheadBytes = 16;

export const sizeOf = (entry: Entry): number => entry.data.length + overheadBytes;

export function totalSize(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += sizeOf(entry);
  return bytes;
}

/** The last entry of a log. */
export interface LogEnd {
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** Whether a log that ends at the one is at least as up to date as a log that ends at the other (§5.4.1). */
export const isUpToDate = (one: LogEnd, other: LogEnd): boolean =>
  one.lastTerm > other.lastTerm || (one.lastTerm === other.lastTerm && one.lastIndex >= other.lastIndex);

/** A state of the whole lab at an entry, from which a member can go on without the entries before. */
export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  /** As of `index`. */
  readonly configuration: Configuration;
}

/** What must survive a crash besides the log. */
export interface HardState {
  readonly term: number;
  readonly vote: PeerId | undefined;
  /** A hint: written along with other things, never alone, and learnt anew from the leader. */
  readonly commit: number;
}

/** A broken invariant: the process must end, because what it knows cannot be true. */
export class ConsensusBroken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConsensusBroken';
  }
}

/**
 * The leader has another entry where this member has a committed one: the group went on without it (see `tally.ts`, a
 * possible loss). What this member applied nobody can take back: it must begin anew, under a new incarnation, and what
 * it holds is worth keeping until a person has looked at it.
 */
export class GivenUp extends ConsensusBroken {
  /** Of the entry. */
  readonly index: number;

  constructor(index: number, here: number, there: number) {
    super(
      `entry ${index} is committed here, of term ${here}, but the leader has one of term ${there}: the group gave up what this member holds`,
    );
    this.name = 'GivenUp';
    this.index = index;
  }
}

export function invariant(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new ConsensusBroken(message());
}
