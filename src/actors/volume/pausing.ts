/** An app stands still while one of its volumes is rolled back, or moves its last part. */
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';
import { userOf } from './actor.ts';

/** States of an app in which it is stopped for that, and started again after it. */
const pausable: readonly string[] = ['starting', 'running', 'degraded', 'updating', 'failed'];

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

/** Whoever uses the volume stops; when nobody does, it is drained already. */
export function draining(volume: StreamId<'volume'>, lab: LabView): readonly AnyDraft[] {
  const app = pausedBy(volume, lab);
  return [
    ...(app ? [draft(app.stream, 'app.paused', { for: volume })] : []),
    ...(userOf(volume, lab) ? [] : [draft(volume, 'volume.drained', {})]),
  ];
}

export const goingOn = (volume: StreamId<'volume'>, lab: LabView): readonly AnyDraft[] =>
  pausedFor(volume, lab).map((app) => draft(app, 'app.resumed', {}));
