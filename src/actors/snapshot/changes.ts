/**
 * Snapshots because of changes. A node's sensor says what has changed and settled, and the lab takes its word only
 * while it still holds: what was snapshotted since the node looked has to change again first.
 */
import type { StreamId } from '#events/envelope.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands } from '../commands.ts';
import { drafts } from '../drafting.ts';
import { requestSnapshot } from './request.ts';

export function requestChangeSnapshots(
  { input, id, now }: Ask<Commands['request-change-snapshots']>,
  lab: LabView,
): Decision {
  const asked = new Set<StreamId>();
  return drafts(
    input.volumes.flatMap(({ volume: stream, ...change }, n) => {
      const volume = lab.get(stream);
      if (volume?.state !== 'ready' || volume.context.node !== input.node || asked.has(stream)) return [];
      if (volume.context.spec.snapshotOnChange === undefined || isOutdated(volume, change.since, lab)) return [];
      asked.add(stream);
      return [requestSnapshot(volume, id(n), now, 'change', lab, { change })];
    }),
  );
}

/** @param since the newest snapshot that the node knew; undefined: it knew none */
function isOutdated(volume: ActorState<'volume'>, since: string | undefined, lab: LabView): boolean {
  const snapshots = lab.referrers(volume.stream, 'snapshot');
  if (snapshots.some(({ state }) => state === 'taking')) return true;
  const taken = snapshots.filter(({ context }) => context.guid !== null);
  if (since === undefined) return taken.length > 0;
  // One that the lab does not know (any more) cannot be told to be old.
  const known = taken.find(({ context }) => context.guid === since)?.context.requestedAt;
  return known !== undefined && taken.some(({ context }) => context.requestedAt > known);
}
