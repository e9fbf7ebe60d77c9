/**
 * Moving a volume into a new dataset of its node: into another pool, or with what is fixed once a dataset is made.
 *
 *     copying     nearly everything, while its app runs
 *     draining    the app stops
 *     moving      what is different by then; looked through once more
 *     ready       it is the new dataset. The old one stays, with the snapshots, as a volume that was deleted
 *
 * Until the last step the volume is the old dataset, which nobody has touched: a move that fails is given up, its app
 * goes on, and what was copied is removed.
 */
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { VolumeSpec } from '#events/volume.ts';
import type { ActorState, Decision, LabView } from '../actor.ts';
import type { Commands, Decisions } from '../commands.ts';
import { draft, drafts, newMetadata, startOperation, unchanged, withNamed, withVisit } from '../drafting.ts';
import { promisedTo, refuseNew } from '../placement/capacity.ts';
import { makeRefusal, placeRefusal } from '../placement/constraints.ts';
import { reject } from '../rejection.ts';
import { beingCloned } from './clones.ts';
import { freeNameLike } from './deletion.ts';
import { handoverUnderWay, requestHandover } from './handover.ts';
import { draining, goingOn } from './pausing.ts';
import { reported, write } from './scopes.ts';

type Moves = 'move-volume' | 'report-volume-copied' | 'report-volume-moved' | 'report-volume-move-failed';

export const moveDecisions: Decisions<Moves> = {
  'move-volume': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'volume', ask.input, (volume): Decision => {
        const { name, namespace, keepForMs } = ask.input;
        const { node: nodeStream, pool: from } = volume.context;
        const { node: named } = ask.input;
        if (named !== undefined && nodeStream !== null && lab.get(nodeStream)?.context.metadata.name !== named)
          return requestHandover(ask, volume, named, lab);
        if (volume.context.handover !== null) return handoverUnderWay(volume);
        if (volume.state !== 'ready' || nodeStream === null || from === null)
          return reject('NOT_NOW', `Volume ${name} is ${volume.state}.`, 'Move it when it is ready.');
        const pool = ask.input.pool ?? from;
        const spec = specOf(volume, ask.input);
        if (pool === from && isSameMake(spec, volume.context.spec)) return unchanged;
        const refused =
          beingCloned(volume, lab) ??
          refusePlace(volume, nodeStream, pool, spec, lab) ??
          refuseMake(ask.input, nodeStream, pool, lab);
        if (refused) return refused;
        const snapshots = lab.referrers(volume.stream, 'snapshot').length;
        return {
          drafts: [
            startOperation(ask, 'move-volume', volume.stream, name, namespace),
            draft(volume.stream, 'volume.move-requested', {
              pool,
              dataset: ask.id(1),
              spec,
              purgeAt: ask.now + keepForMs,
            }),
          ],
          changes: whatStays(volume, snapshots),
        };
      }),
  },

  'report-volume-copied': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, () =>
        drafts(draft(input.volume, 'volume.copied', {}), draining([input.volume], lab)),
      ),
  },

  'report-volume-moved': {
    scope: reported,
    decide: ({ input, id }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) =>
        drafts(
          draft(input.volume, 'volume.moved', { path: input.path }),
          leftover(volume, id(0), lab),
          goingOn([input.volume], lab),
        ),
      ),
  },

  'report-volume-move-failed': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) => drafts(abandonment(volume, input.problem, lab))),
  },
};

type Move = Commands['move-volume'];

/** A constraint on the pool follows: whoever says where it goes has said where it may be. */
function specOf({ context: { spec } }: ActorState<'volume'>, { pool, recordSizeBytes, compression }: Move): VolumeSpec {
  const isBound = spec.constraints?.pool !== undefined && pool !== undefined;
  return {
    ...spec,
    ...(recordSizeBytes === undefined ? {} : { recordSizeBytes }),
    ...(compression === undefined ? {} : { compression }),
    ...(isBound ? { constraints: { ...spec.constraints, pool } } : {}),
  };
}

const isSameMake = (a: VolumeSpec, b: VolumeSpec): boolean =>
  a.recordSizeBytes === b.recordSizeBytes && a.compression === b.compression;

function refusePlace(
  { context: { metadata } }: ActorState<'volume'>,
  place: StreamId<'node'>,
  poolName: string,
  spec: VolumeSpec,
  lab: LabView,
): ReturnType<typeof reject> | undefined {
  const node = lab.get(place);
  const pool = node?.context.facts.pools.find(({ name }) => name === poolName);
  if (!node || !pool) {
    const there = node?.context.facts.pools.map(({ name }) => name).join(', ') || 'none';
    return reject(
      'NOT_FOUND',
      `Node ${node?.context.metadata.name ?? place} has no pool ${poolName}.`,
      `A volume moves within its node, which has: ${there}.`,
    );
  }
  const why = placeRefusal({ constraints: spec.constraints }, node, pool);
  if (why !== undefined)
    return reject('NO_NODE_FITS', `Volume ${metadata.name} may not be there: ${why}.`, 'Change its constraints first.');
  return refuseNew(`volume ${metadata.name}`, promisedTo(spec), { node: place, pool: poolName }, lab);
}

/** Everything would be copied for what that pool does not know. Nothing is said of one whose node has not told. */
function refuseMake(
  { recordSizeBytes, compression }: Move,
  place: StreamId<'node'>,
  poolName: string,
  lab: LabView,
): ReturnType<typeof reject> | undefined {
  const pool = lab.get(place)?.context.facts.pools.find(({ name }) => name === poolName);
  const why = pool && makeRefusal({ recordSizeBytes, compression }, pool);
  if (why === undefined) return undefined;
  return reject('UNSUPPORTED', `Pool ${poolName} ${why}.`, 'Choose another pool, or leave it out.');
}

/** Sentences for whoever looks at the plan: the history does not come along. */
function whatStays({ context: { adopted } }: ActorState<'volume'>, snapshots: number): readonly string[] {
  const first =
    snapshots === 0
      ? 'What it is now stays for a while as a deleted volume.'
      : `Its ${snapshots === 1 ? 'snapshot does' : `${snapshots} snapshots do`} not come along: ` +
        'with what it is now they stay for a while as a deleted volume.';
  const native = adopted === null ? [] : [`After that ${adopted} is given back as it is.`];
  return [first, ...native, 'Its app runs on while it is copied, and stands still for what changed meanwhile.'];
}

/** What it was until now is kept as another volume, deleted, with all snapshots. */
function leftover(volume: ActorState<'volume'>, id: string, lab: LabView): readonly AnyDraft[] {
  const { move, node, pool, dataset, path, spec, adopted, metadata, lineages } = volume.context;
  if (!move || node === null || pool === null || dataset === null || path === null) return [];
  const stream = streamOf('volume', id);
  const { namespace } = metadata;
  const name = freeNameLike(metadata.name, '-moved', namespace, lab);
  return [
    draft(stream, 'volume.created', {
      metadata: newMetadata(id, name, namespace, metadata.labels),
      spec,
      ...(adopted === null ? {} : { adopts: adopted }),
      ...(lineages.length === 1 ? {} : { lineages: [...lineages] }),
    }),
    draft(stream, 'volume.placed', { node, pool }),
    draft(stream, 'volume.provisioned', { dataset, path }),
    draft(stream, 'volume.discarded', { name, purgeAt: move.purgeAt }),
    ...lab
      .referrers(volume.stream, 'snapshot')
      .map((snapshot) => draft(snapshot.stream, 'snapshot.left-behind', { volume: stream })),
  ];
}

/**
 * The volume is what it was; what was copied becomes a volume that is being deleted.
 * @param left `nothing` where what was copied is gone already
 */
export function abandonment(
  volume: ActorState<'volume'>,
  problem: Problem,
  lab: LabView,
  left: 'copy' | 'nothing' = 'copy',
): readonly AnyDraft[] {
  const { move, node, metadata } = volume.context;
  if (!move || node === null) return [];
  const name = freeNameLike(metadata.name, '-unfinished', metadata.namespace, lab);
  // Named like its dataset, as a volume is whose dataset nobody has named.
  const { dataset: id } = move;
  const stream = streamOf('volume', id);
  return [
    draft(volume.stream, 'volume.move-abandoned', { problem }),
    ...(left === 'nothing'
      ? []
      : [
          draft(stream, 'volume.created', { metadata: newMetadata(id, name, metadata.namespace), spec: move.spec }),
          draft(stream, 'volume.placed', { node, pool: move.pool }),
          draft(stream, 'volume.deletion-requested', {}),
        ]),
    ...lab
      .referrers(volume.stream, 'operation')
      .filter(({ state, context }) => state === 'running' && context.command === 'move-volume')
      .map((operation) => draft(operation.stream, 'operation.failed', { problem })),
    ...goingOn([volume.stream], lab),
  ];
}
