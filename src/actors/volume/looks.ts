/**
 * What a node finds when it looks at its volumes (`sensors/volume-look.ts`). Something may have been done by hand: a
 * dataset that is gone, another quota. The volume says so, and is well again when it is found well; nothing is made in
 * the place of what is gone.
 */
import type { Decisions } from '../commands.ts';
import { draft, drafts, unchanged, withVisit } from '../drafting.ts';
import { reported } from './scopes.ts';

export const lookDecisions: Decisions<'report-volume-look'> = {
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
};
