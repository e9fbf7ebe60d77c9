import { idOf, type StreamId } from '#events/envelope.ts';
import type { ActorDef, ActorState, LabView } from '../actor.ts';
import type { DatasetInput } from '../work.ts';

export const volumeActor: ActorDef<'volume'> = {
  refersTo: ({ app, node }) => [app, node].filter((stream) => stream !== null),

  settled: ({ state, context }) => {
    if (state === 'ready') return { done: true };
    if (state === 'failed' && context.problem) return { failed: context.problem };
    return undefined;
  },

  assignment: ({ context: { node, epoch } }) => (node === null || epoch === null ? undefined : { node, epoch }),

  inputs: {
    'create-dataset': (volume) => {
      const dataset = datasetOf(volume);
      return dataset && { ...dataset, sizeBytes: volume.context.spec.sizeBytes };
    },
    'rollback-dataset': (volume, lab) => {
      const dataset = datasetOf(volume);
      const { rollback } = volume.context;
      const to = rollback && lab.get(rollback.to);
      return dataset && to ? { ...dataset, to: to.context.metadata.name, stash: rollback.stash } : undefined;
    },
    'destroy-dataset': (volume) => datasetOf(volume),
  },
};

/** The dataset is named by the volume's id: names may change, and come back for another volume. */
export function datasetOf({ stream, context }: ActorState<'volume'>): DatasetInput | undefined {
  return context.pool === null ? undefined : { pool: context.pool, dataset: context.dataset ?? idOf(stream) };
}

/** An instance that still holds the volume's files: of whichever revision, whatever is not known to have stopped. */
export const userOf = (volume: StreamId<'volume'>, lab: LabView): ActorState<'instance'> | undefined =>
  lab.referrers(volume, 'instance')[0];
