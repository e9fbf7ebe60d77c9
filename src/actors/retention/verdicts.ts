/** What retention makes of the snapshots of a volume at this moment. The policy acts on it, and a preview shows it. */
import type { StreamId } from '#events/envelope.ts';
import type { SnapshotReason } from '#events/snapshot.ts';
import type { KeepRule } from '#events/values/keep.ts';
import type { LabView } from '../actor.ts';
import { triedAgainAt } from '../snapshot/held.ts';
import { candidatesOf, type SnapshotFacts } from './candidates.ts';
import { decideRetention, type Verdict } from './decide.ts';
import { usedFor } from './used-for.ts';

/** Taken for one use: they were to go when it ended, whatever the rules say. */
const forOneUse: readonly SnapshotReason[] = ['clone', 'export', 'backup'];

/**
 * @param rules none: everything stays, but for what is left of uses that have ended
 * @param now log time, in milliseconds
 * @returns one verdict for each snapshot that is there, oldest first
 */
export function verdictsOn(
  rules: readonly KeepRule[],
  snapshots: readonly (Omit<SnapshotFacts, 'inUse'> & { readonly id: StreamId<'snapshot'> })[],
  lab: LabView,
  now: number,
): readonly (Verdict & { readonly id: StreamId<'snapshot'> })[] {
  const candidates = candidatesOf(snapshots.map((one) => ({ ...one, inUse: usedFor(one.id, lab, now) })));
  return decideRetention(rules, candidates, now).map((verdict) => {
    const id = verdict.id as StreamId<'snapshot'>;
    return isLeft(id, lab, now) ? { id, keep: false, reason: 'what it was taken for has ended' } : { ...verdict, id };
  });
}

/** Something else held it when its use had ended, and it is time to try again. */
function isLeft(stream: StreamId<'snapshot'>, lab: LabView, now: number): boolean {
  const snapshot = lab.get(stream);
  const againAt = snapshot && triedAgainAt(snapshot);
  if (againAt === undefined || againAt > now || usedFor(stream, lab, now) !== undefined) return false;
  return snapshot !== undefined && forOneUse.includes(snapshot.context.reason);
}
