import type { ActorDef, ActorState, LabView } from '../actor.ts';
import type { InstanceInput } from '../work.ts';

function input(instance: ActorState<'instance'>, lab: LabView): InstanceInput {
  const { metadata, spec, bundle, volumes, app, revision, services } = instance.context;
  const paths: Record<string, string> = {};
  for (const [key, stream] of Object.entries(volumes)) {
    const path = lab.get(stream)?.context.path;
    if (path !== null && path !== undefined) paths[key] = path;
  }
  return { app, namespace: metadata.namespace, appName: metadata.name, revision, spec, bundle, paths, services };
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
