/**
 * Snapshots that the volume's retention does not keep go, each with the reason. What a person asked for stays.
 *
 * They go in batches: of one volume only so many are being removed at a time, and what is left follows as these are
 * gone. Those that something else holds are tried again once a day, unless nobody wants them gone any more by then.
 */
import type { StreamId } from '#events/envelope.ts';
import { parseKeep } from '#events/values/keep.ts';
import type { ActorState, LabView } from '../actor.ts';
import { usedFor } from '../retention/used-for.ts';
import { verdictsOn } from '../retention/verdicts.ts';
import { triedAgainAt } from '../snapshot/held.ts';
import type { Policy, Proposal } from './policy.ts';

type Snapshot = ActorState<'snapshot'>;
interface Going {
  readonly snapshot: StreamId<'snapshot'>;
  readonly because: string;
}

/** Snapshots that the lab took by itself and that failed stay to be seen, but not for ever. */
const keptFailures = 3;
/** Of one volume at a time. The next batch begins when half of them are gone. */
const mostRemoving = 300;

export const retentionPolicy: Policy = {
  name: 'retention',
  subjects: ['volume'],

  wakes: ({ event, before, after }) => {
    switch (event.type) {
      case 'snapshot.taken':
      case 'snapshot.failed':
      case 'snapshot.removed':
      case 'snapshot.removal-refused': {
        const snapshot = (after ?? before) as Snapshot | undefined;
        return snapshot ? [snapshot.context.volume] : [];
      }
      case 'volume.spec-changed':
        return [event.stream];
      default:
        return [];
    }
  },

  dueAt: (subject, lab) => {
    const times = lab.referrers(subject, 'snapshot').flatMap((snapshot) => triedAgainAt(snapshot) ?? []);
    return times.length === 0 ? undefined : Math.min(...times);
  },

  propose: (subject, lab, _, now) => {
    const volume = lab.get(subject as StreamId<'volume'>);
    if (!volume) return [];
    const snapshots = lab.referrers(volume.stream, 'snapshot');
    const room = mostRemoving - snapshots.filter(({ state }) => state === 'removing').length;
    if (room < mostRemoving / 2) return [];
    const { keep } = volume.context.spec;
    const parsed = keep === undefined ? [] : parseKeep(keep);
    const rules = typeof parsed === 'string' ? [] : parsed;
    if (rules.length === 0 && snapshots.every(({ context }) => context.held === null)) return [];
    const facts = snapshots.map(({ stream, state, context: { reason, requestedAt, takenAt } }) => {
      return { id: stream, state, reason, requestedAt, takenAt };
    });
    const verdicts = verdictsOn(rules, facts, lab, now);
    const unkept = verdicts.filter((verdict) => !verdict.keep);
    const going: readonly Going[] = [
      ...unkept.map(({ id, reason }) => ({ snapshot: id, because: reason.slice(0, 500) })),
      ...(rules.length === 0 ? [] : failedBefore(snapshots, lab, now)),
    ];
    const withdrawn = withdrawnOf(snapshots, going, now);
    const because = { keep: keep ?? null, of: verdicts.length, kept: verdicts.length - unkept.length };
    const proposals: Proposal[] = [];
    if (going.length > 0) {
      const input = { volume: volume.stream, snapshots: going.slice(0, room) };
      proposals.push({ name: 'prune-snapshots', input, because });
    }
    if (withdrawn.length > 0)
      proposals.push({ name: 'withdraw-removals', input: { volume: volume.stream, snapshots: withdrawn }, because });
    return proposals;
  },
};

/** Of those that the lab took by itself and that failed, all but the newest few. */
const failedBefore = (snapshots: readonly Snapshot[], lab: LabView, now: number): readonly Going[] =>
  snapshots
    .filter(({ state, context }) => state === 'failed' && ['schedule', 'change'].includes(context.reason))
    .toSorted((a, b) => b.context.requestedAt - a.context.requestedAt)
    .slice(keptFailures)
    .filter(({ stream }) => usedFor(stream, lab, now) === undefined)
    .map(({ stream }) => ({ snapshot: stream, because: 'it failed, and later ones did too' }));

/** Those that were held, that it would be time to try again, and that nobody wants gone any more. */
function withdrawnOf(snapshots: readonly Snapshot[], going: readonly Going[], now: number): StreamId<'snapshot'>[] {
  const wanted = new Set(going.map(({ snapshot }) => snapshot));
  const due = snapshots.filter((one) => (triedAgainAt(one) ?? Infinity) <= now && !wanted.has(one.stream));
  return due.slice(0, 1000).map(({ stream }) => stream);
}
