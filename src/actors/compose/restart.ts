/** `restart`: when Docker starts a container again. YAML of old reads a bare `no` as false: both are accepted. */
import type { ServiceSpec } from '#events/app.ts';
import type { Place, Reading } from './reading.ts';
import { isEmpty, textAt, written } from './values.ts';

type Restart = ServiceSpec['restart'];

export function restartAt(reading: Reading, place: Place): Restart {
  const never: Restart = { condition: 'no' };
  if (isEmpty(place)) return never;
  const text = place.node.kind === 'scalar' && place.node.value === false ? 'no' : textAt(reading, place);
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
