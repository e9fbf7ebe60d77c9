/**
 * Moving a volume to another node: a replica there takes its place.
 *
 *   ready       snapshots are pushed to the replica while the app runs, until little is left (policies/handover.ts)
 *   draining    the app stops
 *   demoting    the volume's node makes it read-only, and takes the last snapshot
 *   sending     the replica gets that
 *   sealing     the replica's node refuses from now on whatever is of an older epoch, and says what it has
 *   promoting   decided: the replica becomes the volume. No way back
 *   ready       node, pool and dataset are others, by one event; what the volume was is a replica of it
 *
 * At most one of the two datasets can be written at any time: the old one is a replica before the last snapshot is
 * taken, and the new one becomes a volume only after the decision. The epochs of both are the indices of the events that
 * began these steps, so that a node which knows an old lab only is refused by the dataset itself. Until the decision
 * everything can be taken back (`taking-back`): what the volume was holds everything that was ever acknowledged.
 *
 * The volumes of an app go together (`together.ts`): they begin at once, each waits as `sealed` until all are, and one
 * command decides for all of them. Until then all are taken back when one is.
 */
import { streamOf, type AnyDraft, type StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands, Decisions } from '../commands.ts';
import { draft, drafts, newMetadata, startOperation, unchanged, withNamed, withVisit } from '../drafting.ts';
import { isMember, withMember } from '../node/known.ts';
import { reject } from '../rejection.ts';
import { freeReplicaName } from '../replica/request.ts';
import { newestOf, pointOf } from '../replica/known.ts';
import { freeName } from '../snapshot/request.ts';
import { transfersOf } from '../transfer/under-way.ts';
import { clonesUnderWay } from './actor.ts';
import { refuseAlone, refuseOtherwise, refuseTarget, targetOf } from './handover-target.ts';
import { isOnLine, presentOf } from './lineage.ts';
import { companionsOf } from './together.ts';
import { handoverStates, isWithReplica } from './volume.ts';
import { draining, goingOn } from './pausing.ts';
import { govern, reported, write } from './scopes.ts';

type Volume = ActorState<'volume'>;

type Handovers =
  | 'cancel-move'
  | 'begin-handover'
  | 'seal-handover'
  | 'decide-handover'
  | 'abandon-handover'
  | 'report-volume-demoted'
  | 'report-volume-sealed'
  | 'report-volume-handed-over'
  | 'report-volume-handover-failed'
  | 'report-volume-taken-back';

/** Who has the work: the node that the volume is on, or that of the replica which takes its place. */
const reportedFromBoth = ({ volume }: { volume: `volume:${string}` }, lab: LabView) => {
  const known = lab.get(volume);
  const isThere = isWithReplica(known?.state);
  const node = isThere ? known?.context.handover?.node : known?.context.node;
  return { verb: 'report', kind: 'volume', node: node ?? 'node:' } as const;
};

const canceled: Problem = { code: 'CANCELED', message: 'The move was canceled.' };

export const handoverDecisions: Decisions<Handovers> = {
  'cancel-move': {
    scope: write,
    decide: ({ input }, lab) => withNamed(lab, 'volume', input, (volume) => cancelHandover(volume, lab)),
  },

  'begin-handover': {
    scope: govern,
    decide: ({ input, now }, lab) => {
      const volume = lab.get(input.volume);
      const all = volume ? companionsOf(volume, lab) : [];
      if (all.length === 0 || !all.every((one) => mayBegin(one, lab))) return unchanged;
      const streams = all.map(({ stream }) => stream);
      return drafts(
        streams.map((stream) => draft(stream, 'volume.handover-began', { final: freeName(now, [stream], lab) })),
        draining(streams, lab),
      );
    },
  },

  'seal-handover': {
    scope: govern,
    decide: ({ input }, lab) => {
      const volume = lab.get(input.volume);
      if (volume?.state !== 'sending' || !hasFinal(volume, lab)) return unchanged;
      const { replica } = volume.context.handover ?? {};
      return drafts(
        draft(volume.stream, 'volume.handover-sent', {}),
        replica ? draft(replica, 'replica.takeover-began', {}) : [],
      );
    },
  },

  'decide-handover': {
    scope: govern,
    decide: ({ input }, lab) => {
      const volume = lab.get(input.volume);
      const all = volume ? companionsOf(volume, lab) : [];
      if (all.length === 0 || !all.every(({ state }) => state === 'sealed')) return unchanged;
      return drafts(all.map(({ stream }) => draft(stream, 'volume.promotion-decided', {})));
    },
  },

  'abandon-handover': {
    scope: govern,
    decide: ({ input }, lab) => {
      const volume = lab.get(input.volume);
      if (!volume || volume.context.handover === null || volume.state === 'taking-back') return unchanged;
      // Nobody knows how far it is there, unless there is nothing any more.
      if (volume.state === 'promoting' && replicaOf(volume, lab)) return unchanged;
      return drafts(abandonedTogether(volume, input.problem, lab));
    },
  },

  'report-volume-demoted': {
    scope: reportedFromBoth,
    decide: ({ input, id }, lab) =>
      withVisit(lab, input.volume, input.visit, ({ context: { metadata, lineages } }) => {
        const snapshot = streamOf('snapshot', id(0));
        const { name, ...fact } = input.final;
        return drafts(
          draft(snapshot, 'snapshot.requested', {
            metadata: newMetadata(id(0), name, metadata.namespace),
            volume: input.volume,
            reason: 'replica',
            note: 'the last one before a move',
            ...(presentOf(lineages) === 1 ? {} : { lineage: presentOf(lineages) }),
          }),
          draft(snapshot, 'snapshot.taken', fact),
          draft(input.volume, 'volume.demoted', { snapshot }),
        );
      }),
  },

  'report-volume-sealed': {
    scope: reportedFromBoth,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) => {
        const isWhole = input.newest !== null && input.newest === finalOf(volume, lab)?.guid;
        const message = 'The replica does not hold the last snapshot of the volume any more.';
        if (!isWhole) return drafts(abandonedTogether(volume, { code: 'DIVERGED', message }, lab));
        const decides = companionsOf(volume, lab).length === 1;
        return drafts(
          decides
            ? draft(input.volume, 'volume.promotion-decided', {})
            : draft(input.volume, 'volume.handover-sealed', {}),
        );
      }),
  },

  'report-volume-handed-over': { scope: reportedFromBoth, decide: handedOver },

  'report-volume-handover-failed': {
    scope: reportedFromBoth,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, (volume) =>
        volume.state === 'promoting' ? unchanged : drafts(abandonedTogether(volume, input.problem, lab)),
      ),
  },

  'report-volume-taken-back': {
    scope: reported,
    decide: ({ input }, lab) =>
      withVisit(lab, input.volume, input.visit, () =>
        drafts(draft(input.volume, 'volume.taken-back', { path: input.path }), goingOn([input.volume], lab)),
      ),
  },
};

/** The volume stays where it is, and so do those that go with it. */
export function cancelHandover(volume: Volume, lab: LabView): Decision {
  const { handover, metadata } = volume.context;
  if (handover === null || volume.state === 'taking-back') return unchanged;
  if (volume.state !== 'promoting') return drafts(abandonedTogether(volume, canceled, lab));
  return reject(
    'NOT_NOW',
    `Volume ${metadata.name} is being made the volume on ${nameOf(handover.node, lab)}: there is no way back.`,
    'Wait until it is ready, and move it back.',
  );
}

/** Of `move-volume` with another node. */
export function requestHandover(
  ask: Ask<Commands['move-volume']>,
  volume: Volume,
  named: string,
  lab: LabView,
): Decision {
  return withMember(lab, named, (node): Decision => {
    const { name, namespace, replica: keepsReplica } = ask.input;
    const { handover } = volume.context;
    if (handover?.node === node.stream) return unchanged;
    if (volume.state !== 'ready' || handover !== null) {
      const doing = handover === null ? volume.state : `being moved to ${nameOf(handover.node, lab)}`;
      return reject('NOT_NOW', `Volume ${name} is ${doing}.`, 'Move it when it is ready.');
    }
    const refused = refuseOtherwise(ask.input, volume) ?? refuseTarget(volume, node) ?? refuseAlone(volume, node, lab);
    if (refused) return refused;
    const target = targetOf(ask, volume, node, lab, { pool: ask.input.pool });
    if ('rejected' in target) return target;
    const { replica, pool, drafts: made } = target;
    return {
      drafts: [
        startOperation(ask, 'move-volume', volume.stream, name, namespace),
        ...made,
        draft(volume.stream, 'volume.handover-requested', { replica, node: node.stream, pool, keepsReplica }),
      ],
      changes: whatHappens(volume, node, keepsReplica, made.length > 0, lab),
    };
  });
}

/**
 * The volume stays where it is, and its app goes on: at once, or as soon as its node has made it a volume again. Whoever
 * waits for the move hears so.
 */
export const abandonedHandover = (volume: Volume, problem: Problem, lab: LabView): readonly AnyDraft[] => [
  ...stays(volume, problem, lab),
  ...(handoverStates.includes(volume.state) ? [] : goingOn([volume.stream], lab)),
];

/** So do those that go with it: as long as nothing is decided, all are taken back when one is. */
function abandonedTogether(volume: Volume, problem: Problem, lab: LabView): readonly AnyDraft[] {
  const { stream, context } = volume;
  const isUndecided = (one: Volume) => one.state !== 'taking-back' && one.state !== 'promoting';
  const all = companionsOf(volume, lab).filter((one) => one.stream === stream || isUndecided(one));
  const atOnce = all.filter(({ state }) => !handoverStates.includes(state));
  return [
    ...all.flatMap((one) => stays(one, problem, lab)),
    ...(context.app === null ? [] : failedMoves(context.app, 'move-app', problem, lab)),
    ...goingOn(
      atOnce.map((one) => one.stream),
      lab,
    ),
  ];
}

function stays(volume: Volume, problem: Problem, lab: LabView): readonly AnyDraft[] {
  const { stream, context } = volume;
  const { replica } = context.handover ?? {};
  if (!replica) return [];
  return [
    draft(stream, 'volume.handover-abandoned', { problem }),
    ...(lab.get(replica)?.state === 'taking-over' ? [draft(replica, 'replica.takeover-ended', {})] : []),
    ...failedMoves(stream, 'move-volume', problem, lab),
  ];
}

const failedMoves = (of: StreamId, name: string, problem: Problem, lab: LabView): readonly AnyDraft[] =>
  lab
    .referrers(of, 'operation')
    .filter(({ state, context: { command } }) => state === 'running' && command === name)
    .map((operation) => draft(operation.stream, 'operation.failed', { problem }));

const mayBegin = (volume: Volume, lab: LabView): boolean =>
  volume.state === 'ready' && isPushed(volume, lab) && whyNotYet(volume, lab) === undefined;

/** Why nothing else is done to it meanwhile. */
export const handoverUnderWay = ({ context: { metadata } }: Volume): ReturnType<typeof reject> =>
  reject(
    'NOT_NOW',
    `Volume ${metadata.name} is being moved to another node.`,
    `Wait until it is there, or give the move up: floatlab volume move ${metadata.name} --cancel.`,
  );

/** That what one of them was is gone: everything is with the replica that takes its place. */
export function refuseDecided(volumes: readonly Volume[], lab: LabView): ReturnType<typeof reject> | undefined {
  const volume = volumes.find(({ state }) => state === 'promoting');
  if (!volume) return undefined;
  const to = nameOf(volume.context.handover?.node ?? null, lab);
  return reject(
    'NOT_NOW',
    `Volume ${volume.context.metadata.name} is being made the volume on ${to}, with everything that was written.`,
    `Wait until it is there. When ${to} is lost as well, remove that node first: the volume comes back here then.`,
  );
}

export const replicaOf = ({ context }: Volume, lab: LabView): ActorState<'replica'> | undefined =>
  context.handover ? lab.get(context.handover.replica) : undefined;

/** The snapshot that has everything; undefined before it is taken. */
const finalOf = ({ context }: Volume, lab: LabView) => {
  const snapshot = context.handover?.snapshot && lab.get(context.handover.snapshot);
  return snapshot ? pointOf(snapshot) : undefined;
};

/** Whether the replica holds everything that was ever written. */
export function hasFinal(volume: Volume, lab: LabView): boolean {
  const [replica, final] = [replicaOf(volume, lab), finalOf(volume, lab)];
  return final !== undefined && replica?.state === 'idle' && replica.context.cursor?.guid === final.guid;
}

/** A round that took no longer leaves so little that an app can stand still for it. */
const shortMs = 10_000;
/** After so many rounds it does not become less any more: it is written as fast as it is sent. */
const mostRounds = 4;

/** Whether the replica holds the newest snapshot, of a moment after the move was asked for, and little came since. */
export function isPushed(volume: Volume, lab: LabView): boolean {
  const { handover } = volume.context;
  const replica = replicaOf(volume, lab);
  const newest = newestOf(volume, lab);
  if (!handover || !newest || replica?.state !== 'idle') return false;
  if (replica.context.cursor?.guid !== newest.context.guid || newest.context.requestedAt < handover.requestedAt)
    return false;
  const rounds = replica.context.syncs.filter(({ requestedAt }) => requestedAt >= handover.requestedAt);
  return rounds.length >= mostRounds || (rounds.at(-1)?.tookMs ?? 0) <= shortMs;
}

/** What must come to its end before the app stops; undefined: nothing. */
export function whyNotYet({ stream }: Volume, lab: LabView): string | undefined {
  const taking = lab.referrers(stream, 'snapshot').find(({ state }) => state === 'taking');
  if (taking) return `snapshot ${taking.context.metadata.name} is being taken`;
  const clone = clonesUnderWay(stream, lab)[0];
  if (clone) return `it is being cloned to ${clone.context.metadata.name}`;
  return transfersOf(stream, lab).length > 0 ? 'its files are being read or written' : undefined;
}

function handedOver({ input, id }: Ask<Commands['report-volume-handed-over']>, lab: LabView): Decision {
  return withVisit(lab, input.volume, input.visit, (volume): Decision => {
    const { handover, node, pool, dataset, metadata } = volume.context;
    const replica = replicaOf(volume, lab);
    const final = finalOf(volume, lab);
    if (!handover || !replica || node === null || pool === null || dataset === null) return unchanged;
    const lacks = new Set(input.lacks);
    const left = lab
      .referrers(volume.stream, 'snapshot')
      .filter(({ state, context: { guid } }) => state === 'available' && guid !== null && lacks.has(guid));
    const former = lab.get(node);
    const stream = streamOf('replica', id(0));
    const name = freeReplicaName(metadata.name, former?.context.metadata.name ?? 'node', metadata.namespace, lab);
    const { manual, compressed } = replica.context;
    return drafts(
      draft(volume.stream, 'volume.handed-over', {
        ...{ node: handover.node, pool: handover.pool, dataset: replica.context.dataset, path: input.path },
      }),
      draft(replica.stream, 'replica.promoted', {}),
      left.map((snapshot) => draft(snapshot.stream, 'snapshot.removed', {})),
      former && isMember(former) && final
        ? [
            draft(stream, 'replica.requested', {
              metadata: newMetadata(id(0), name, metadata.namespace),
              ...{ volume: volume.stream, node, pool, dataset, manual, holds: final },
              ...(compressed === null ? {} : { compressed }),
            }),
            ...(handover.keepsReplica
              ? []
              : [
                  draft(stream, 'replica.removal-requested', {
                    because: 'its volume has moved, and no replica is wanted',
                  }),
                ]),
          ]
        : [],
      goingOn([volume.stream], lab),
    );
  });
}

/** Sentences for whoever looks at the plan. */
function whatHappens(
  volume: Volume,
  node: ActorState<'node'>,
  keepsReplica: boolean,
  isNew: boolean,
  lab: LabView,
): readonly string[] {
  const { app, node: from } = volume.context;
  const { name } = node.context.metadata;
  const named = app === null ? undefined : lab.get(app)?.context.metadata.name;
  const left = leftLines(volume, lab);
  return [
    ...(left.length > 0
      ? [`Snapshots on lines that were left by going back do not come along, and are removed: ${left.join(', ')}.`]
      : []),
    isNew
      ? `Everything is sent to ${name} first${named === undefined ? '' : `, while app ${named} runs`}.`
      : `What its replica on ${name} does not have is sent first. Snapshots that this replica never had do not come along, and are removed.`,
    ...(named === undefined
      ? []
      : [`Then app ${named} stands still for what is written meanwhile, and goes on on ${name}.`]),
    'Nothing that was written is lost: the last snapshot is taken when nobody can write any more, and the replica has it before it takes the place.',
    keepsReplica
      ? `What is on ${nameOf(from, lab)} now becomes the replica.`
      : `What is on ${nameOf(from, lab)} now is removed after that.`,
  ];
}

/** Names of its snapshots that no stream of what it is now can carry. */
const leftLines = ({ stream, context: { lineages } }: Volume, lab: LabView): readonly string[] =>
  lab
    .referrers(stream, 'snapshot')
    .filter(({ state, context }) => state === 'available' && !isOnLine(context, lineages))
    .map(({ context }) => context.metadata.name)
    .toSorted();

const nameOf = (node: `node:${string}` | null, lab: LabView): string =>
  (node === null ? undefined : lab.get(node)?.context.metadata.name) ?? 'its node';
