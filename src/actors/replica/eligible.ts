/**
 * Which replica of a volume may take its place when that is gone, and at what price; the rule of whoever decides about
 * that, a policy or a person. Pure.
 *
 *   on the line of the present ─▶ attested ─▶ not more lost than the volume allows ─▶ may, of itself
 *            │                        │                    └─ with a person's word, who is told the price
 *            └─ never                 └─ with a person's word: nobody knows the price
 *
 * Snapshots are ordered by line of history, epoch and sequence. A roll-back opens another line, and what is on one that was
 * left is no older or newer state of the volume, but another one. Epochs and sequences are indices of one log, so that a
 * snapshot of a later epoch always has the higher sequence: within a line the sequence alone is the order.
 */
import { formatDuration } from '#events/values/duration.ts';
import type { ActorState, LabView } from '../actor.ts';
import { isOnLine } from '../volume/lineage.ts';
import { isKept, replicasOf } from './known.ts';

type Volume = ActorState<'volume'>;
type Replica = ActorState<'replica'>;

export interface Limits {
  /** Of the volume; undefined: nobody has said how much may be lost, so nothing is lost unasked. */
  readonly maxDataLossMs: number | undefined;
  /** How long a leader waits before it takes a lease for over. */
  readonly waitMs: number;
  /** How often the node of a volume looks whether something was written. */
  readonly pollMs: number;
}

export interface Candidate {
  readonly replica: Replica;
  /** Of what it holds; 0: nothing that is known of the present. */
  readonly sequence: number;
  /** Infinity: unknown. */
  readonly lossMs: number;
  /** Why it cannot take the place at all: after `replica x `. */
  readonly refused?: string;
  /** Why not without a person's word: after `replica x `. */
  readonly asks?: string;
}

/**
 * @param lossOf what would be lost with it, in milliseconds; undefined: unknown
 * @returns all replicas of the volume, the best first: the newest snapshot, then the smaller loss
 */
export function candidatesOf(
  volume: Volume,
  lossOf: (replica: Replica) => number | undefined,
  limits: Limits,
  lab: LabView,
): readonly Candidate[] {
  return replicasOf(volume.stream, lab)
    .map((replica) => eligible(replica, volume, lossOf(replica), limits, lab))
    .toSorted(
      (a, b) =>
        Number(a.refused !== undefined) - Number(b.refused !== undefined) ||
        b.sequence - a.sequence ||
        a.lossMs - b.lossMs ||
        (a.replica.stream < b.replica.stream ? -1 : 1),
    );
}

/** @param loss undefined: unknown, which is taken for infinite */
export function eligible(
  replica: Replica,
  volume: Volume,
  loss: number | undefined,
  limits: Limits,
  lab: LabView,
): Candidate {
  const lossMs = loss ?? Number.POSITIVE_INFINITY;
  const { cursor } = replica.context;
  const none = { replica, sequence: 0, lossMs: Number.POSITIVE_INFINITY };
  if (!isKept(replica) || replica.state === 'taking-over') return { ...none, refused: `is ${replica.state}` };
  if (cursor === null) return { ...none, refused: 'holds nothing yet' };
  const held = lab.referrers(volume.stream, 'snapshot').find(({ context }) => context.guid === cursor.guid);
  if (!held) return { ...none, refused: `holds snapshot ${cursor.name}, which its volume does not have any more` };
  const { sequence } = held.context;
  if (!isOnLine(held.context, volume.context.lineages))
    return { ...none, refused: `holds snapshot ${cursor.name} of a line of history that was left by going back` };
  const asks = whyAsk(lossMs, limits);
  return { replica, sequence, lossMs, ...(asks === undefined ? {} : { asks }) };
}

function whyAsk(lossMs: number, { maxDataLossMs, waitMs, pollMs }: Limits): string | undefined {
  if (maxDataLossMs === undefined) return 'is of a volume that does not say how much may be lost';
  // Until a lease is over somebody may have written, and for as long as between two looks nobody knows.
  const least = Math.ceil(waitMs + pollMs);
  if (maxDataLossMs < least)
    return `is of a volume of which at most ${formatDuration(maxDataLossMs)} may be lost: less than the ${formatDuration(least)} after which anybody can know`;
  if (lossMs <= maxDataLossMs) return undefined;
  return lossMs === Number.POSITIVE_INFINITY
    ? 'may lack anything that was written since its snapshot: nobody has attested how much'
    : `may lack what was written in the last ${formatDuration(lossMs)}, and at most ${formatDuration(maxDataLossMs)} may be lost`;
}
