/**
 * Replicas of volumes: as many as are wanted, where they may be, and each at the newest snapshot.
 *
 *   volume    too few: one more, in the best place · too many: one less, the one that is farthest behind
 *   replica   a newer snapshot, and it is due: sync · its volume went back: follow · too long behind: say so
 *
 * What a person has asked for by hand counts, and is never removed here.
 */
import { kindOf, type Evidence, type StreamId } from '#events/envelope.ts';
import type { ActorState, LabView } from '../actor.ts';
import { promisedTo } from '../placement/capacity.ts';
import { chooseReplica } from '../placement/replicas.ts';
import { behindAfterMs, behindFrom, dueOf, freshBy, type Due } from '../replica/due.ts';
import { isKept, isOnPresentLine, newestOf, replicasOf } from '../replica/known.ts';
import { busyBeside, mostAtOnce } from '../replica/waits.ts';
import type { Policy, Proposal } from './policy.ts';

type Volume = ActorState<'volume'>;
type Replica = ActorState<'replica'>;

/** A snapshot for replicas that failed is asked for again after so long. */
const snapshotAgainMs = 300_000;

export const replicationPolicy: Policy = {
  name: 'replication',
  subjects: ['volume', 'replica'],

  wakes: ({ event, before, after }, lab) => {
    const actor = after ?? before;
    switch (actor?.kind) {
      case 'replica': {
        const { volume, node } = (actor as Replica).context;
        // Whoever waits for its turn on that node may have it now.
        const waiting = before?.state === 'syncing' ? lab.referrers(node, 'replica').map(({ stream }) => stream) : [];
        return [...(after?.final ? [] : [event.stream]), volume, ...waiting];
      }
      case 'snapshot': {
        if (event.type !== 'snapshot.taken') return [];
        return replicasOf((actor as ActorState<'snapshot'>).context.volume, lab).map(({ stream }) => stream);
      }
      case 'volume': {
        const of = event.stream as StreamId<'volume'>;
        return [of, ...replicasOf(of, lab).map(({ stream }) => stream)];
      }
      case 'node': {
        if (event.type === 'node.went-down' || event.type === 'node.stopped') return [];
        const node = event.stream as StreamId<'node'>;
        const sent = lab.referrers(node, 'volume').flatMap(({ stream }) => replicasOf(stream, lab));
        return [...unserved(lab), ...[...lab.referrers(node, 'replica'), ...sent].map(({ stream }) => stream)];
      }
      default:
        return [];
    }
  },

  dueAt: (subject, lab) => {
    if (kindOf(subject) !== 'replica') return undefined;
    const replica = lab.get(subject as StreamId<'replica'>);
    const volume = replica && lab.get(replica.context.volume);
    if (!volume || volume.state === 'discarded') return undefined;
    const due = dueOf(replica, volume, lab);
    const late = lateAt(replica, volume, lab);
    const at = Math.min(due?.at ?? Number.POSITIVE_INFINITY, late ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(at) ? at : undefined;
  },

  propose: (subject, lab, _, now) => {
    if (kindOf(subject) === 'volume') {
      const volume = lab.get(subject as StreamId<'volume'>);
      return volume ? countRight(volume, lab) : [];
    }
    const replica = lab.get(subject as StreamId<'replica'>);
    const volume = replica && lab.get(replica.context.volume);
    return replica && volume ? bringUpToDate(replica, volume, lab, now) : [];
  },
};

/** Volumes that want more replicas than they have, the largest first: what is small finds room beside it. */
const unserved = (lab: LabView): readonly StreamId[] =>
  lab
    .list('volume')
    .filter((volume) => wantedOf(volume) > countedOf(volume, lab).length)
    .toSorted((a, b) => promisedTo(b.context.spec) - promisedTo(a.context.spec))
    .map(({ stream }) => stream);

const wantedOf = ({ context, state }: Volume): number =>
  state === 'discarded' || context.node === null ? 0 : (context.spec.replicas?.count ?? 0);

const countedOf = ({ stream }: Volume, lab: LabView): readonly Replica[] => replicasOf(stream, lab).filter(isKept);

function countRight(volume: Volume, lab: LabView): readonly Proposal[] {
  // Of one that is being made, or that nobody wants any more, nothing is decided; of one that is lost neither.
  if (['unplaced', 'creating', 'cloning', 'adopting', 'discarded'].includes(volume.state)) return [];
  if (volume.context.node === null || volume.context.handover !== null) return [];
  const wanted = wantedOf(volume);
  const replicas = countedOf(volume, lab);
  const because: Evidence = { wanted, have: replicas.length };
  if (replicas.length < wanted) {
    const choice = chooseReplica(volume, {}, lab);
    if (!choice.place) return [];
    const { candidates, strategy } = choice;
    const input = { volume: volume.stream, ...choice.place };
    return [{ name: 'place-replica', input, because: { ...because, strategy, candidates } }];
  }
  const surplus = replicas
    .filter(({ context }) => !context.manual)
    .toSorted((a, b) => (a.context.cursor?.takenAt ?? 0) - (b.context.cursor?.takenAt ?? 0))
    .slice(0, replicas.length - wanted);
  return surplus.map(({ stream }) => ({
    name: 'drop-replica' as const,
    input: { replica: stream, because: wanted === 0 ? 'no replicas are wanted' : 'there are more than are wanted' },
    because,
  }));
}

function bringUpToDate(replica: Replica, volume: Volume, lab: LabView, now: number): readonly Proposal[] {
  const late = lateAt(replica, volume, lab);
  const notes: readonly Proposal[] =
    late !== undefined && late <= now
      ? [
          {
            name: 'note-replica-behind',
            input: { replica: replica.stream, since: late - behindAfterMs(volume, lab) },
            because: { holds: replica.context.cursor?.name ?? null },
          },
        ]
      : [];
  return [...notes, ...syncs(replica, volume, lab, now)];
}

function syncs(replica: Replica, volume: Volume, lab: LabView, now: number): readonly Proposal[] {
  if (replica.state !== 'idle' || volume.context.node === null || volume.state === 'discarded') return [];
  // Of a volume on its way to another node the policy of that asks for what follows.
  if (volume.context.handover?.replica === replica.stream) return [];
  if (!isOnPresentLine(replica, lab)) {
    const because = { holds: replica.context.cursor?.name ?? null };
    return [{ name: 'follow-rollback', input: { replica: replica.stream }, because }];
  }
  const due = dueOf(replica, volume, lab);
  if (!due || due.at > now) return [];
  const newest = newestOf(volume, lab);
  if (!newest || !freshBy(newest, due)) return snapshotFor(volume, due, lab, now);
  if (newest.context.guid === replica.context.cursor?.guid) return [];
  if (busyBeside(replica, lab).length >= mostAtOnce) return [];
  const because: Evidence = {
    rule: due.rule,
    to: newest.context.metadata.name,
    from: replica.context.cursor?.name ?? null,
    failures: replica.context.failures,
  };
  const input = { replica: replica.stream, snapshot: newest.stream, reason: due.reason };
  return [{ name: 'begin-sync', input, because }];
}

function snapshotFor(volume: Volume, due: Due, lab: LabView, now: number): readonly Proposal[] {
  if (volume.state !== 'ready') return [];
  const isTooSoon = lab
    .referrers(volume.stream, 'snapshot')
    .some(
      ({ state, context: { reason, requestedAt } }) =>
        state === 'taking' || (state === 'failed' && reason === 'replica' && requestedAt > now - snapshotAgainMs),
    );
  if (isTooSoon) return [];
  return [{ name: 'snapshot-for-replicas', input: { volume: volume.stream }, because: { rule: due.rule } }];
}

/** When it is to be said that it is behind; undefined: it is not, or that was said. */
function lateAt(replica: Replica, volume: Volume, lab: LabView): number | undefined {
  if (replica.context.behindSince !== null || !['idle', 'syncing', 'failed'].includes(replica.state)) return undefined;
  const since = behindFrom(replica, volume, lab);
  return since === undefined ? undefined : since + behindAfterMs(volume, lab);
}
