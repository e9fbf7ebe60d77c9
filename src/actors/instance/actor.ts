import type { ActorDef, ActorState, LabView } from '../actor.ts';
import { datasetOf } from '../volume/actor.ts';
import type { DatasetInput, InstanceInput } from '../work.ts';

function input(instance: ActorState<'instance'>, lab: LabView): InstanceInput {
  const { metadata, spec, bundle, volumes, app, revision, services } = instance.context;
  const paths: Record<string, string> = {};
  const datasets: Record<string, DatasetInput> = {};
  for (const [key, stream] of Object.entries(volumes)) {
    const volume = lab.get(stream);
    const dataset = volume && datasetOf(volume);
    const path = volume?.context.path;
    if (path !== null && path !== undefined) paths[key] = path;
    if (dataset) datasets[key] = dataset;
  }
  const { namespace, name: appName } = metadata;
  const images = lab.get(app)?.context.images ?? {};
  return { app, namespace, appName, revision, spec, bundle, images, paths, datasets, services };
}

export const instanceActor: ActorDef<'instance'> = {
  refersTo: ({ app, node, volumes }) => [app, node, ...Object.values(volumes)],

  settled: ({ state, context }) => {
    if (state === 'running') return { done: true };
    if ((state === 'failed' || state === 'halted') && context.problem) return { failed: context.problem };
    return undefined;
  },

  assignment: ({ context: { node, epoch } }) => ({ node, epoch }),

  inputs: { 'start-instance': input, 'watch-instance': input, 'halt-instance': input, 'stop-instance': input },
};
