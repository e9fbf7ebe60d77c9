/** `healthcheck`: how Docker finds out whether a container works. */
import { keysAt } from './keys.ts';
import type { BundleService } from './model.ts';
import type { Place, Reading } from './reading.ts';
import { booleanAt, durationAt, isEmpty, itemsAt, numberAt, stringAt } from './values.ts';

export type Healthcheck = NonNullable<BundleService['healthcheck']>;

export const isDisabled = (check: Healthcheck): boolean => check.test[0] === 'NONE';

export const healthcheckKeys = {
  of: 'a healthcheck',
  read: ['test', 'disable', 'interval', 'timeout', 'start_period', 'start_interval', 'retries'],
  mayBeEmpty: [],
  extensions: true,
} as const;

export function healthcheckAt(reading: Reading, place: Place): Healthcheck | undefined {
  if (isEmpty(place)) return undefined;
  const keys = keysAt(reading, place, healthcheckKeys);
  if (!keys) return undefined;
  const duration = (
    key: 'interval' | 'timeout' | 'start_period' | 'start_interval',
    minMs: number,
  ): number | undefined => {
    const at = keys.get(key);
    return at && !isEmpty(at) ? durationAt(reading, at, minMs) : undefined;
  };
  const intervalMs = duration('interval', 1);
  const timeoutMs = duration('timeout', 1);
  const startPeriodMs = duration('start_period', 0);
  const startIntervalMs = duration('start_interval', 1);
  const retriesAt = keys.get('retries');
  const retries = retriesAt && !isEmpty(retriesAt) ? numberAt(reading, retriesAt, 1, 1_000_000) : undefined;

  const disableAt = keys.get('disable');
  const disabled = disableAt ? booleanAt(reading, disableAt) : false;
  const testAt = keys.get('test');
  if (disabled) {
    if (testAt) reading.report(testAt, 'A healthcheck that is disabled has no test.', 'Remove `test` or `disable`.');
    return { test: ['NONE'] };
  }
  if (!testAt) {
    return reading.report(
      place,
      'This healthcheck has no `test`.',
      'Write for example test: curl -f http://localhost/.',
    );
  }
  const test = readTest(reading, testAt);
  if (!test) return undefined;
  return {
    test,
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(startPeriodMs === undefined ? {} : { startPeriodMs }),
    ...(startIntervalMs === undefined ? {} : { startIntervalMs }),
    ...(retries === undefined ? {} : { retries }),
  };
}

function readTest(reading: Reading, place: Place): readonly string[] | undefined {
  if (place.node.kind !== 'list') {
    const text = stringAt(reading, place, 'text or a list');
    if (text === undefined) return undefined;
    return text.trim() === '' ? empty(reading, place) : ['CMD-SHELL', text];
  }
  const words: string[] = [];
  for (const item of itemsAt(reading, place) ?? []) {
    const word = stringAt(reading, item);
    if (word === undefined) return undefined;
    words.push(word);
  }
  const [kind, ...rest] = words;
  if (kind === undefined) return empty(reading, place);
  if (kind === 'NONE' && rest.length === 0) return words;
  if ((kind === 'CMD' && rest.length > 0) || (kind === 'CMD-SHELL' && rest.length === 1)) return words;
  return reading.report(
    place,
    'The list of a test begins with what runs it.',
    'Write ["CMD", "program", "argument"], ["CMD-SHELL", "one line for a shell"] or ["NONE"].',
  );
}

const empty = (reading: Reading, place: Place): undefined =>
  reading.report(place, 'This test is empty.', 'Write a command, or disable: true.');
