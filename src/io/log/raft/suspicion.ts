/** How far a log is known to have gone, and what is suspected when a part of that is lost. */
import { isUpToDate, type LogEnd } from '#events/raft/entry.ts';
import type { Watermark } from '#events/raft/state.ts';

/** An entry, by which two logs are compared. */
export interface Position {
  readonly index: number;
  readonly term: number;
}

/** Whether a log that ends at the one is more up to date than one that ends at the other. */
export const isFurther = (one: Position, other: Position): boolean => !isUpToDate(endAt(other), endAt(one));

/** Satisfied only by what satisfies both: a suspicion never shrinks until it is cleared. */
export function both(one: Watermark | undefined, other: Watermark | undefined): Watermark | undefined {
  if (!one || !other) return one ?? other;
  const { lastIndex, lastTerm } = isUpToDate(one, other) ? one : other;
  return { term: Math.max(one.term, other.term), lastIndex, lastTerm };
}

const endAt = ({ index, term }: Position): LogEnd => ({ lastIndex: index, lastTerm: term });

export type PackedSuspicion = readonly [term: number, lastIndex: number, lastTerm: number];

export const packSuspicion = (suspicion: Watermark | undefined): PackedSuspicion | null =>
  suspicion ? [suspicion.term, suspicion.lastIndex, suspicion.lastTerm] : null;

export function unpackSuspicion(packed: PackedSuspicion | null): Watermark | undefined {
  if (!packed) return undefined;
  const [term, lastIndex, lastTerm] = packed;
  return { term, lastIndex, lastTerm };
}
