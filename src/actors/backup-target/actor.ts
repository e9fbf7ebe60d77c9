import type { ActorDef, ActorState } from '../actor.ts';
import { homeOfStore } from './known.ts';
import type { TargetInput } from '../work.ts';

export const backupTargetActor: ActorDef<'backup-target'> = {
  refersTo: ({ spec, node }) => {
    const own = homeOfStore(spec.store);
    return [...new Set([own, node].filter((stream) => stream !== undefined && stream !== null))];
  },

  settled: ({ state, context: { problem } }) => {
    if (state === 'unreachable' && problem) return { failed: problem };
    if (state === 'ready') return problem ? { failed: problem } : { done: true };
    return undefined;
  },

  assignment: ({ context: { node, epoch } }) => (node === null || epoch === null ? undefined : { node, epoch }),

  inputs: {
    'check-backup-target': (target, lab) => ({
      target: targetInput(target),
      known: lab.referrers(target.stream, 'backup').map(({ context }) => context.object),
    }),
    'prune-backup-target': (target) => ({ target: targetInput(target) }),
  },
};

/** What whoever works with it needs to open it. */
export function targetInput({
  context: { metadata, spec, secrets, repository, checkedAt },
}: ActorState<'backup-target'>): TargetInput {
  return {
    name: metadata.name,
    spec,
    ...(secrets === null ? {} : { secrets }),
    ...(repository === null ? {} : { repository }),
    ...(checkedAt === null ? {} : { isThere: true as const }),
  };
}
