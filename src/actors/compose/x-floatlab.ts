/**
 * `x-floatlab`: what compose has no words for. At the top of the file: how the app is shown, and how large its volumes
 * are, when they are snapshotted and how long snapshots are kept; on one volume: what differs there.
 */
import type { AppSpec } from '#events/app.ts';
import { formatSize, maxVolumeBytes, minVolumeBytes, parseSize } from '#events/values/size.ts';
import { backupAt } from './backing-up.ts';
import { appExtension, keysOf, volumeExtension } from './extension-keys.ts';
import { keysAt } from './keys.ts';
import { placementAt } from './placement.ts';
import { constraintsAt, growToAt } from './placing.ts';
import type { Place, Reading } from './reading.ts';
import { replicasAt } from './replicating.ts';
import { hooksAt, keepAt, snapshotAt } from './snapshotting.ts';
import { optional, textAt, written } from './values.ts';

type VolumeSpec = AppSpec['volumes'][string];
export type VolumeSettings = Partial<Omit<VolumeSpec, 'snapshotOnChange' | 'replicas' | 'backup'>> & {
  /** False: not although the top of the file says so. */
  readonly snapshotOnChange?: VolumeSpec['snapshotOnChange'] | false;
  readonly replicas?: VolumeSpec['replicas'] | false;
  readonly backup?: VolumeSpec['backup'] | false;
  /** Where that is said, for what can be judged only with the size. */
  readonly growToAt?: Place;
};
export interface AppExtension extends Pick<AppSpec, 'title' | 'icon' | 'url' | 'placement'> {
  readonly volumes: VolumeSettings;
}

export const volumeExtensionKeys = {
  of: 'x-floatlab of a volume',
  read: keysOf(volumeExtension),
} as const;
export const appExtensionKeys = {
  of: 'x-floatlab',
  read: keysOf(appExtension),
} as const;

/** @param services of the file; undefined: nobody asks whether a hook has one */
export function appExtensionAt(reading: Reading, place: Place, services?: ReadonlySet<string>): AppExtension {
  const keys = keysAt(reading, place, appExtensionKeys);
  if (!keys) return { volumes: {} };
  const title = optional(keys.get('name'), (at) => titleAt(reading, at));
  const icon = optional(keys.get('icon'), (at) => urlAt(reading, at));
  const url = optional(keys.get('url'), (at) => urlAt(reading, at));
  const placement = optional(keys.get('placement'), (at) => placementAt(reading, at));
  return {
    ...(title === undefined ? {} : { title }),
    ...(icon === undefined ? {} : { icon }),
    ...(url === undefined ? {} : { url }),
    ...(placement === undefined || Object.keys(placement).length === 0 ? {} : { placement }),
    volumes: volumeSettings(reading, keys, services),
  };
}

export function volumeExtensionAt(reading: Reading, place: Place, services: ReadonlySet<string>): VolumeSettings {
  const keys = keysAt(reading, place, volumeExtensionKeys);
  return keys ? volumeSettings(reading, keys, services) : {};
}

/** @param keys the keys of either map */
function volumeSettings(
  reading: Reading,
  keys: ReadonlyMap<string, Place>,
  services: ReadonlySet<string> | undefined,
): VolumeSettings {
  const sizeBytes = optional(keys.get('size'), (at) => sizeAt(reading, at));
  const { schedule, onChange } = optional(keys.get('snapshot'), (at) => snapshotAt(reading, at)) ?? {};
  const keep = optional(keys.get('keep'), (at) => keepAt(reading, at));
  const growToBytes = optional(keys.get('grow-to'), (at) => growToAt(reading, at));
  const constraints = constraintsAt(reading, keys);
  const hooks = optional(keys.get('hooks'), (at) => hooksAt(reading, at, services));
  const replicas = replicasAt(reading, keys);
  const backup = optional(keys.get('backup'), (at) => backupAt(reading, at));
  return {
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(onChange === undefined ? {} : { snapshotOnChange: onChange }),
    ...(keep === undefined ? {} : { keep }),
    ...(hooks === undefined ? {} : { hooks }),
    ...(growToBytes === undefined ? {} : { growToBytes, growToAt: keys.get('grow-to') as Place }),
    ...(constraints === undefined ? {} : { constraints }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(backup === undefined ? {} : { backup }),
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
