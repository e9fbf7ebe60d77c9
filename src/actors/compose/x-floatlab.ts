/**
 * `x-floatlab`: what compose has no words for. At the top of the file: how the app is shown, and how large its volumes
 * are, when they are snapshotted and how long snapshots are kept; on one volume: what differs there.
 */
import type { AppSpec } from '#events/app.ts';
import { parseKeep } from '#events/values/keep.ts';
import { formatSize, maxVolumeBytes, minVolumeBytes, parseSize } from '#events/values/size.ts';
import { checkCron } from '../schedule/next.ts';
import { keysAt } from './keys.ts';
import type { Place, Reading } from './reading.ts';
import { isEmpty, textAt, written } from './values.ts';

export type VolumeSettings = Partial<AppSpec['volumes'][string]>;
export interface AppExtension extends Pick<AppSpec, 'title' | 'icon' | 'url'> {
  readonly volumes: VolumeSettings;
}

export const volumeExtensionKeys = { of: 'x-floatlab of a volume', read: ['size', 'snapshot', 'keep'] } as const;
export const appExtensionKeys = {
  of: 'x-floatlab',
  read: ['name', 'icon', 'url', ...volumeExtensionKeys.read],
} as const;
export const snapshotKeys = { of: 'snapshot', read: ['schedule'] } as const;

export function appExtensionAt(reading: Reading, place: Place): AppExtension {
  const keys = keysAt(reading, place, appExtensionKeys);
  if (!keys) return { volumes: {} };
  const title = optional(keys.get('name'), (at) => titleAt(reading, at));
  const icon = optional(keys.get('icon'), (at) => urlAt(reading, at));
  const url = optional(keys.get('url'), (at) => urlAt(reading, at));
  return {
    ...(title === undefined ? {} : { title }),
    ...(icon === undefined ? {} : { icon }),
    ...(url === undefined ? {} : { url }),
    volumes: volumeSettings(reading, keys),
  };
}

export function volumeExtensionAt(reading: Reading, place: Place): VolumeSettings {
  const keys = keysAt(reading, place, volumeExtensionKeys);
  return keys ? volumeSettings(reading, keys) : {};
}

const optional = <T>(place: Place | undefined, read: (at: Place) => T | undefined): T | undefined =>
  place && read(place);

/** @param keys the keys of either map */
function volumeSettings(reading: Reading, keys: ReadonlyMap<string, Place>): VolumeSettings {
  const sizeBytes = optional(keys.get('size'), (at) => sizeAt(reading, at));
  const schedule = optional(keys.get('snapshot'), (at) => scheduleAt(reading, at));
  const keep = optional(keys.get('keep'), (at) => keepAt(reading, at));
  return {
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(keep === undefined ? {} : { keep }),
  };
}

function titleAt(reading: Reading, place: Place): string | undefined {
  const title = textAt(reading, place, 'a title')?.trim();
  if (title === undefined) return undefined;
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  if (title !== '' && title.length <= 100 && !/[\u0000-\u001f\u007f]/.test(title)) return title;
  return reading.report(place, 'This is not a title.', 'Write 1 to 100 characters on one line.');
}

/** Shown as a link in the browsers of others, and kept in the log: no other scheme, no password. */
function urlAt(reading: Reading, place: Place): string | undefined {
  const text = textAt(reading, place, 'a web address');
  if (text === undefined) return undefined;
  const url = text.length <= 2048 && URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:\/\//i.test(text) || /\s/.test(text)) {
    return reading.report(
      place,
      `${written(place)} is not a web address.`,
      'Write it with its scheme: https://photos.lab.',
    );
  }
  if (url.username === '' && url.password === '') return text;
  return reading.report(
    place,
    'This address holds a user or a password, and everybody would see it.',
    'Remove the part in front of the @.',
  );
}

function sizeAt(reading: Reading, place: Place): number | undefined {
  const text = textAt(reading, place, 'a size');
  if (text === undefined) return undefined;
  const bytes = parseSize(text);
  if (bytes === undefined)
    return reading.report(place, `${written(place)} is not a size.`, 'Write a number with its unit: 5GiB, 512MiB.');
  if (bytes >= minVolumeBytes && bytes <= maxVolumeBytes) return bytes;
  return reading.report(
    place,
    `${written(place)} is too ${bytes < minVolumeBytes ? 'small' : 'large'} for a volume.`,
    `Choose from ${formatSize(minVolumeBytes)} to ${formatSize(maxVolumeBytes)}.`,
  );
}

function scheduleAt(reading: Reading, place: Place): string | undefined {
  if (isEmpty(place)) return undefined;
  const keys = keysAt(reading, place, snapshotKeys);
  const at = keys?.get('schedule');
  const text = at && textAt(reading, at, 'five fields such as "0 * * * *"');
  if (!at || text === undefined) return undefined;
  const cron = text.trim().replace(/\s+/g, ' ');
  const wrong = checkCron(cron);
  if (wrong === undefined) return cron;
  return reading.report(
    at,
    isPlain(at, text) ? wrong : `${written(at)} is not a schedule.`,
    'Write for example "0 * * * *" for every hour, or "30 2 * * *" for every night.',
  );
}

/** What others say about a text may be repeated only when no variable stands in it. */
const isPlain = ({ node }: Place, text: string): boolean => node.kind === 'scalar' && node.text === text;

function keepAt(reading: Reading, place: Place): string | undefined {
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
