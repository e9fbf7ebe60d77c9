/** An app stands still while one of its volumes is rolled back, or moves its last part. */
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';
import { userOf } from './actor.ts';
import { handoverStates } from './volume.ts';

/** States of an app in which it is stopped for that, and started again after it. */
const pausable: readonly string[] = ['starting', 'running', 'degraded', 'updating', 'failed'];

/** States of a volume for which its app stands still. */
const standingStates: readonly string[] = ['draining', 'rolling-back', 'moving', ...handoverStates];

/** The app whose instance holds the volume, when it is to be paused. */
export function pausedBy(volume: StreamId<'volume'>, lab: LabView): ActorState<'app'> | undefined {
  const user = userOf(volume, lab);
  const app = user && lab.get(user.context.app);
  return app && pausable.includes(app.state) ? app : undefined;
}

/** Apps that wait for the volume; also one that no longer names it. */
export const pausedFor = (volume: StreamId<'volume'>, lab: LabView): readonly StreamId<'app'>[] =>
  lab
    .referrers(volume, 'app')
    .filter(({ state, context }) => state === 'paused' && context.pausedFor === volume)
    .map(({ stream }) => stream);

/** Apps that have failed because the volume did. */
export const failedFor = (volume: StreamId<'volume'>, problem: Problem, lab: LabView): readonly StreamId<'app'>[] =>
  lab
    .referrers(volume, 'app')
    .filter(
      ({ state, context }) =>
        state === 'failed' && context.problem?.code === problem.code && context.problem.message === problem.message,
    )
    .map(({ stream }) => stream);

/** Whoever uses the volumes stops; those that nobody uses are drained already. @param volumes of one app */
export function draining(volumes: readonly StreamId<'volume'>[], lab: LabView): readonly AnyDraft[] {
  const used = volumes.find((volume) => pausedBy(volume, lab));
  const app = used && pausedBy(used, lab);
  return [
    ...(app ? [draft(app.stream, 'app.paused', { for: used })] : []),
    ...volumes.filter((volume) => !userOf(volume, lab)).map((volume) => draft(volume, 'volume.drained', {})),
  ];
}

/**
 * Whoever waits for the volumes goes on, unless something is under way with another volume of it: then it waits for that.
 * @param volumes all with which the same decision ends
 */
export const goingOn = (volumes: readonly StreamId<'volume'>[], lab: LabView): readonly AnyDraft[] =>
  volumes
    .flatMap((volume) => pausedFor(volume, lab))
    .map((app) => {
      const others = Object.values(lab.get(app)?.context.volumes ?? {}).filter((volume) => !volumes.includes(volume));
      const next = others.find((volume) => standingStates.includes(lab.get(volume)?.state ?? ''));
      return next ? draft(app, 'app.paused', { for: next }) : draft(app, 'app.resumed', {});
    });
