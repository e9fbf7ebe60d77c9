/** What a snapshot is needed for at this moment: as long as it is, no policy drops it, and a preview says so. */
import type { StreamId } from '#events/envelope.ts';
import type { LabView } from '../actor.ts';
import { readersOf } from '../backup/known.ts';
import { needersOf } from '../replica/known.ts';
import { transfersOf } from '../transfer/under-way.ts';
import { clonesUnderWay } from '../volume/actor.ts';

/** @returns in words; undefined for one that nothing needs */
export function usedFor(snapshot: StreamId<'snapshot'>, lab: LabView): string | undefined {
  const held = lab.get(snapshot);
  if (!held) return undefined;
  if (lab.get(held.context.volume)?.context.rollback?.to === snapshot) return 'the volume goes back to it';
  if (transfersOf(snapshot, lab).length > 0) return 'files of it are restored or exported';
  if (readersOf(snapshot, lab).length > 0) return 'a backup is written from it';
  if (clonesUnderWay(snapshot, lab).length > 0) return 'a clone begins with it';
  const needers = needersOf(held, lab);
  return needers.length > 0 ? `the replica on ${needers.join(', ')} stands on it` : undefined;
}
