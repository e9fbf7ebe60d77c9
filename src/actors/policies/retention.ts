/** Snapshots that the volume's retention does not keep go, each with the reason. Only what a schedule took is pruned. */
import type { StreamId } from '#events/envelope.ts';
import { parseKeep } from '#events/values/keep.ts';
import type { ActorState } from '../actor.ts';
import { decideRetention } from '../retention/decide.ts';
import type { Policy } from './policy.ts';

/** Scheduled snapshots that failed stay to be seen, but not for ever. */
const keptFailures = 3;

export const retentionPolicy: Policy = {
  name: 'retention',
  subjects: ['volume'],

  wakes: ({ event, after }) => {
    if (event.type === 'snapshot.taken' || event.type === 'snapshot.failed')
      return [(after as ActorState<'snapshot'>).context.volume];
    return event.type === 'volume.spec-changed' ? [event.stream] : [];
  },

  propose: (subject, lab, _, now) => {
    const volume = lab.get(subject as StreamId<'volume'>);
    const keep = volume?.context.spec.keep;
    const rules = keep === undefined ? 'none' : parseKeep(keep);
    if (!volume || typeof rules === 'string') return [];
    const available = lab.referrers(volume.stream, 'snapshot').filter(({ state }) => state === 'available');
    const verdicts = decideRetention(
      rules,
      available.map(({ stream, context }) => ({
        id: stream,
        takenAt: context.takenAt ?? context.requestedAt,
        ...(context.reason === 'schedule' ? {} : { protected: context.reason }),
      })),
      now,
    );
    const failed = lab
      .referrers(volume.stream, 'snapshot')
      .filter(({ state, context }) => state === 'failed' && context.reason === 'schedule')
      .toSorted((a, b) => b.context.requestedAt - a.context.requestedAt)
      .slice(keptFailures)
      .map(({ stream }) => ({ id: stream, reason: 'it failed, and later ones did too' }));
    const dropped = [...verdicts.filter((verdict) => !verdict.keep), ...failed].slice(0, 1000);
    if (dropped.length === 0) return [];
    return [
      {
        name: 'prune-snapshots',
        input: {
          volume: volume.stream,
          snapshots: dropped.map(({ id, reason }) => ({
            snapshot: id as StreamId<'snapshot'>,
            because: reason.slice(0, 500),
          })),
        },
        because: { keep, of: available.length, kept: available.length - dropped.length },
      },
    ];
  },
};
