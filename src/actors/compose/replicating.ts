/**
 * `replicas`, `replicate` and `max-data-loss` of `x-floatlab`: how many copies of a volume other nodes keep, when those
 * follow, and how much of what was written last may be lost with them.
 */
import { mostReplicas, type VolumeReplicas } from '#events/values/replication.ts';
import { checkCron } from '../schedule/next.ts';
import type { Place, Reading } from './reading.ts';
import { isPlain } from './snapshotting.ts';
import { durationAt, numberAt, textAt, written } from './values.ts';

const leastLossMs = 1000;

/** @param keys of `x-floatlab`, at the top or of a volume @returns undefined when nothing is said, or 0 are wanted */
export function replicasAt(reading: Reading, keys: ReadonlyMap<string, Place>): VolumeReplicas | false | undefined {
  const [countAt, whenAt, lossAt] = [keys.get('replicas'), keys.get('replicate'), keys.get('max-data-loss')];
  const count = countAt ? numberAt(reading, countAt, 0, mostReplicas) : (whenAt ?? lossAt) && 1;
  const on = whenAt ? onAt(reading, whenAt) : ('change' as const);
  if (count === undefined || on === undefined) return undefined;
  const maxDataLossMs = lossAt && durationAt(reading, lossAt, leastLossMs);
  return count === 0 ? false : { count, on, ...(maxDataLossMs === undefined ? {} : { maxDataLossMs }) };
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
