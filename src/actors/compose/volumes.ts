/** The top-level `volumes`: what the app keeps. Each becomes a volume of the lab that moves with the app. */
import type { AppSpec } from '#events/app.ts';
import { isName } from '#events/values/name.ts';
import { normalHostPath } from '#events/values/path.ts';
import { checkComposeName } from './names.ts';
import { keysAt, type Keys } from './keys.ts';
import { appFolderVolume } from './model.ts';
import type { Place, Reading } from './reading.ts';
import { booleanAt, entriesAt, isEmpty, optional, stringAt, textAt, type KeyedPlace } from './values.ts';
import { labelsAt } from './labels.ts';
import { volumeExtensionAt, type VolumeSettings } from './x-floatlab.ts';

export interface DeclaredVolume {
  readonly place: Pick<Place, 'path' | 'at'>;
  readonly settings: VolumeSettings;
  /** One that the lab has already. */
  readonly external?: NonNullable<AppSpec['volumes'][string]['external']>;
  /** A path of the node in disguise (`driver_opts` of a bind): it is mounted in place of a volume. */
  readonly host?: string;
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
    volumes.set(entry.key, {
      place: at,
      ...(isEmpty(entry) ? { settings: {} } : readVolume(reading, entry, services)),
    });
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
  read: ['labels', 'driver', 'driver_opts', 'name', 'x-floatlab', 'external'],
  mayBeEmpty: ['x-floatlab'],
  extensions: true,
} as const;

function readVolume(reading: Reading, entry: KeyedPlace, services: ReadonlySet<string>): Omit<DeclaredVolume, 'place'> {
  const keys = keysAt(reading, entry, volumeKeys);
  if (!keys) return { settings: {} };
  const external = keys.get('external');
  if (external && booleanAt(reading, external) === true) {
    const used = externalAt(reading, entry, keys);
    return { settings: {}, ...(used ? { external: used } : {}) };
  }
  const name = keys.get('name');
  if (name && stringAt(reading, name, 'a name') !== undefined)
    reading.note(name, 'FloatLab names a volume after its app: this name changes nothing.', 'Remove it.');
  const labels = keys.get('labels');
  if (labels) {
    labelsAt(reading, labels);
    reading.note(labels, 'Labels of volumes change nothing.', 'Remove them.');
  }
  const driver = keys.get('driver');
  if (driver && textAt(reading, driver) === 'local')
    reading.note(driver, 'The driver of a volume changes nothing.', 'Remove it.');
  else if (driver) {
    reading.report(
      driver,
      'FloatLab has no drivers for volumes.',
      'Remove it: a volume is made in the pool of a node.',
    );
  }
  const extension = keys.get('x-floatlab');
  const host = optional(keys.get('driver_opts'), (at) => bindInDisguise(reading, at));
  if (host !== undefined && extension) {
    reading.report(
      extension,
      'This volume is a folder of a node: FloatLab neither makes it nor takes snapshots of it.',
      'Remove `x-floatlab`, or remove `driver_opts` to get a volume of the lab.',
    );
  }
  return {
    settings: extension ? volumeExtensionAt(reading, extension, services) : {},
    ...(host === undefined ? {} : { host }),
  };
}

function externalAt(
  reading: Reading,
  entry: KeyedPlace,
  keys: Keys<(typeof volumeKeys.read)[number]>,
): DeclaredVolume['external'] {
  for (const [key, place] of keys) {
    if (key === 'external' || key === 'name') continue;
    reading.report(
      { path: place.path, at: place.keyAt },
      `\`${key}\` says how a volume is made, and this one is there already (external).`,
      'Remove one of the two.',
    );
  }
  const nameAt = keys.get('name');
  const text = nameAt ? stringAt(reading, nameAt, 'the name of a volume') : entry.key;
  if (text === undefined) return undefined;
  const [name = '', namespace, ...more] = text.split('/').toReversed();
  if (more.length === 0 && isName(name) && (namespace === undefined || isName(namespace)))
    return { ...(namespace === undefined ? {} : { namespace }), name };
  return reading.report(
    nameAt ?? { path: entry.path, at: entry.keyAt },
    'An external volume is one of the lab, and none can have this name.',
    'Write `name: NAME`, or `name: NAMESPACE/NAME` (floatlab volume ls shows them).',
  );
}

const optionKeys = { of: 'driver_opts', read: ['type', 'o', 'device'], extensions: true } as const;

/** `{type: none, o: bind, device: /srv/media}`: what people write who want a folder of the host under a name. */
function bindInDisguise(reading: Reading, place: Place): string | undefined {
  if (isEmpty(place) || (place.node.kind === 'map' && place.node.entries.size === 0)) return undefined;
  const keys = keysAt(reading, place, optionKeys);
  if (!keys) return undefined;
  const read = (key: (typeof optionKeys.read)[number]): string | undefined => {
    const at = keys.get(key);
    return at && textAt(reading, at);
  };
  const [type = 'none', options = '', device] = [read('type'), read('o'), read('device')];
  const isBind = options.split(',').some((option) => option === 'bind' || option === 'rbind');
  const host = device === undefined ? undefined : normalHostPath(device);
  if (isBind && ['none', 'bind', ''].includes(type) && host !== undefined) return host;
  if (/^(?:nfs|cifs|smb)/.test(type)) {
    return reading.report(
      place,
      'FloatLab mounts no shares of other machines: its nodes do.',
      'Mount it on each node (/etc/fstab), bind that path ("/mnt/media:/media:ro"), and name it under x-floatlab: {placement: {shares: [/mnt/media]}}.',
    );
  }
  if (type === 'tmpfs')
    return reading.report(place, 'A volume in memory keeps nothing.', 'Write `tmpfs: /path` in the service instead.');
  return reading.report(
    place,
    'FloatLab makes the volume itself, and knows no such options.',
    'Remove them: its size is `x-floatlab: {size: 5GiB}`. A folder of the node is {type: none, o: bind, device: /srv/media}.',
  );
}
