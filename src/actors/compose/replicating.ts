/** `replicas` and `replicate` of `x-floatlab`: how many copies of a volume other nodes keep, and when those follow. */
import { mostReplicas, type VolumeReplicas } from '#events/values/replication.ts';
import { checkCron } from '../schedule/next.ts';
import type { Place, Reading } from './reading.ts';
import { isPlain } from './snapshotting.ts';
import { numberAt, textAt, written } from './values.ts';

export const replicatingKeys = ['replicas', 'replicate'] as const;

/** @param keys of `x-floatlab`, at the top or of a volume @returns undefined when nothing is said, or 0 are wanted */
export function replicasAt(reading: Reading, keys: ReadonlyMap<string, Place>): VolumeReplicas | false | undefined {
  const [countAt, whenAt] = [keys.get('replicas'), keys.get('replicate')];
  const count = countAt ? numberAt(reading, countAt, 0, mostReplicas) : whenAt && 1;
  const on = whenAt ? onAt(reading, whenAt) : ('change' as const);
  if (count === undefined || on === undefined) return undefined;
  return count === 0 ? false : { count, on };
}

function onAt(reading: Reading, place: Place): VolumeReplicas['on'] | undefined {
  const text = textAt(reading, place, '`change`, or five fields such as "30 2 * * *"');
  if (text === undefined) return undefined;
  const cron = text.trim().replace(/\s+/g, ' ');
  if (cron === 'change') return 'change';
  const wrong = checkCron(cron);
  if (wrong === undefined) return { cron };
  return reading.report(
    place,
    isPlain(place, text) ? wrong : `${written(place)} is not a schedule.`,
    'Write `change`, or for example "30 2 * * *" for every night.',
  );
}
