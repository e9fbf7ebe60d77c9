/** Volumes that were deleted, and that nobody recovered in time, go for ever. */
import type { StreamId } from '#events/envelope.ts';
import { isHalfRolledBack } from '../volume/deletion.ts';
import type { Policy } from './policy.ts';

export const purgePolicy: Policy = {
  name: 'purge',
  subjects: ['volume'],
  wakes: ({ event }) => (event.type === 'volume.discarded' ? [event.stream] : []),
  dueAt: (subject, lab) => {
    const volume = lab.get(subject as StreamId<'volume'>);
    return volume && !isHalfRolledBack(volume) ? volume.context.discarded?.purgeAt : undefined;
  },
  propose: (subject, lab, _, now) => {
    const volume = lab.get(subject as StreamId<'volume'>);
    const discarded = volume?.context.discarded;
    if (volume?.state !== 'discarded' || !discarded || discarded.purgeAt > now) return [];
    if (isHalfRolledBack(volume)) return [];
    return [{ name: 'purge-volume', input: { volume: volume.stream }, because: { purgeAt: discarded.purgeAt } }];
  },
};
