/** `restart`: when Docker starts a container again. A bare `no` is text: YAML of old reads it as false. */
import type { ServiceSpec } from '#events/app.ts';
import type { Place, Reading } from './reading.ts';
import { isEmpty, textAt, written } from './values.ts';

type Restart = ServiceSpec['restart'];

export function restartAt(reading: Reading, place: Place): Restart {
  const never: Restart = { condition: 'no' };
  if (isEmpty(place)) return never;
  const text = textAt(reading, place, 'a restart policy');
  if (text === undefined) return never;
  if (text === 'no' || text === 'always' || text === 'unless-stopped' || text === 'on-failure') {
    return { condition: text };
  }
  const retries = /^on-failure:(\d{1,6})$/.exec(text);
  const maxRetries = Number(retries?.[1]);
  // For Docker 0 is no limit.
  if (retries) return maxRetries === 0 ? { condition: 'on-failure' } : { condition: 'on-failure', maxRetries };
  reading.report(
    place,
    `${written(place)} is not a restart policy.`,
    'Write "no", always, unless-stopped, on-failure or on-failure:3.',
  );
  return never;
}
