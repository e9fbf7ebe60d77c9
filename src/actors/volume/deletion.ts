/** How a volume goes: kept for a while under another name, or for ever; and what goes with it. */
import type { AnyDraft } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { draft } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { replicasGoneWith } from '../replica/ending.ts';
import { lostWith } from '../snapshot/sets.ts';
import { transfersGoneWith } from '../transfer/under-way.ts';
import { userOf } from './actor.ts';
import { withoutOrigin } from './clones.ts';
import { failedWithData, isLost } from './volume.ts';

/** Why a volume must not go: an app names it, or an instance still holds it. */
export function inUse(volume: ActorState<'volume'>, lab: LabView): ReturnType<typeof reject> | undefined {
  const { name } = volume.context.metadata;
  const app = volume.context.app && lab.get(volume.context.app)?.context.metadata.name;
  if (app !== undefined && app !== null) {
    return reject(
      'VOLUME_IN_USE',
      `Volume ${name} is in use by app ${app}.`,
      `Remove the app first (floatlab down ${app}), or both (floatlab down ${app} --volumes).`,
    );
  }
  const user = userOf(volume.stream, lab)?.context.metadata.name;
  if (user === undefined) return undefined;
  return reject('VOLUME_IN_USE', `Volume ${name} is still in use by ${user}.`, 'Try again when it has stopped.');
}

/**
 * One with data in it is kept until then; whatever never had any goes at once.
 * @param taken names that the same entry gives to others
 */
export function discardOf(
  volume: ActorState<'volume'>,
  lab: LabView,
  purgeAt: number,
  taken: Set<string> = new Set(),
): readonly AnyDraft[] {
  const { state, context } = volume;
  const hasData = state === 'ready' || state === 'missing' || failedWithData(context);
  if (!hasData) return deletionOf(volume, lab);
  return [draft(volume.stream, 'volume.discarded', { name: discardedName(volume, lab, taken), purgeAt })];
}

/** Nothing of it is to be readable afterwards: a pool that cannot do that says so now, and not when half is gone. */
export function refuseScrub({ context }: ActorState<'volume'>, lab: LabView): ReturnType<typeof reject> | undefined {
  const node = context.node && lab.get(context.node);
  const pool = node && node.context.facts.pools.find(({ name }) => name === context.pool);
  // Of a pool whose node does not say what it can, its driver finds out.
  if (!pool || pool.can === undefined || pool.can.scrubbedDestroy) return undefined;
  const { name } = context.metadata;
  return reject(
    'UNSUPPORTED',
    `Pool ${pool.name} on ${node.context.metadata.name} (${pool.driver}) cannot delete volume ${name} so that nothing of ` +
      'it can be read from its disks.',
    `Delete it without --scrub (floatlab volume rm ${name} --purge). What must not be readable belongs on encrypted disks.`,
  );
}

/**
 * A volume that is nowhere is gone at once; any other is destroyed by its node first. What was adopted is never
 * destroyed, but given back.
 */
export function deletionOf(volume: ActorState<'volume'>, lab: LabView, scrub = false): readonly AnyDraft[] {
  if (volume.state === 'unplaced' || isLost(volume.context))
    return [...goneWith(volume, lab), draft(volume.stream, 'volume.deleted', {})];
  if (volume.context.adopted !== null)
    return [...replicasGoneWith(volume.stream, lab), draft(volume.stream, 'volume.release-requested', {})];
  return [
    ...replicasGoneWith(volume.stream, lab),
    draft(volume.stream, 'volume.deletion-requested', scrub ? { scrub } : {}),
  ];
}

/**
 * Giving back what was adopted would take along what a roll-back has put aside, which may be what the volume held, and
 * nobody has seen it yet: the roll-back is finished first. So one that was deleted in the middle of it stays.
 */
export function halfRolledBack(volume: ActorState<'volume'>): ReturnType<typeof reject> | undefined {
  const { context } = volume;
  if (!isHalfRolledBack(volume)) return undefined;
  const { name } = context.metadata;
  const finishes = context.discarded ? `floatlab volume recover ${name}` : `floatlab volume retry ${name}`;
  return reject(
    'NOT_NOW',
    `A roll-back of volume ${name} was begun and has not ended: what the volume held before is kept only here.`,
    `Finish it first: ${finishes}.`,
  );
}

/** Of one that was adopted. */
export const isHalfRolledBack = ({ state, context }: ActorState<'volume'>): boolean =>
  context.adopted !== null && context.rollback !== null && (state === 'failed' || state === 'discarded');

/** What FloatLab did not make it does not destroy. */
export function refuseAdopted({ context }: ActorState<'volume'>): ReturnType<typeof reject> | undefined {
  if (context.adopted === null || isLost(context)) return undefined;
  const { name } = context.metadata;
  return reject(
    'ADOPTED',
    `Volume ${name} was adopted from ${context.adopted}, and what was adopted is not deleted.`,
    `Give it back: floatlab volume release ${name}. It stays as it is, and is no volume any more.`,
  );
}

/** A volume that goes takes its snapshots and schedules along. */
export const goneWith = (volume: ActorState<'volume'>, lab: LabView): readonly AnyDraft[] => [
  ...withoutOrigin(volume.stream, volumeGone, lab),
  ...lab
    .referrers(volume.stream, 'snapshot')
    .flatMap(({ stream }) => [draft(stream, 'snapshot.removed', {}), ...lostWith(stream, volumeGone, lab)]),
  ...transfersGoneWith(volume.stream, volumeGone, lab),
  ...replicasGoneWith(volume.stream, lab),
  ...lab.referrers(volume.stream, 'schedule').map((schedule) => draft(schedule.stream, 'schedule.removed', {})),
];

const volumeGone = { code: 'NOT_FOUND', message: 'The volume that this needs is gone.' };

/** The first of `photos-deleted`, `photos-deleted-2` … that no volume has. */
function discardedName(volume: ActorState<'volume'>, lab: LabView, taken: Set<string>): string {
  const { name, namespace } = volume.context.metadata;
  return freeNameLike(name, '-deleted', namespace, lab, taken);
}

/** @param taken names that the same entry gives to others */
export function freeNameLike(
  name: string,
  end: string,
  namespace: string,
  lab: LabView,
  taken: Set<string> = new Set(),
): string {
  for (let n = 1; ; n++) {
    const ending = n === 1 ? end : `${end}-${n}`;
    const free = `${name.slice(0, 63 - ending.length)}${ending}`;
    if (taken.has(free) || lab.byName('volume', namespace, free)) continue;
    taken.add(free);
    return free;
  }
}
