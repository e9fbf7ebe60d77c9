import type { ActorDef, ActorState, LabView } from '../actor.ts';
import { liveInstance } from '../app/actor.ts';
import { neededOf } from '../replica/known.ts';
import { datasetOf, volumeActor } from '../volume/actor.ts';
import { handoverStates } from '../volume/volume.ts';
import type { DatasetInput, HooksInput, SnapshotInput, WorkInput } from '../work.ts';
import { membersTaking } from './sets.ts';

function named(snapshot: ActorState<'snapshot'>, lab: LabView): (DatasetInput & { readonly name: string }) | undefined {
  const volume = lab.get(snapshot.context.volume);
  const dataset = volume && datasetOf(volume);
  return dataset && { ...dataset, name: snapshot.context.metadata.name };
}

/** Whoever leads a set takes it; the others have nothing to do while it does. */
function taking(snapshot: ActorState<'snapshot'>, lab: LabView): WorkInput['take-snapshot'] | undefined {
  const lead = snapshot.context.set?.lead;
  const isLed = lead !== undefined && lead !== snapshot.stream && lab.get(lead)?.state === 'taking';
  if (isLed) return undefined;
  const members = lead === snapshot.stream ? membersTaking(lead, lab) : [snapshot];
  const snapshots = members.flatMap((member): readonly SnapshotInput[] => {
    const input = named(member, lab);
    return input ? [{ ...input, snapshot: member.stream, visit: member.visit }] : [];
  });
  return { snapshots, isSet: lead !== undefined, hooks: hooksAround(members, lab) };
}

/** What several volumes of an app ask for alike runs once. */
function hooksAround(members: readonly ActorState<'snapshot'>[], lab: LabView): readonly HooksInput[] {
  const found = new Map<string, HooksInput>();
  for (const { context } of members) {
    const volume = lab.get(context.volume);
    const hooks = volume?.context.spec.hooks;
    if (!hooks) continue;
    const user = volume.context.app && liveInstance(volume.context.app, lab);
    const instance = user && user.context.node === volume.context.node ? user.stream : null;
    const input = { ...hooks, instance };
    found.set(JSON.stringify(input), input);
  }
  return [...found.values()];
}

export const snapshotActor: ActorDef<'snapshot'> = {
  refersTo: ({ volume, set }) => (set === null ? [volume] : [volume, set.lead]),

  settled: ({ state, context }) => {
    if (state !== 'available' && state !== 'failed') return undefined;
    // Whoever asked for its removal waits for that.
    if (context.held) return { failed: context.held.problem };
    if (state === 'available') return { done: true };
    return context.problem ? { failed: context.problem } : undefined;
  },

  /** A snapshot is made where its volume is, under the volume's assignment. */
  assignment: ({ state, context }, lab) => {
    const volume = lab.get(context.volume);
    // While its volume is on its way to another node nobody can say where it is to be removed.
    if (!volume || (state === 'removing' && handoverStates.includes(volume.state))) return undefined;
    return volumeActor.assignment?.(volume, lab);
  },

  inputs: {
    'take-snapshot': taking,
    'remove-snapshot': (snapshot, lab) => {
      const input = named(snapshot, lab);
      return input && { ...input, needed: neededOf(snapshot.context.volume, lab) };
    },
  },
};
