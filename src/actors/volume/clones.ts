/** Clones that are under way: what they wait for must not go, and when it goes all the same they go, too. */
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { beingTransferred } from '../transfer/under-way.ts';
import { clonesUnderWay } from './actor.ts';

/** What is read at this moment must not go. */
export function beingCloned(volume: ActorState<'volume'>, lab: LabView): ReturnType<typeof reject> | undefined {
  const clones = clonesUnderWay(volume.stream, lab).map(({ context }) => context.metadata.name);
  if (clones.length === 0) return beingTransferred(volume, lab);
  return reject(
    'VOLUME_IN_USE',
    `Volume ${volume.context.metadata.name} is being cloned to ${clones.join(', ')}.`,
    'Try again when that is done, or delete the clone.',
  );
}

/** A clone lands beside its parent, once the snapshot is there that it begins with. */
export const placedClones = (snapshot: StreamId<'snapshot'>, lab: LabView): readonly AnyDraft[] =>
  clonesUnderWay(snapshot, lab).flatMap(({ stream, state, context }) => {
    const parent = context.origin && lab.get(context.origin.volume)?.context;
    return state === 'unplaced' && parent?.node && parent.pool !== null
      ? [draft(stream, 'volume.placed', { node: parent.node, pool: parent.pool })]
      : [];
  });

/** Clones that wait for a place have nothing to begin with any more. @param of the volume, or one of its snapshots */
export const withoutOrigin = (
  of: StreamId<'volume' | 'snapshot'>,
  problem: Problem,
  lab: LabView,
): readonly AnyDraft[] =>
  clonesUnderWay(of, lab)
    .filter(({ state }) => state === 'unplaced')
    .flatMap(({ stream }) => [
      ...lab
        .referrers(stream, 'operation')
        .filter(({ state }) => state === 'running')
        .map((operation) => draft(operation.stream, 'operation.failed', { problem })),
      draft(stream, 'volume.deleted', {}),
    ]);

/** A snapshot that was taken for a clone alone. */
export function needless({ stream, context }: ActorState<'volume'>, lab: LabView): readonly AnyDraft[] {
  const snapshot = context.origin && lab.get(context.origin.snapshot);
  if (snapshot?.state !== 'available' || snapshot.context.reason !== 'clone') return [];
  if (clonesUnderWay(snapshot.stream, lab).some((clone) => clone.stream !== stream)) return [];
  return [draft(snapshot.stream, 'snapshot.removal-requested', { because: 'the clone has begun with it' })];
}
