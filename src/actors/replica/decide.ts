/** What people ask of replicas, and what the policy of replication proposes. Reports of nodes are in `reports.ts`. */
import type { AnyDraft, StreamId } from '#events/envelope.ts';
import type { SyncReason } from '#events/replica.ts';
import type { ActorState, Ask, Decision, LabView } from '../actor.ts';
import type { Commands, Decisions } from '../commands.ts';
import { draft, drafts, startOperation, unchanged, withNamed } from '../drafting.ts';
import { withMember } from '../node/known.ts';
import { chooseReplica, type ReplicaChoice } from '../placement/replicas.ts';
import { reject } from '../rejection.ts';
import { requestSnapshot } from '../snapshot/request.ts';
import { recoverableMs } from '../volume/commands.ts';
import type { replicaCommands } from './commands.ts';
import { isOnPresentLine, newestOf, pointOf } from './known.ts';
import { reportDecisions } from './reports.ts';
import { requestedReplica } from './request.ts';

const write = ({ namespace }: { namespace: string }) => ({ verb: 'write', kind: 'replica', namespace }) as const;
const govern = () => ({ verb: 'govern', kind: 'replica' }) as const;

type Replica = ActorState<'replica'>;

export const replicaDecisions: Decisions<keyof typeof replicaCommands> = {
  ...reportDecisions,

  'create-replica': { scope: write, decide: createReplica },

  'sync-replica': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'replica', ask.input, (replica) => {
        if (replica.state === 'syncing') return unchanged;
        const begun = syncOf(replica, 'manual', lab);
        if ('rejected' in begun) return begun;
        if (begun.drafts.length === 0) return unchanged;
        return drafts(operationOf(ask, 'sync-replica', replica), begun.drafts);
      }),
  },

  'cancel-replica': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'replica', input, ({ stream, state }) =>
        state === 'syncing' ? drafts(draft(stream, 'replica.sync-cancelled', {})) : unchanged,
      ),
  },

  'pause-replica': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'replica', input, ({ stream, state }) => {
        if (state === 'paused') return unchanged;
        const needed = neededForMove(stream, lab);
        if (needed) return needed;
        if (['idle', 'syncing', 'failed'].includes(state)) return drafts(draft(stream, 'replica.paused', {}));
        return reject('NOT_NOW', `Replica ${input.name} is ${state}.`, 'There is nothing to pause.');
      }),
  },

  'resume-replica': {
    scope: write,
    decide: ({ input }, lab) =>
      withNamed(lab, 'replica', input, ({ stream, state }) =>
        state === 'paused' ? drafts(draft(stream, 'replica.resumed', {})) : unchanged,
      ),
  },

  'resync-replica': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'replica', ask.input, (replica) => {
        const { name, keep } = ask.input;
        if (replica.state !== 'idle' && replica.state !== 'failed')
          return reject(
            'NOT_NOW',
            `Replica ${name} is ${replica.state}.`,
            'Wait until it rests, or cancel what it does.',
          );
        const away = volumeAway(replica, lab) ?? neededForMove(replica.stream, lab);
        if (away) return away;
        return {
          drafts: [operationOf(ask, 'resync-replica', replica), separation(replica, keep, ask)],
          changes: [
            keep
              ? 'What it holds and its volume does not becomes a volume of its own, deleted, which can be recovered for a week.'
              : 'What it holds and its volume does not is destroyed.',
            'It begins anew from the newest snapshot that both have; without one everything is sent again.',
          ],
        };
      }),
  },

  'remove-replica': {
    scope: write,
    decide: (ask, lab) =>
      withNamed(lab, 'replica', ask.input, (replica) => {
        if (replica.state === 'removing') return unchanged;
        const needed = neededForMove(replica.stream, lab);
        if (needed) return needed;
        return drafts(
          operationOf(ask, 'remove-replica', replica),
          draft(replica.stream, 'replica.removal-requested', { because: 'asked for' }),
        );
      }),
  },

  'place-replica': {
    scope: govern,
    decide: (ask, lab) => {
      const { volume: stream, node, pool } = ask.input;
      const volume = lab.get(stream);
      if (!volume) return unchanged;
      const { place, candidates } = chooseReplica(volume, { node, pool }, lab);
      const refused = candidates.find((one) => one.node === node)?.refused ?? 'is not there';
      if (!place) return reject('NOT_NOW', `Node ${node} ${refused}.`);
      return drafts(requestedReplica(ask, volume, place, false, lab));
    },
  },

  'begin-sync': {
    scope: govern,
    decide: ({ input }, lab) => {
      const replica = lab.get(input.replica);
      if (replica?.state !== 'idle') return unchanged;
      const snapshot = lab.get(input.snapshot);
      const isOfIt = snapshot?.context.volume === replica.context.volume && snapshot.state === 'available';
      const begun = syncOf(replica, input.reason, lab, isOfIt ? snapshot : undefined);
      return 'rejected' in begun ? begun : drafts(begun.drafts);
    },
  },

  'follow-rollback': {
    scope: govern,
    decide: (ask, lab) => {
      const replica = lab.get(ask.input.replica);
      if (replica?.state !== 'idle' || isOnPresentLine(replica, lab)) return unchanged;
      return drafts(separation(replica, true, ask));
    },
  },

  'snapshot-for-replicas': {
    scope: govern,
    decide: ({ input, id, now }, lab) => {
      const volume = lab.get(input.volume);
      if (volume?.state !== 'ready') return unchanged;
      if (lab.referrers(volume.stream, 'snapshot').some(({ state }) => state === 'taking')) return unchanged;
      return drafts(requestSnapshot(volume, id(0), now, 'replica', lab));
    },
  },

  'note-replica-behind': {
    scope: govern,
    decide: ({ input }, lab) => {
      const replica = lab.get(input.replica);
      if (!replica || replica.context.behindSince !== null) return unchanged;
      return drafts(draft(replica.stream, 'replica.fell-behind', { since: input.since }));
    },
  },

  'note-replica-loss': {
    scope: govern,
    decide: ({ input: { replica: stream, lossMs, maxMs } }, lab) => {
      const replica = lab.get(stream);
      if (!replica || (replica.context.exposed === null) === (maxMs === null)) return unchanged;
      return drafts(
        maxMs === null
          ? draft(stream, 'replica.loss-recovered', {})
          : draft(stream, 'replica.loss-exceeded', { lossMs, maxMs }),
      );
    },
  },

  'drop-replica': {
    scope: govern,
    decide: ({ input }, lab) => {
      const replica = lab.get(input.replica);
      if (!replica || replica.state === 'removing' || replica.state === 'orphaned') return unchanged;
      if (neededForMove(replica.stream, lab)) return unchanged;
      return drafts(draft(replica.stream, 'replica.removal-requested', { because: input.because }));
    },
  },
};

function createReplica(ask: Ask<Commands['create-replica']>, lab: LabView): Decision {
  return withNamed(lab, 'volume', ask.input, (volume): Decision => {
    const { name, namespace, node: named, pool } = ask.input;
    if (volume.state === 'unplaced' || volume.context.node === null || volume.state === 'discarded')
      return reject('NOT_NOW', `Volume ${name} is ${volume.state}.`, 'A replica follows a volume that has its place.');
    const place = (node: StreamId<'node'> | undefined): Decision => {
      const choice = chooseReplica(volume, { node, pool }, lab);
      if (!choice.place)
        return reject(
          'NO_NODE_FITS',
          `No node can have a replica of volume ${name}: ${whyNone(choice, node)}.`,
          'Add a node with a pool of the same kind, or make room.',
        );
      const replica = requestedReplica(ask, volume, choice.place, true, lab);
      return drafts(startOperation(ask, 'create-replica', replica.stream, name, namespace), replica);
    };
    return named === undefined ? place(undefined) : withMember(lab, named, ({ stream }) => place(stream));
  });
}

/** Reasons, one for each node; of one that was named only its own. */
const whyNone = ({ candidates }: ReplicaChoice, only?: StreamId<'node'>): string =>
  candidates
    .filter(({ node }) => only === undefined || node === only)
    .map(({ name, refused }) => `${name} ${refused ?? 'fits'}`)
    .join('; ') || 'the lab has no other node';

const operationOf = (ask: Ask<{ readonly name: string; readonly namespace: string }>, command: string, of: Replica) =>
  startOperation(ask, command, of.stream, ask.input.name, ask.input.namespace);

/** Its volume is on its way to take its place. */
function neededForMove(replica: StreamId<'replica'>, lab: LabView): ReturnType<typeof reject> | undefined {
  const [volume] = lab.referrers(replica, 'volume');
  if (!volume) return undefined;
  const { name } = volume.context.metadata;
  return reject(
    'NOT_NOW',
    `Volume ${name} is being moved to where this replica is.`,
    `Wait until it is there, or give the move up: floatlab volume move ${name} --cancel.`,
  );
}

/** To the newest snapshot of its volume, or to the one that is named; nothing when it holds that. */
function syncOf(
  replica: Replica,
  reason: SyncReason,
  lab: LabView,
  named?: ActorState<'snapshot'>,
): { readonly drafts: readonly AnyDraft[] } | ReturnType<typeof reject> {
  const { name } = replica.context.metadata;
  if (replica.state !== 'idle' && replica.state !== 'failed') {
    const hint = replica.state === 'paused' ? `Let it go on: floatlab replica resume ${name}.` : 'Wait until it rests.';
    return reject('NOT_NOW', `Replica ${name} is ${replica.state}.`, hint);
  }
  const away = volumeAway(replica, lab);
  if (away) return away;
  const volume = lab.get(replica.context.volume);
  const newest = named ?? (volume && newestOf(volume, lab));
  const to = newest && pointOf(newest);
  if (!newest || !to)
    return reject(
      'NOT_NOW',
      `Volume ${volume?.context.metadata.name ?? ''} has no snapshot yet.`,
      'One is taken for its replicas as soon as it is ready.',
    );
  if (replica.context.cursor?.guid === to.guid && replica.state === 'idle') return { drafts: [] };
  const full = replica.context.cursor === null;
  return { drafts: [draft(replica.stream, 'replica.sync-requested', { snapshot: newest.stream, to, reason, full })] };
}

/** Undefined when there is a volume to follow. */
function volumeAway({ context }: Replica, lab: LabView): ReturnType<typeof reject> | undefined {
  const volume = lab.get(context.volume);
  if (volume && volume.context.node !== null && volume.context.epoch !== null) return undefined;
  return reject('NOT_NOW', `The volume of replica ${context.metadata.name} is nowhere: there is nothing to follow.`);
}

const separation = ({ stream }: Replica, keep: boolean, { id, now }: Ask<unknown>): AnyDraft =>
  draft(stream, 'replica.resync-requested', { keep, aside: id(1), purgeAt: now + recoverableMs });
