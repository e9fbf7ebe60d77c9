import { idOf, type StreamId } from '#events/envelope.ts';
import type { VolumeSpec } from '#events/volume.ts';
import type { ActorDef, ActorState, LabView } from '../actor.ts';
import { clusterStream } from '../cluster/stream.ts';
import { neededOf } from '../replica/known.ts';
import type { DatasetInput, DatasetSpecInput, EpochInput } from '../work.ts';
import { presentOf, type Lineage } from './lineage.ts';
import { isWithReplica } from './volume.ts';

export const volumeActor: ActorDef<'volume'> = {
  refersTo: ({ app, node, origin, handover }) =>
    [app, node, origin?.volume, origin?.snapshot, handover?.replica].filter((stream) => isStream(stream)),

  settled: ({ state, context }) => {
    if ((state === 'ready' && context.handover === null) || state === 'discarded') return { done: true };
    if ((state === 'failed' || state === 'missing') && context.problem) return { failed: context.problem };
    return undefined;
  },

  assignment: ({ state, context: { node, epoch, handover } }) => {
    if (node === null || epoch === null) return undefined;
    return isWithReplica(state) && handover ? { node: handover.node, epoch } : { node, epoch };
  },

  inputs: {
    'create-dataset': (volume) => {
      const dataset = datasetOf(volume);
      const spec = specOf(volume.context.spec);
      return dataset && { ...dataset, spec, ...(volume.context.dataset === null ? {} : { isThere: true }) };
    },
    'adopt-dataset': (volume) => {
      const dataset = datasetOf(volume);
      const { adopted, spec } = volume.context;
      return dataset && adopted !== null ? { ...dataset, spec: specOf(spec), native: adopted } : undefined;
    },
    'release-dataset': (volume, lab) => {
      const dataset = datasetOf(volume);
      return dataset && { ...dataset, needed: neededOf(volume.stream, lab) };
    },
    'copy-dataset': (volume) => moveOf(volume),
    'move-dataset': (volume) => moveOf(volume),
    'clone-dataset': (volume, lab) => {
      const dataset = datasetOf(volume);
      const snapshot = volume.context.origin && lab.get(volume.context.origin.snapshot);
      // A parent that has moved meanwhile has left its snapshots behind, with another volume.
      const parent = snapshot && lab.get(snapshot.context.volume);
      const from = parent && datasetOf(parent);
      if (!dataset || !from || !snapshot) return undefined;
      return { ...dataset, spec: specOf(volume.context.spec), from, snapshot: snapshot.context.metadata.name };
    },
    'rollback-dataset': (volume, lab) => {
      const dataset = datasetOf(volume);
      const { rollback } = volume.context;
      const to = rollback && lab.get(rollback.to);
      if (!dataset || !to) return undefined;
      const { stash, isCanceled } = rollback;
      return { ...dataset, to: to.context.metadata.name, stash, isCanceled };
    },
    'demote-dataset': (volume, lab) => {
      const dataset = datasetOf(volume);
      const epoch = epochOf(volume, lab);
      const { final, replica } = volume.context.handover ?? {};
      const lineage = lineageOf(volume.context.lineages);
      // Streams of a file system say whether they are compressed, those of files do not.
      const byFiles = (replica && lab.get(replica)?.context.compressed) === null;
      return dataset && epoch && final ? { ...dataset, epoch, lineage, final, byFiles } : undefined;
    },
    'seal-replica': (volume, lab) => takeoverOf(volume, lab),
    'promote-replica': (volume, lab) => {
      const base = takeoverOf(volume, lab);
      return base && { ...base, spec: specOf(volume.context.spec), snapshots: guidsOf(volume.stream, lab) };
    },
    'take-back-dataset': (volume, lab) => {
      const dataset = datasetOf(volume);
      const epoch = epochOf(volume, lab);
      return dataset && epoch && { ...dataset, epoch, spec: specOf(volume.context.spec) };
    },
    'destroy-dataset': (volume, lab) => {
      const dataset = datasetOf(volume);
      return dataset && { ...dataset, scrub: volume.context.scrub, needed: neededOf(volume.stream, lab) };
    },
  },
};

/** Of the present step of a hand-over. */
function epochOf({ context: { handover } }: ActorState<'volume'>, lab: LabView): EpochInput | undefined {
  const index = handover?.epoch ?? null;
  return index === null ? undefined : { generation: generationOf(lab), index };
}

/** The replica that takes its place. */
function takeoverOf(volume: ActorState<'volume'>, lab: LabView): (DatasetInput & { epoch: EpochInput }) | undefined {
  const replica = volume.context.handover && lab.get(volume.context.handover.replica);
  const epoch = epochOf(volume, lab);
  return replica && epoch ? { pool: replica.context.pool, dataset: replica.context.dataset, epoch } : undefined;
}

const guidsOf = (volume: StreamId<'volume'>, lab: LabView): readonly string[] =>
  lab
    .referrers(volume, 'snapshot')
    .flatMap(({ state, context: { guid } }) => (state === 'available' && guid !== null ? [guid] : []));

const isStream = <T>(stream: T | null | undefined): stream is T => stream !== null && stream !== undefined;

export const generationOf = (lab: LabView): number => lab.get(clusterStream)?.context.generation ?? 1;

/** What file systems call the present line of a volume's history. */
export const lineageOf = (lineages: readonly Lineage[]): string => `line-${presentOf(lineages)}`;

/** What its node makes of it; the rest is the lab's. */
export function specOf({ sizeBytes, owner, mode, recordSizeBytes, compression }: VolumeSpec): DatasetSpecInput {
  return {
    sizeBytes,
    ...(owner === undefined ? {} : { owner }),
    ...(mode === undefined ? {} : { mode }),
    ...(recordSizeBytes === undefined ? {} : { recordSizeBytes }),
    ...(compression === undefined ? {} : { compression }),
  };
}

function moveOf(
  volume: ActorState<'volume'>,
): (DatasetInput & { to: DatasetInput; spec: DatasetSpecInput }) | undefined {
  const dataset = datasetOf(volume);
  const { move } = volume.context;
  if (!dataset || !move) return undefined;
  return { ...dataset, to: { pool: move.pool, dataset: move.dataset }, spec: specOf(move.spec) };
}

/** The dataset is named by the volume's id: names may change, and come back for another volume. */
export function datasetOf({ stream, context }: ActorState<'volume'>): DatasetInput | undefined {
  return context.pool === null ? undefined : { pool: context.pool, dataset: context.dataset ?? idOf(stream) };
}

/** An instance that still holds the volume's files: of whichever revision, whatever is not known to have stopped. */
export const userOf = (volume: StreamId<'volume'>, lab: LabView): ActorState<'instance'> | undefined =>
  lab.referrers(volume, 'instance')[0];

/** Clones that do not have yet what they begin with. @param of the volume, or one of its snapshots */
export const clonesUnderWay = (of: StreamId<'volume' | 'snapshot'>, lab: LabView): readonly ActorState<'volume'>[] =>
  lab
    .referrers(of, 'volume')
    .filter(
      ({ state, context: { origin, failedIn } }) =>
        (origin?.volume === of || origin?.snapshot === of) &&
        (state === 'unplaced' || state === 'cloning' || failedIn === 'cloning'),
    );
