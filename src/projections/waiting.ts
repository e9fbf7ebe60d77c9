/** Why something does not go on: what an app or a volume waits for, and whether that lasts. */
import type { ActorState, LabView } from '#actors/actor.ts';
import type { Problem } from '#events/values/metadata.ts';

interface Waiting {
  readonly problem: Problem;
  readonly lasts: boolean;
}

/** An app that has found its node waits no more, although it has not come up yet. */
export function waitingOf(actor: ActorState | undefined, lab: LabView): Waiting | null {
  if (!actor || actor.final || (actor.kind !== 'app' && actor.kind !== 'volume')) return null;
  const { delay, delayLasts } = (actor as ActorState<'app' | 'volume'>).context;
  if (!delay || (actor.kind === 'app' && lab.referrers(actor.stream, 'instance').length > 0)) return null;
  return { problem: delay, lasts: delayLasts };
}
