/** What a snapshot is needed for at this moment: as long as it is, no policy drops it, and a preview says so. */
import type { StreamId } from '#events/envelope.ts';
import type { LabView } from '../actor.ts';
import { readersOf } from '../backup/known.ts';
import { needersOf } from '../replica/known.ts';
import { triedAgainAt } from '../snapshot/held.ts';
import { transfersOf } from '../transfer/under-way.ts';
import { clonesUnderWay } from '../volume/actor.ts';

/** @param now log time, in milliseconds @returns in words; undefined for one that nothing needs */
export function usedFor(snapshot: StreamId<'snapshot'>, lab: LabView, now: number): string | undefined {
  const known = lab.get(snapshot);
  if (!known) return undefined;
  if (lab.get(known.context.volume)?.context.rollback?.to === snapshot) return 'the volume goes back to it';
  if (transfersOf(snapshot, lab).length > 0) return 'files of it are restored or exported';
  if (readersOf(snapshot, lab).length > 0) return 'a backup is written from it';
  if (clonesUnderWay(snapshot, lab).length > 0) return 'a clone begins with it';
  const needers = needersOf(known, lab);
  if (needers.length > 0) return `the replica on ${needers.join(', ')} stands on it`;
  return (triedAgainAt(known) ?? now) > now ? 'another tool holds it' : undefined;
}
