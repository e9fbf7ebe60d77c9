/** `snapshot` and `hooks` of `x-floatlab`: when volumes are snapshotted, and which commands of the app run around that. */
import {
  defaultHookMs,
  defaultOnChange,
  hookLimitsMs,
  intervalLimitsMs,
  settleLimitsMs,
  type SnapshotHook,
  type SnapshotHooks,
  type SnapshotOnChange,
} from '#events/values/snapshotting.ts';
import { formatDuration, parseDuration } from '#events/values/duration.ts';
import { parseKeep } from '#events/values/keep.ts';
import { checkCron } from '../schedule/next.ts';
import { commandAt } from './command.ts';
import { hookExtension, hooksExtension, keysOf, onChangeExtension, snapshotExtension } from './extension-keys.ts';
import { keysAt } from './keys.ts';
import { quoted } from './locate.ts';
import type { Place, Reading } from './reading.ts';
import { nearest } from './suggest.ts';
import { booleanAt, isEmpty, itemsAt, textAt, written } from './values.ts';

export const snapshotKeys = { of: 'snapshot', read: keysOf(snapshotExtension) } as const;
export const onChangeKeys = { of: 'on-change', read: keysOf(onChangeExtension) } as const;
export const hooksKeys = { of: 'hooks', read: keysOf(hooksExtension) } as const;
export const hookKeys = { of: 'a hook', read: keysOf(hookExtension) } as const;

export interface SnapshotSettings {
  readonly schedule?: string;
  /** False: not although the top of the file says so. */
  readonly onChange?: SnapshotOnChange | false;
}

export function snapshotAt(reading: Reading, place: Place): SnapshotSettings {
  if (isEmpty(place)) return {};
  const keys = keysAt(reading, place, snapshotKeys);
  const scheduleAt = keys?.get('schedule');
  const onChange = keys?.get('on-change');
  const cron = scheduleAt && cronAt(reading, scheduleAt);
  const changes = onChange && onChangeAt(reading, onChange);
  return { ...(cron === undefined ? {} : { schedule: cron }), ...(changes === undefined ? {} : { onChange: changes }) };
}

export function cronAt(reading: Reading, at: Place): string | undefined {
  const text = textAt(reading, at, 'five fields such as "0 * * * *"');
  if (text === undefined) return undefined;
  const cron = text.trim().replace(/\s+/g, ' ');
  const wrong = checkCron(cron);
  if (wrong === undefined) return cron;
  return reading.report(
    at,
    isPlain(at, text) ? wrong : `${written(at)} is not a schedule.`,
    'Write for example "0 * * * *" for every hour, or "30 2 * * *" for every night.',
  );
}

export function keepAt(reading: Reading, place: Place): string | undefined {
  const text = textAt(reading, place, 'a policy such as "24h:1h 14d:1d"');
  if (text === undefined) return undefined;
  const keep = text.trim().replace(/\s+/g, ' ');
  const wrong = parseKeep(keep);
  if (keep.length <= 256 && typeof wrong !== 'string') return keep;
  return reading.report(
    place,
    typeof wrong === 'string' && isPlain(place, text)
      ? `\`keep\` cannot be read: ${wrong}.`
      : `${written(place)} is not a policy.`,
    'Write span:interval, span:all or last:n, separated by spaces: "24h:1h 14d:1d last:3".',
  );
}

/** What others say about a text may be repeated only when no variable stands in it. */
export const isPlain = ({ node }: Place, text: string): boolean => node.kind === 'scalar' && node.text === text;

function onChangeAt(reading: Reading, place: Place): SnapshotOnChange | false | undefined {
  if (place.node.kind !== 'map') {
    const isOn = booleanAt(reading, place);
    return isOn === undefined ? undefined : isOn && defaultOnChange;
  }
  const keys = keysAt(reading, place, onChangeKeys);
  const settleAt = keys?.get('settle');
  const everyAt = keys?.get('at-most-every');
  const settleMs = settleAt ? spanAt(reading, settleAt, settleLimitsMs) : defaultOnChange.settleMs;
  const minIntervalMs = everyAt ? spanAt(reading, everyAt, intervalLimitsMs) : defaultOnChange.minIntervalMs;
  return settleMs === undefined || minIntervalMs === undefined ? undefined : { settleMs, minIntervalMs };
}

/** @returns milliseconds */
function spanAt(reading: Reading, place: Place, limits: { readonly min: number; readonly max: number }) {
  const text = textAt(reading, place, 'a duration');
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= limits.min && ms <= limits.max) return Math.round(ms);
  return ms === undefined
    ? reading.report(place, `${written(place)} is not a duration.`, 'Write a number with its unit: 30s, 5m, 1h.')
    : reading.report(
        place,
        `${written(place)} is out of range.`,
        `Choose from ${formatDuration(limits.min)} to ${formatDuration(limits.max)}.`,
      );
}

/** @param services of the file; undefined: nobody asks */
export function hooksAt(
  reading: Reading,
  place: Place,
  services: ReadonlySet<string> | undefined,
): SnapshotHooks | undefined {
  const keys = keysAt(reading, place, hooksKeys);
  if (!keys) return undefined;
  const beforeAt = keys.get('before');
  const afterAt = keys.get('after');
  const failureAt = keys.get('on-failure');
  if (!beforeAt && !afterAt)
    return reading.report(place, '`hooks` names no command.', 'Write before: {service: db, command: [...]}.');
  const before = beforeAt && hookAt(reading, beforeAt, services);
  const after = afterAt && hookAt(reading, afterAt, services);
  const onFailure = failureAt ? onFailureAt(reading, failureAt) : 'skip';
  if ((beforeAt && !before) || (afterAt && !after) || onFailure === undefined) return undefined;
  return { ...(before ? { before } : {}), ...(after ? { after } : {}), onFailure };
}

function onFailureAt(reading: Reading, place: Place): SnapshotHooks['onFailure'] | undefined {
  const text = textAt(reading, place, 'skip or take-anyway');
  if (text === undefined || text === 'skip' || text === 'take-anyway') return text;
  return reading.report(
    place,
    `${written(place)} is not what can be done when a hook fails.`,
    'Write skip (no snapshot is taken) or take-anyway.',
  );
}

function hookAt(reading: Reading, place: Place, services: ReadonlySet<string> | undefined): SnapshotHook | undefined {
  const keys = keysAt(reading, place, hookKeys);
  if (!keys) return undefined;
  const serviceAt = keys.get('service');
  const commandPlace = keys.get('command');
  const timeoutAt = keys.get('timeout');
  if (!serviceAt || !commandPlace)
    return reading.report(
      place,
      `A hook needs a ${serviceAt ? 'command' : 'service'}.`,
      'Write {service: db, command: ["sh", "-c", "…"]}.',
    );
  const service = serviceOf(reading, serviceAt, services);
  const command = wordsAt(reading, commandPlace);
  const timeoutMs = timeoutAt ? spanAt(reading, timeoutAt, hookLimitsMs) : defaultHookMs;
  return service === undefined || command === undefined || timeoutMs === undefined
    ? undefined
    : { service, command: [...command], timeoutMs };
}

function serviceOf(reading: Reading, place: Place, services: ReadonlySet<string> | undefined): string | undefined {
  const service = textAt(reading, place, 'the name of a service');
  if (service === undefined || services === undefined || services.has(service)) return service;
  return reading.report(place, `There is no service ${written(place)} in this file.`, () => {
    const meant = nearest(service, [...services]);
    return meant === undefined ? `It has ${[...services].join(', ')}.` : `Did you mean ${quoted(meant)}?`;
  });
}

const mostWords = 64;
const longestWord = 4096;

/** It is kept in the history of the lab, which everybody reads: what a variable stands for has no place there. */
function wordsAt(reading: Reading, place: Place): readonly string[] | undefined {
  const command = commandAt(reading, place);
  if (command === undefined)
    return isEmpty(place) ? reading.report(place, 'This hook has no command.', 'Write ["sh", "-c", "…"].') : undefined;
  const parts = place.node.kind === 'list' ? (itemsAt(reading, place) ?? []) : [place];
  for (const part of parts) {
    if (part.node.kind !== 'scalar' || !part.node.text.includes('$')) continue;
    const text = textAt(reading, part);
    if (text === undefined || text === part.node.text.replaceAll('$$', '$')) continue;
    return reading.report(
      part,
      'A hook is kept in the history of the lab, where everybody reads it: it cannot have variables of the file.',
      'Use those of the container: ["sh", "-c", "… $$PASSWORD"].',
    );
  }
  if (command.length > 0 && command.length <= mostWords && command.every((word) => word.length <= longestWord))
    return command;
  return reading.report(
    place,
    command.length === 0 ? 'This hook has no command.' : 'This command is too long.',
    'Put it into a file of the container and name that.',
  );
}
