import { idOf } from '#events/envelope.ts';
import type { ActorDef, ActorState, LabView } from '../actor.ts';
import { datasetOf, generationOf, lineageOf, specOf } from '../volume/actor.ts';
import { isOnLine } from '../volume/lineage.ts';
import type { ReplicaInput } from '../work.ts';

type Replica = ActorState<'replica'>;

export const replicaActor: ActorDef<'replica'> = {
  refersTo: ({ volume, node }) => [volume, node],

  settled: ({ state, context: { cursor, problem } }) => {
    if (state === 'paused' || state === 'orphaned') return { done: true };
    if (state === 'failed' && problem) return { failed: problem };
    // Its next attempt comes by itself; whoever waits for this one hears how it ended.
    if (state === 'idle' && problem) return { failed: problem };
    return state === 'idle' && cursor !== null ? { done: true } : undefined;
  },

  assignment: ({ context: { node, epoch } }) => ({ node, epoch }),

  inputs: {
    'sync-replica': (replica, lab) => {
      const { sync, compressed, volume } = replica.context;
      const of = lab.get(volume);
      const base = inputOf(replica, lab);
      if (!of || !base || !sync || !datasetOf(of)) return undefined;
      return {
        ...base,
        to: { name: sync.to.name, guid: sync.to.guid },
        compress: of.context.spec.replicas?.compress ?? false,
        ...(compressed === null ? {} : { compressed }),
      };
    },
    'resync-replica': (replica, lab) => {
      const { resync, volume } = replica.context;
      const [base, of] = [inputOf(replica, lab), lab.get(volume)];
      if (!base || !resync || !of) return undefined;
      return { ...base, keep: resync.keep, aside: resync.aside, spec: specOf(of.context.spec) };
    },
    'remove-replica': ({ stream, context: { pool, dataset, epoch } }, lab) => ({
      ...{ pool, dataset, peer: idOf(stream) },
      epoch: { generation: generationOf(lab), index: epoch },
    }),
  },
};

/** Undefined while its volume is nowhere. */
function inputOf({ stream, context }: Replica, lab: LabView): ReplicaInput | undefined {
  const volume = lab.get(context.volume);
  if (!volume || volume.context.epoch === null) return undefined;
  const { lineages, epoch } = volume.context;
  const snapshots = lab
    .referrers(volume.stream, 'snapshot')
    .flatMap(({ state, context: { guid, ...about } }) =>
      guid === null || state !== 'available' ? [] : [{ guid, isOnLine: isOnLine(about, lineages) }],
    );
  return {
    pool: context.pool,
    dataset: context.dataset,
    peer: idOf(stream),
    epoch: { generation: generationOf(lab), index: epoch },
    lineage: lineageOf(lineages),
    snapshots,
  };
}
