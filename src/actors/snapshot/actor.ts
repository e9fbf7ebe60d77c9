import type { ActorDef, ActorState, LabView } from '../actor.ts';
import { datasetOf, volumeActor } from '../volume/actor.ts';

const input = (snapshot: ActorState<'snapshot'>, lab: LabView) => {
  const volume = lab.get(snapshot.context.volume);
  const dataset = volume && datasetOf(volume);
  return dataset && { ...dataset, name: snapshot.context.metadata.name };
};

export const snapshotActor: ActorDef<'snapshot'> = {
  refersTo: ({ volume }) => [volume],

  settled: ({ state, context }) => {
    if (state === 'available') return { done: true };
    if (state === 'failed' && context.problem) return { failed: context.problem };
    return undefined;
  },

  /** A snapshot is made where its volume is, under the volume's assignment. */
  assignment: ({ context }, lab) => {
    const volume = lab.get(context.volume);
    return volume && volumeActor.assignment?.(volume, lab);
  },

  inputs: { 'take-snapshot': input, 'remove-snapshot': input },
};
