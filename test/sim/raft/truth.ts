/**
 * What an observer who sees everything knows of a group, and its members do not: which entries are committed, who led
 * when, what clients were told. Checkers read and complete it.
 */
import type { Entry } from '#events/raft/entry.ts';
import type { Group } from '#io/world/consensus/group.ts';

export interface Truth {
  readonly group: () => Group;
  /** From index 2 on: the first is every group's first snapshot. */
  readonly committed: Map<number, Entry>;
  /** The greatest index in `committed`. */
  commitIndex: number;
  /** The greatest index that a client was told of. */
  acknowledged: number;
  /**
   * Committed entries that are gone, by everybody's vote: the one way in which that may happen, and what it is reported
   * for. Nothing is checked any more then, for members may have applied what the group does not know any longer.
   */
  lost: number;
  readonly complain: (what: string) => void;
}

export function newTruth(group: () => Group, complain: (what: string) => void): Truth {
  return { group, committed: new Map(), commitIndex: 1, acknowledged: 0, lost: 0, complain };
}

export const nameOf = (entry: Entry | undefined): string =>
  entry ? `${entry.index} of term ${entry.term} (${entry.type})` : 'nothing';

export const isSameEntry = (one: Entry, other: Entry): boolean =>
  one.term === other.term && one.index === other.index && one.type === other.type && isSameBytes(one.data, other.data);

const isSameBytes = (one: Uint8Array, other: Uint8Array): boolean => one === other || Buffer.compare(one, other) === 0;
