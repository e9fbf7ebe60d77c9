/**
 * Volumes on their way to another node: what the replica lacks is pushed to it, snapshot by snapshot, while the app runs;
 * then each step of the hand-over follows from the one before (`volume/handover.ts`).
 *
 * Volumes of one app go together: none begins, and none is decided on, before all are as far.
 *
 * What stands in the way is waited for while the app runs. Once it stands still a target that stays away, or a replica
 * that cannot go on, ends the move: the volume is taken back where it was.
 */
import type { Evidence, StreamId } from '#events/envelope.ts';
import type { Problem } from '#events/values/metadata.ts';
import type { ActorState, LabView } from '../actor.ts';
import { isAway } from '../node/known.ts';
import { isOnLine } from '../volume/lineage.ts';
import { hasFinal, isPushed, replicaOf, whyNotYet } from '../volume/handover.ts';
import { companionsOf } from '../volume/together.ts';
import type { Policy, Proposal } from './policy.ts';

type Volume = ActorState<'volume'>;
type Replica = ActorState<'replica'>;

/** So long an app stands still for a node that does not answer. */
const awayMs = 120_000;
/** One that has waited for the others for so long sends once more what came since: little shall be left. */
const freshMs = 5 * 60_000;
/** While an app stands still an attempt that failed is repeated sooner than else. */
const againMs = 10_000;
/** A snapshot that failed is asked for again after so long. */
const snapshotAgainMs = 60_000;

/** In which the app stands still, and there is a way back. */
const halfway: readonly string[] = ['draining', 'demoting', 'sending', 'sealing', 'sealed'];

export const handoverPolicy: Policy = {
  name: 'handover',
  subjects: ['volume'],

  wakes: ({ event, before, after }, lab) => {
    const actor = after ?? before;
    switch (actor?.kind) {
      case 'volume': {
        const { origin } = (actor as Volume).context;
        return togetherWith([(actor as Volume).stream, ...(origin ? [origin.volume] : [])], lab);
      }
      case 'replica':
        return togetherWith([(actor as Replica).context.volume], lab);
      case 'snapshot':
        return togetherWith([(actor as ActorState<'snapshot'>).context.volume], lab);
      case 'transfer':
        return togetherWith([(actor as ActorState<'transfer'>).context.volume], lab);
      case 'node': {
        const node = event.stream as StreamId<'node'>;
        const there = lab.referrers(node, 'replica').map(({ context }) => context.volume);
        const here = lab.referrers(node, 'volume').map(({ stream }) => stream);
        return [...new Set([...there, ...here])].filter((stream) => isOnItsWay(stream, lab));
      }
      default:
        return [];
    }
  },

  dueAt: (subject, lab) => {
    const volume = lab.get(subject as StreamId<'volume'>);
    const replica = volume && replicaOf(volume, lab);
    if (!volume || !replica) return undefined;
    const never = Number.POSITIVE_INFINITY;
    const at = Math.min(
      replica.state === 'idle' && isPushing(volume) && areUp(volume, replica, lab) ? retryAt(volume, replica) : never,
      failedSnapshotAt(volume, lab) ?? never,
      givenUpAt(volume, replica, lab) ?? never,
    );
    return at === never ? undefined : at;
  },

  propose: (subject, lab, _, now) => {
    const volume = lab.get(subject as StreamId<'volume'>);
    return volume?.context.handover ? next(volume, lab, now) : [];
  },
};

const isOnItsWay = (stream: StreamId<'volume'>, lab: LabView): boolean =>
  (lab.get(stream)?.context.handover ?? null) !== null;

/** Those of them that are on their way, and whoever goes with them. */
const togetherWith = (streams: readonly StreamId<'volume'>[], lab: LabView): readonly StreamId<'volume'>[] => {
  const volumes = streams.flatMap((stream) => lab.get(stream) ?? []);
  return [...new Set(volumes.flatMap((volume) => companionsOf(volume, lab).map(({ stream }) => stream)))];
};

const isPushing = ({ state }: Volume): boolean => state === 'ready' || state === 'sending';

function next(volume: Volume, lab: LabView, now: number): readonly Proposal[] {
  const replica = replicaOf(volume, lab);
  const ended = whyEnded(volume, replica, lab, now);
  if (ended)
    return [
      { name: 'abandon-handover', input: { volume: volume.stream, problem: ended }, because: { state: volume.state } },
    ];
  if (volume.state === 'sealed') return decided(volume, lab);
  if (!replica || !isPushing(volume)) return [];
  if (volume.state === 'sending' && hasFinal(volume, lab))
    return [
      {
        name: 'seal-handover',
        input: { volume: volume.stream },
        because: { holds: replica.context.cursor?.name ?? null },
      },
    ];
  if (volume.state === 'ready' && isPushed(volume, lab)) {
    const all = companionsOf(volume, lab);
    if (!all.every((one) => isPushed(one, lab)) || all.some((one) => whyNotYet(one, lab) !== undefined)) return [];
    const stale = all.length === 1 ? [] : all.filter((one) => !isFresh(one, lab, now));
    if (stale.length > 0) return stale.includes(volume) ? [snapshotFor(volume)] : [];
    const last = replica.context.syncs.at(-1);
    const because: Evidence = { rounds: replica.context.syncs.length, lastTookMs: last?.tookMs ?? null };
    return [{ name: 'begin-handover', input: { volume: volume.stream }, because }];
  }
  if (replica.state !== 'idle' || !areUp(volume, replica, lab) || retryAt(volume, replica) > now) return [];
  const snapshot = nextFor(replica, volume, lab);
  if (snapshot) {
    const because: Evidence = {
      rule: 'move',
      to: snapshot.context.metadata.name,
      from: replica.context.cursor?.name ?? null,
    };
    return [
      { name: 'begin-sync', input: { replica: replica.stream, snapshot: snapshot.stream, reason: 'manual' }, because },
    ];
  }
  if (volume.state !== 'ready' || (failedSnapshotAt(volume, lab) ?? 0) > now) return [];
  return [snapshotFor(volume)];
}

const snapshotFor = ({ stream }: Volume): Proposal => ({
  name: 'snapshot-for-replicas',
  input: { volume: stream },
  because: { rule: 'move' },
});

/** One of them asks for all. */
function decided(volume: Volume, lab: LabView): readonly Proposal[] {
  const all = companionsOf(volume, lab);
  if (all[0] !== undefined && all[0].stream !== volume.stream && all[0].state === 'sealed') return [];
  if (!all.every(({ state }) => state === 'sealed')) return [];
  return [{ name: 'decide-handover', input: { volume: volume.stream }, because: { volumes: all.length } }];
}

/** Whether what is there now was sent just before; where a round takes that long another one is of no use. */
function isFresh(volume: Volume, lab: LabView, now: number): boolean {
  const last = replicaOf(volume, lab)?.context.syncs.at(-1);
  return !last || last.tookMs >= freshMs || now - (last.requestedAt + last.tookMs) <= freshMs;
}

/** The oldest snapshot that it does not have: each of them stays a snapshot of the volume. */
function nextFor({ context: { cursor } }: Replica, volume: Volume, lab: LabView): ActorState<'snapshot'> | undefined {
  const all = lab
    .referrers(volume.stream, 'snapshot')
    .filter(({ state, context }) => state === 'available' && isOnLine(context, volume.context.lineages))
    .toSorted(
      (a, b) => a.context.requestedAt - b.context.requestedAt || (a.context.takenAt ?? 0) - (b.context.takenAt ?? 0),
    );
  const held = all.findIndex(({ context }) => context.guid === cursor?.guid);
  return cursor !== null && held < 0 ? all.at(-1) : all[held + 1];
}

const retryAt = ({ state }: Volume, { context }: Replica): number => {
  const at = context.retryAt ?? 0;
  return state === 'sending' ? Math.min(at, (context.requestedAt ?? 0) + againMs) : at;
};

const areUp = ({ context }: Volume, replica: Replica, lab: LabView): boolean =>
  [context.node, replica.context.node].every((node) => node !== null && lab.get(node)?.state === 'up');

/** When a snapshot may be asked for again; undefined: the last one did not fail. */
function failedSnapshotAt(volume: Volume, lab: LabView): number | undefined {
  if (volume.state !== 'ready') return undefined;
  const [newest] = lab
    .referrers(volume.stream, 'snapshot')
    .toSorted((a, b) => b.context.requestedAt - a.context.requestedAt);
  return newest?.state === 'failed' ? newest.context.requestedAt + snapshotAgainMs : undefined;
}

/** When the move ends although nobody said so, because the app stands still for a node that is away. */
function givenUpAt({ state }: Volume, replica: Replica, lab: LabView): number | undefined {
  const node = lab.get(replica.context.node);
  return halfway.includes(state) && node && isAway(node) ? node.since + awayMs : undefined;
}

function whyEnded(volume: Volume, replica: Replica | undefined, lab: LabView, now: number): Problem | undefined {
  if (volume.state === 'taking-back') return undefined;
  if (!replica || replica.state === 'removing' || replica.state === 'orphaned')
    return { code: 'NOT_FOUND', message: 'The replica that was to take its place is gone.' };
  if (volume.state === 'promoting') return undefined;
  const { problem, node } = replica.context;
  if (replica.state === 'failed' && problem) return problem;
  const at = givenUpAt(volume, replica, lab);
  if (at === undefined || at > now) return undefined;
  const name = lab.get(node)?.context.metadata.name ?? 'its new node';
  return { code: 'TIMED_OUT', message: `Node ${name} has not answered for two minutes, and the app stood still.` };
}
