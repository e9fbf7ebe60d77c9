/**
 * Data that is gone for good: what becomes of volumes whose pool a person has declared lost, and of what stood on them.
 *
 * A lost volume is `failed` and nowhere. It is seen, with an alert, until somebody deletes it or makes another one of its
 * name in its place (`vacated`). Which of them had ended by their pool's loss anyway, ended with it.
 */
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { counted } from '../counted.ts';
import { draft, newMetadata } from '../drafting.ts';
import { reject } from '../rejection.ts';
import { orphansOf, replicasLostWith } from '../replica/ending.ts';
import { membersTaking } from '../snapshot/sets.ts';
import { transfersGoneWith, transfersOf } from '../transfer/under-way.ts';
import { clonesUnderWay } from './actor.ts';
import { deletionOf, freeNameLike, inUse } from './deletion.ts';
import { isLost } from './volume.ts';
import { abandonment } from './moving.ts';

export interface Loss {
  readonly drafts: readonly AnyDraft[];
  /** Sentences for whoever looks at the plan. */
  readonly changes: readonly string[];
}

/** @param title of the pool: `atlas/tank` */
export function lossOfPool(pool: ActorState<'pool'>, title: string, lab: LabView): Loss {
  const { node, metadata } = pool.context;
  const there = lab.referrers(node, 'volume');
  const within = there.filter(({ context }) => context.pool === metadata.name);
  // On their way into it: they stay where they are.
  const arriving = there.filter(
    ({ context: { pool: from, move } }) => from !== metadata.name && move?.pool === metadata.name,
  );
  const gone = poolLost(title);
  const taken = new Set<string>();
  const halted = new Set<StreamId>();
  const bereft = appsOf(within, lab);
  const saved = within.flatMap((volume) => savedCopy(volume, metadata.name, lab, taken));
  return {
    drafts: [
      ...arriving.flatMap((volume) => abandonment(volume, gone, lab, 'nothing')),
      ...snapshotsLostWith(within, gone, lab),
      ...replicasLostWith(node, lab, metadata.name),
      ...clonesLostWith(within, gone, lab),
      ...within.flatMap((volume) => lossOf(volume, title, lab)),
      ...saved.flatMap(({ drafts }) => drafts),
      ...within.flatMap((volume) => haltedWithout(volume, lossWords(volume, title), halted, lab)),
      ...[...bereft.values()].flatMap(({ app, volume }) => bereave(app, lossWords(volume, title))),
    ],
    changes: [
      ...lostWords(within, lab),
      ...replicaWords(lab.referrers(node, 'replica').filter(({ context }) => context.pool === metadata.name)),
      ...saved.map(({ words }) => words),
      ...transferWords(within, lab),
      ...(bereft.size === 0
        ? []
        : [`Without their volumes apps would fail: ${namesOf([...bereft.values()].map(({ app }) => app))}.`]),
    ],
  };
}

/**
 * Makes a name free that a lost volume has: whoever wants a new volume of it has seen that the old one is gone.
 * @returns what ends it: nothing when the name is not that of a lost volume
 */
export function vacated(
  namespace: string,
  name: string,
  lab: LabView,
): { readonly drafts: readonly AnyDraft[] } | ReturnType<typeof reject> {
  const volume = lab.byName('volume', namespace, name);
  if (!volume || !isLost(volume.context)) return { drafts: [] };
  const app = volume.context.app && lab.get(volume.context.app)?.context.metadata.name;
  if (app !== undefined && app !== null) {
    return reject(
      'VOLUME_IN_USE',
      `Volume ${name} was lost, and app ${app} still names it.`,
      `Deploy the app again to begin with an empty one (floatlab up), or remove it first (floatlab down ${app}).`,
    );
  }
  return inUse(volume, lab) ?? { drafts: deletionOf(volume, lab) };
}

/** What each app has lost: one volume of it says so for all. */
export const appsOf = (volumes: readonly ActorState<'volume'>[], lab: LabView) =>
  new Map(
    volumes.flatMap((volume) =>
      lab.referrers(volume.stream, 'app').map((app) => [app.stream, { app, volume }] as const),
    ),
  );

/** An app that is stopped, or on its way out, learns of it when somebody starts it again. */
export const bereave = (app: ActorState<'app'>, problem: Problem): readonly AnyDraft[] =>
  ['starting', 'running', 'degraded', 'updating', 'paused'].includes(app.state)
    ? [draft(app.stream, 'app.failed', { problem })]
    : [];

/** What still runs on it is halted by its node. @param halted by what this entry says already */
function haltedWithout(
  { stream }: ActorState<'volume'>,
  problem: Problem,
  halted: Set<StreamId>,
  lab: LabView,
): readonly AnyDraft[] {
  return lab.referrers(stream, 'instance').flatMap((instance) => {
    const runs = instance.state === 'starting' || instance.state === 'running';
    if (!runs || halted.has(instance.stream)) return [];
    halted.add(instance.stream);
    return [draft(instance.stream, 'instance.failed', { problem })];
  });
}

export const namesOf = (actors: readonly ActorState[]): string =>
  actors
    .map(({ context }) => context.metadata.name)
    .toSorted()
    .join(', ');

const lossWords = (volume: ActorState<'volume'>, title: string): Problem => ({
  code: 'VOLUME_LOST',
  message: `Volume ${volume.context.metadata.name} was lost with pool ${title}.`,
  hint: lossHint(volume),
});

/** What ends it that a lost volume is shown. */
export const lossHint = ({ context: { metadata, app } }: ActorState<'volume'>): string =>
  app === null
    ? `Make it anew (floatlab volume create ${metadata.name} --size …) and import a backup, or let it go: floatlab volume rm ${metadata.name}.`
    : 'Deploy the app again to begin with an empty one (floatlab up), and import a backup.';

const poolLost = (title: string): Problem => ({
  code: 'POOL_LOST',
  message: `Pool ${title} is gone for good.`,
  hint: 'floatlab pool ls shows which there are.',
});

/** One that was on its way out is out; any other stays to be seen. */
function lossOf(volume: ActorState<'volume'>, title: string, lab: LabView): readonly AnyDraft[] {
  const { stream, context } = volume;
  const problem = lossWords(volume, title);
  const lost = [
    ...transfersGoneWith(stream, problem, lab),
    ...takeoverEnded(volume, lab),
    draft(stream, 'volume.lost', { problem }),
  ];
  if (!isEnding(volume)) return lost;
  const schedules = lab.referrers(stream, 'schedule');
  return [
    ...lost,
    ...orphansOf(stream, problem, lab),
    ...schedules.map((schedule) => draft(schedule.stream, 'schedule.removed', {})),
    draft(stream, context.adopted === null ? 'volume.deleted' : 'volume.released', {}),
  ];
}

/** The replica that was to take its place stays what it is. */
const takeoverEnded = ({ context: { handover } }: ActorState<'volume'>, lab: LabView): readonly AnyDraft[] =>
  handover && lab.get(handover.replica)?.state === 'taking-over'
    ? [draft(handover.replica, 'replica.takeover-ended', {})]
    : [];

/** Nobody waits for its data any more. */
const isEnding = ({ state, context: { failedIn } }: ActorState<'volume'>): boolean =>
  ['deleting', 'releasing', 'discarded'].includes(state) || failedIn === 'deleting' || failedIn === 'releasing';

/** A set of snapshots is whole or it failed: also what is being taken in other pools. */
function snapshotsLostWith(
  volumes: readonly ActorState<'volume'>[],
  problem: Problem,
  lab: LabView,
): readonly AnyDraft[] {
  const snapshots = volumes.flatMap(({ stream }) => lab.referrers(stream, 'snapshot'));
  const lost = new Set(snapshots.map(({ stream }) => stream));
  const taking = snapshots.filter(({ state }) => state === 'taking');
  const leads = new Set(taking.flatMap(({ context: { set } }) => (set === null ? [] : [set.lead])));
  const left = [...leads].flatMap((lead) => membersTaking(lead, lab).filter(({ stream }) => !lost.has(stream)));
  return [
    ...taking.flatMap(({ stream }) => failedOperations(stream, problem, lab)),
    ...left.map(({ stream }) => draft(stream, 'snapshot.failed', { problem })),
    ...snapshots.map(({ stream }) => draft(stream, 'snapshot.removed', {})),
  ];
}

/** They wait for a snapshot that will not be. */
function clonesLostWith(volumes: readonly ActorState<'volume'>[], problem: Problem, lab: LabView): readonly AnyDraft[] {
  const sources = volumes.flatMap(({ stream }) => [
    stream,
    ...lab.referrers(stream, 'snapshot').map((one) => one.stream),
  ]);
  const clones = sources
    .flatMap((source) => clonesUnderWay(source, lab))
    .flatMap(({ state, stream }) => (state === 'unplaced' ? [stream] : []));
  return [...new Set(clones)].flatMap((stream) => [
    ...failedOperations(stream, problem, lab),
    draft(stream, 'volume.deleted', {}),
  ]);
}

const failedOperations = (of: StreamId, problem: Problem, lab: LabView): readonly AnyDraft[] =>
  lab
    .referrers(of, 'operation')
    .filter(({ state }) => state === 'running')
    .map(({ stream }) => draft(stream, 'operation.failed', { problem }));

/** What a move had brought into another pool by then is all that is left: it becomes a volume of its own. */
function savedCopy(
  { state, context: { move, node, metadata } }: ActorState<'volume'>,
  pool: string,
  lab: LabView,
  taken: Set<string>,
): readonly { readonly drafts: readonly AnyDraft[]; readonly words: string }[] {
  if (!move || node === null || move.pool === pool) return [];
  const name = freeNameLike(metadata.name, '-copied', metadata.namespace, lab, taken);
  const stream = streamOf('volume', move.dataset);
  const much = state === 'copying' ? 'what had been copied' : 'nearly everything, which had been copied';
  return [
    {
      drafts: [
        draft(stream, 'volume.created', {
          metadata: newMetadata(move.dataset, name, metadata.namespace, metadata.labels),
          spec: move.spec,
        }),
        draft(stream, 'volume.placed', { node, pool: move.pool }),
      ],
      words: `Volume ${metadata.name} was on its way to pool ${move.pool}: ${much} by then, would stay as volume ${name}.`,
    },
  ];
}

function lostWords(volumes: readonly ActorState<'volume'>[], lab: LabView): readonly string[] {
  if (volumes.length === 0) return [];
  const snapshots = volumes.reduce((sum, { stream }) => sum + lab.referrers(stream, 'snapshot').length, 0);
  const with_ = snapshots === 0 ? '' : `, with ${counted(snapshots, 'snapshot')}`;
  return [`${counted(volumes.length, 'volume')} would be lost for ever${with_}: ${namesOf(volumes)}.`];
}

const replicaWords = (replicas: readonly ActorState<'replica'>[]): readonly string[] =>
  replicas.length === 0 ? [] : [`${counted(replicas.length, 'replica')} would be lost: ${namesOf(replicas)}.`];

function transferWords(volumes: readonly ActorState<'volume'>[], lab: LabView): readonly string[] {
  const doing = { restore: 'the restore to', export: 'the export of', import: 'the import into' } as const;
  const failing = volumes.flatMap(({ stream, context }) =>
    transfersOf(stream, lab).map((transfer) => `${doing[transfer.context.task.do]} ${context.metadata.name}`),
  );
  return failing.length === 0 ? [] : [`Files that are on their way would not arrive: ${failing.join(', ')}.`];
}
