/**
 * What is lost at most when a replica takes the place of its volume (safety rule 10): everything that was written after
 * the last instant for which somebody has attested that nothing was newer than the snapshot that the replica holds.
 *
 *   node of the volume    look ───────────── answers: so long ago ─ ─ ─ ─ ─ ─ ─ the last instant at which it can have written
 *                          │                   ▲                                                   │
 *   node of the replica    │     asks ─────────┘                                                   │
 *                          │      │◀──────────────────────── measured here ─────────────────────▶│
 *                          │◀─age─┤   attested at: asked − age, which is never after the look
 *                          └──────┴───────────────── possible loss ──────────────────────────────┘
 *
 * No two clocks are ever compared. The node of the volume says how long ago it looked, by its own boot time; that span
 * is counted back from when it was asked, by boot time of whoever asked. What the way took, and how wrong the two clocks
 * are, can therefore only make the loss larger: the answer came after the question, and each span is taken for as long as
 * the slowest clock that leases bear would have measured it.
 *
 * All times are boot time in milliseconds of the node that keeps the attestation. Unknown is infinite.
 */
import { waitMs, type LeaseSettings } from '#events/lease/settings.ts';

/** What an answer says, by the clock of whoever asked: not after the instant that it speaks of. */
export const attestedAtMs = (said: { readonly askedAtMs: number; readonly ageMs: number }): number =>
  said.askedAtMs - said.ageMs;

/** Until when somebody who had the volume can have written to it. */
export type Writer =
  /** It writes on, or nobody knows that it does not: that it cannot be reached says nothing. */
  | { readonly is: 'unbound' }
  /** It stops by itself, and is dead within the bound for that, when its lease lapses. Of the last request that was granted. */
  | { readonly is: 'leased'; readonly arrivedAtMs: number; readonly lengthMs: number }
  /** Its end was waited for. */
  | { readonly is: 'fenced'; readonly atMs: number };

/** @returns the latest instant at which it can have written, never after now */
export function lastWriteMs(writer: Writer, nowMs: number, settings: LeaseSettings): number {
  switch (writer.is) {
    case 'unbound':
      return nowMs;
    case 'leased':
      return Math.min(nowMs, writer.arrivedAtMs + waitMs(settings, writer.lengthMs));
    case 'fenced':
      return Math.min(nowMs, writer.atMs);
  }
}

type ClockBounds = Pick<LeaseSettings, 'clockError' | 'clockUnitMs'>;

/**
 * @param attested undefined: nobody has attested anything for what the replica holds
 * @returns milliseconds in which what was written may be lost; Infinity: unknown
 */
export function possibleLossMs(
  attested: number | undefined,
  lastWrite: number,
  { clockError, clockUnitMs }: ClockBounds,
): number {
  if (attested === undefined) return Number.POSITIVE_INFINITY;
  // Each of the two clocks was read once, up to its unit too early; both may be slow.
  return (Math.max(0, lastWrite - attested) + 2 * clockUnitMs) / (1 - clockError);
}

/**
 * What a node says of its replica while the old primary may still write, for whoever knows when that ended. All times by
 * the clock of the one who asked.
 * @param told the loss as of the answer, which came after the question
 */
export function lossByEnd(
  told: { readonly lossMs: number; readonly askedAtMs: number },
  lastWrite: number,
  { clockError, clockUnitMs }: ClockBounds,
): number {
  // The span for which nobody wrote any more is taken for as short as a fast clock would have measured it.
  const idleMs = (told.askedAtMs - lastWrite - clockUnitMs) / (1 + clockError);
  return Math.max(0, told.lossMs - Math.max(0, idleMs));
}
