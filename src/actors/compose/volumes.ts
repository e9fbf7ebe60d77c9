/** The top-level `volumes`: what the app keeps. Each becomes a volume of the lab that moves with the app. */
import { checkComposeName } from './names.ts';
import { keysAt } from './keys.ts';
import { appFolderVolume } from './model.ts';
import type { Place, Reading } from './reading.ts';
import { booleanAt, entriesAt, isEmpty, textAt, type KeyedPlace } from './values.ts';
import { labelsAt } from './labels.ts';
import { volumeExtensionAt, type VolumeSettings } from './x-floatlab.ts';

export interface DeclaredVolume {
  readonly place: Pick<Place, 'path' | 'at'>;
  readonly settings: VolumeSettings;
}

const maxVolumes = 200;

/** Volumes with findings are in the result too: a mount of one is not a second finding. */
export function volumesAt(
  reading: Reading,
  place: Place,
  services: ReadonlySet<string>,
): ReadonlyMap<string, DeclaredVolume> {
  const volumes = new Map<string, DeclaredVolume>();
  if (isEmpty(place)) return volumes;
  for (const entry of entriesAt(reading, place) ?? []) {
    const at = { path: entry.path, at: entry.keyAt };
    checkVolumeName(reading, at, entry.key);
    volumes.set(entry.key, { place: at, settings: isEmpty(entry) ? {} : readVolume(reading, entry, services) });
  }
  if (volumes.size > maxVolumes)
    reading.report(place, `An app has at most ${maxVolumes} volumes.`, 'Use folders of fewer volumes.');
  return volumes;
}

function checkVolumeName(reading: Reading, at: Pick<Place, 'path' | 'at'>, name: string): void {
  if (!checkComposeName(reading, at, 'a volume', name)) return;
  if (name === appFolderVolume) {
    reading.report(at, `The volume \`${name}\` stands for the folder of the compose file.`, 'Choose another name.');
  }
}

export const volumeKeys = {
  of: 'a volume',
  read: ['labels', 'driver', 'x-floatlab', 'external'],
  mayBeEmpty: ['x-floatlab'],
  unread: {
    name: 'Remove it: FloatLab names a volume after its app.',
    driver_opts: 'Remove it: FloatLab makes the volume itself. Its size is `x-floatlab: {size: 5GiB}`.',
  },
  extensions: true,
} as const;

function readVolume(reading: Reading, entry: KeyedPlace, services: ReadonlySet<string>): VolumeSettings {
  const keys = keysAt(reading, entry, volumeKeys);
  const external = keys?.get('external');
  if (external && booleanAt(reading, external) === true) {
    reading.report(
      { path: external.path, at: external.keyAt },
      'FloatLab does not use volumes that were made elsewhere yet.',
      'Remove `external` to get a volume of this app, and copy the data into it.',
    );
  }
  const labels = keys?.get('labels');
  if (labels) {
    labelsAt(reading, labels);
    reading.note(labels, 'Labels of volumes change nothing.', 'Remove them.');
  }
  const driver = keys?.get('driver');
  if (driver && textAt(reading, driver) === 'local')
    reading.note(driver, 'The driver of a volume changes nothing.', 'Remove it.');
  else if (driver) {
    reading.report(
      driver,
      'FloatLab has no drivers for volumes.',
      'Remove it: a volume is made in the pool of a node.',
    );
  }
  const extension = keys?.get('x-floatlab');
  return extension ? volumeExtensionAt(reading, extension, services) : {};
}
