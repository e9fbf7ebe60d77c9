/**
 * What a node finds when it looks at its volumes (`sensors/volume-look.ts`). Something may have been done by hand: a
 * dataset that is gone, another quota. The volume says so, and is well again when it is found well; nothing is made in
 * the place of what is gone. Snapshots that are gone cannot come back: nobody is offered them any more.
 */
import type { AnyDraft } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import type { Decisions } from '../commands.ts';
import { draft, drafts, unchanged, withVisit } from '../drafting.ts';
import { withoutOrigin } from './clones.ts';
import { reported } from './scopes.ts';

export const lookDecisions: Decisions<'report-volume-look' | 'report-snapshots-gone'> = {
  'report-volume-look': {
    scope: reported,
    decide: ({ input: { volume: stream, visit, problem, isGone } }, lab) =>
      withVisit(lab, stream, visit, ({ state, context }) => {
        const known = state === 'missing' ? context.problem : context.drift;
        if (problem === null) return known === null ? unchanged : drafts(draft(stream, 'volume.found-well', {}));
        const isSame = known?.code === problem.code && known.message === problem.message;
        return isSame ? unchanged : drafts(draft(stream, 'volume.found-wrong', { problem, isGone }));
      }),
  },

  'report-snapshots-gone': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) => {
        if (volume.state !== 'ready') return unchanged;
        // What the lab has begun to remove meanwhile is gone because of that.
        const streams = new Set(input.snapshots.map(({ snapshot }) => snapshot));
        const visits = new Map(input.snapshots.map(({ snapshot, visit }) => [snapshot, visit]));
        const gone = [...streams].flatMap((stream) => {
          const known = lab.get(stream);
          const isOf = known?.state === 'available' && known.context.volume === volume.stream;
          return known && isOf && known.visit === visits.get(stream) ? [known] : [];
        });
        return gone.length === 0 ? unchanged : drafts(snapshotsLost(volume, gone, lab));
      }),
  },
};

const destroyed = {
  code: 'MISSING',
  message: 'It is not on its node any more: somebody has destroyed it there, without FloatLab.',
};

/** So many of them are named. */
const named = 100;

/** They are gone, and so is what was only waiting to begin with one of them. @param gone at least one, all available */
export function snapshotsLost(
  { stream }: ActorState<'volume'>,
  gone: readonly ActorState<'snapshot'>[],
  lab: LabView,
): readonly AnyDraft[] {
  const names = gone.map(({ context }) => context.metadata.name).toSorted();
  return [
    ...gone.flatMap((snapshot) => [
      draft(snapshot.stream, 'snapshot.found-gone', { problem: destroyed }),
      ...withoutOrigin(snapshot.stream, destroyed, lab),
    ]),
    draft(stream, 'volume.snapshots-lost', { names: names.slice(0, named), count: names.length }),
  ];
}
