import type { ActorDef, ActorState, LabView } from '../actor.ts';
import { targetInput } from '../backup-target/actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { idOf } from '#events/envelope.ts';
import { datasetOf } from '../volume/actor.ts';
import { scratchBytes } from './known.ts';
import type { BackedUpInput, StoredBackupInput } from '../work.ts';

const isStream = <T>(stream: T | null | undefined): stream is T => stream !== null && stream !== undefined;

export const backupActor: ActorDef<'backup'> = {
  refersTo: ({ target, volume, snapshot, appStream, node, scratchPool }) =>
    [target, volume, snapshot, appStream, scratchPool === null ? null : node].filter((stream) => isStream(stream)),

  settled: ({ state, context: { problem } }) => {
    if (state === 'verified') return { done: true };
    // Its next attempt comes by itself; whoever waits for this one hears how it ended.
    if (['failed', 'damaged', 'unverified'].includes(state) && problem) return { failed: problem };
    return undefined;
  },

  assignment: ({ context: { node, epoch } }) => (node === null || epoch === null ? undefined : { node, epoch }),

  inputs: {
    'write-backup': (backup, lab) => {
      const stored = storedInput(backup, lab);
      const content = contentOf(backup, lab);
      return stored && content && { ...stored, ...content };
    },
    'verify-backup': (backup, lab) => storedInput(backup, lab),
    'test-restore': (backup, lab) => {
      const stored = storedInput(backup, lab);
      const { scratchPool: pool, volumeSpec } = backup.context;
      const { recordSizeBytes } = volumeSpec;
      if (!stored || pool === null) return undefined;
      return {
        ...stored,
        ...{ pool, dataset: `scratch-${idOf(backup.stream)}`.slice(0, 63) },
        spec: { sizeBytes: scratchBytes(backup), ...(recordSizeBytes === undefined ? {} : { recordSizeBytes }) },
      };
    },
    'remove-backup': (backup, lab) => storedInput(backup, lab),
  },
};

/** A backup as it lies in its target; undefined when the lab has forgotten that. */
export function storedInput({ context }: ActorState<'backup'>, lab: LabView): StoredBackupInput | undefined {
  const target = lab.get(context.target);
  return target && { object: context.object, target: targetInput(target) };
}

function contentOf({ context }: ActorState<'backup'>, lab: LabView): BackedUpInput | undefined {
  const snapshot = context.snapshot === null ? undefined : lab.get(context.snapshot);
  // A volume that has moved meanwhile has left its snapshots behind, with another volume.
  const volume = snapshot && lab.get(snapshot.context.volume);
  const dataset = volume && datasetOf(volume);
  if (!dataset || !snapshot || snapshot.context.guid === null) return undefined;
  const { metadata, volumeName, volumeSpec, app, appStream, set, requestedAt } = context;
  const { name: labName = 'lab', uuid = '' } = lab.get(clusterStream)?.context.metadata ?? {};
  const of = appStream === null ? undefined : lab.get(appStream)?.context;
  return {
    ...dataset,
    snapshot: {
      name: snapshot.context.metadata.name,
      guid: snapshot.context.guid,
      takenAt: snapshot.context.takenAt ?? requestedAt,
    },
    lab: `${labName}/${uuid}`,
    startedAt: requestedAt,
    about: {
      namespace: metadata.namespace,
      volumeName,
      spec: volumeSpec,
      ...(app === null ? {} : { app }),
      ...(set === null ? {} : { set }),
    },
    ...(of ? { compose: of.compose, ...(of.files === null ? {} : { files: of.files }) } : {}),
  };
}
