/** What becomes of replicas when what they stand on goes: their volume, their node, their pool. */
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';
import { isLost } from '../volume/volume.ts';
import { replicasOf } from './known.ts';

const isEnding = ({ state }: ActorState<'replica'>): boolean => state === 'removing' || state === 'orphaned';

/** They go with a volume that somebody deletes, but for what is left of one that was lost. */
export function replicasGoneWith(volume: StreamId<'volume'>, lab: LabView): readonly AnyDraft[] {
  const known = lab.get(volume)?.context;
  if (known && isLost(known) && known.problem) return orphansOf(volume, known.problem, lab);
  return replicasOf(volume, lab)
    .filter((replica) => !isEnding(replica))
    .map(({ stream }) => draft(stream, 'replica.removal-requested', { because: 'its volume is deleted' }));
}

/** Of a volume that is lost they hold what there is: nobody removes them but a person. */
export const orphansOf = (volume: StreamId<'volume'>, problem: Problem, lab: LabView): readonly AnyDraft[] =>
  replicasOf(volume, lab)
    .filter((replica) => !isEnding(replica))
    .map((replica) =>
      replica.context.cursor === null
        ? draft(replica.stream, 'replica.removal-requested', { because: 'its volume is lost, and it holds nothing' })
        : draft(replica.stream, 'replica.orphaned', { problem }),
    );

/** Their node is out of the lab, or the pool that they are in is gone for good: there is nobody to ask. */
export const replicasLostWith = (node: StreamId<'node'>, lab: LabView, pool?: string): readonly AnyDraft[] =>
  lab
    .referrers(node, 'replica')
    .filter(({ context }) => pool === undefined || context.pool === pool)
    .map(({ stream }) => draft(stream, 'replica.removed', {}));
