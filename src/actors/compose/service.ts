/** One service: which keys it may have, and what each becomes. */
import type { Mount, ServiceSpec } from '#events/app.ts';
import { commandAt } from './command.ts';
import { deployAt, type Deploy } from './container/deploy.ts';
import { containerKeys, containerSettingsAt } from './container/settings.ts';
import { takenFilesAt, type DeclaredFiles } from './declared-files.ts';
import { dependsOnAt, type PlacedDependency } from './depends-on.ts';
import { environmentAt, type Environments } from './environment.ts';
import { healthcheckAt, isDisabled } from './healthcheck.ts';
import { imageAt } from './image.ts';
import { formAt } from './container/lists.ts';
import { keysAt, type Keys } from './keys.ts';
import { labelFilesAt, labelsAt } from './labels.ts';
import { linksAt, type Link } from './links.ts';
import { quoted } from './locate.ts';
import type { BundleService } from './model.ts';
import type { ContainerSettings } from '#events/values/container-settings.ts';
import { mountsAt, noMounts, type ReadMounts } from './mounts.ts';
import { volumesFromAt, type VolumesFrom } from './volumes-from.ts';
import type { DeclaredVolume } from './volumes.ts';
import { mac } from './networks/address.ts';
import { defaultNetwork, takenNetworksAt, type TakenNetworks } from './networks/taken.ts';
import { portsAt, type PlacedPort } from './ports.ts';
import { profilesAt } from './profiles.ts';
import type { Place, Reading } from './reading.ts';
import { restartAt } from './restart.ts';
import { unreadServiceKeys } from './service-keys.ts';
import { nearest } from './suggest.ts';
import { type KeyedPlace, isEmpty, optional, stringAt, written } from './values.ts';

export interface ReadService {
  readonly name: string;
  /** Where its name stands. */
  readonly place: Pick<Place, 'path' | 'at'>;
  /** It is there only with one of them; none: always. */
  readonly profiles: readonly string[];
  readonly mounts: readonly Mount[];
  readonly ports: readonly PlacedPort[];
  readonly dependencies: readonly PlacedDependency[];
  readonly links: readonly Link[];
  readonly volumesFrom: readonly VolumesFrom[];
  readonly restart: ServiceSpec['restart'];
  readonly platform: string | undefined;
  readonly bundle: BundleService;
  /** A check that is switched off can never be passed. */
  readonly health: 'checked' | 'disabled' | 'unknown';
}

/** What a service may refer to. */
export interface Surroundings {
  readonly services: ReadonlySet<string>;
  readonly volumes: ReadonlyMap<string, DeclaredVolume>;
  readonly environments: Environments;
  readonly files: DeclaredFiles;
  /** Their keys. */
  readonly networks: ReadonlySet<string>;
}

export const serviceKeys = {
  of: 'services',
  read: [
    'image',
    'extends',
    'command',
    'entrypoint',
    'environment',
    'env_file',
    'ports',
    'volumes',
    'restart',
    'healthcheck',
    'depends_on',
    'labels',
    'label_file',
    'configs',
    'secrets',
    'profiles',
    'deploy',
    'networks',
    'mac_address',
    'links',
    'platform',
    'volumes_from',
    ...containerKeys,
  ],
  mayBeEmpty: ['command', 'entrypoint', 'deploy', 'develop'],
  unread: unreadServiceKeys,
  extensions: true,
} as const;

/** @returns undefined when it cannot run at all; other findings leave what could be read */
export function serviceAt(reading: Reading, place: KeyedPlace, around: Surroundings): ReadService | undefined {
  const keys = keysAt(reading, place, serviceKeys);
  if (!keys) return undefined;
  const read = <T>(key: (typeof serviceKeys.read)[number], reader: (at: Place) => T, otherwise: T): T => {
    const at = keys.get(key);
    return at ? reader(at) : otherwise;
  };
  const image = read('image', (at) => imageAt(reading, at), undefined);
  // What could not be extended was told, and may have one.
  if (!keys.has('image') && !keys.has('extends')) missingImage(reading, place, around.services);
  const command = read('command', (at) => commandAt(reading, at), undefined);
  const entrypoint = read('entrypoint', (at) => commandAt(reading, at), undefined);
  const healthcheck = read('healthcheck', (at) => healthcheckAt(reading, at), undefined);
  const environment = environmentAt(reading, keys.get('environment'), keys.get('env_file'), around.environments);
  noteEmptyCommand(reading, keys.get('command'), command, entrypoint);
  const mounted = read('volumes', (at) => mountsAt(reading, at, around.volumes, place.key), noMounts);
  const mounts = [...mounted.mounts];
  for (const kind of ['configs', 'secrets'] as const) {
    const at = keys.get(kind);
    if (at) addMounts(reading, at, mounts, takenFilesAt(reading, at, kind, around.files[kind]));
  }
  const labels = {
    ...read('label_file', (at) => labelFilesAt(reading, at), {}),
    ...read('labels', (at) => labelsAt(reading, at), {}),
  };
  const deploy = read<Deploy>('deploy', (at) => deployAt(reading, at), { settings: {} });
  const settings = withTmpfs(containerSettingsAt(reading, keys, deploy.settings), mounted.tmpfs);
  const links = read('links', (at) => linksAt(reading, at, place.key, around.services), []);
  const volumesFrom = read('volumes_from', (at) => volumesFromAt(reading, at, place.key, around.services), []);
  const networks = networksOf(reading, keys, around.networks);
  return {
    name: place.key,
    place: { path: place.path, at: place.keyAt },
    profiles: read('profiles', (at) => profilesAt(reading, at), []),
    mounts,
    ports: read('ports', (at) => portsAt(reading, at), []),
    dependencies: withLinks(
      read('depends_on', (at) => dependsOnAt(reading, at, place.key, around.services), []),
      [
        ...links,
        ...volumesFrom,
        ...networkOwner(reading, keys.get('network_mode'), settings?.network, place.key, around.services),
      ],
    ),
    links,
    volumesFrom,
    platform: read('platform', (at) => platformAt(reading, at), undefined),
    restart: deploy.restart ?? read('restart', (at) => restartAt(reading, at), { condition: 'no' }),
    health: healthcheck === undefined ? 'unknown' : isDisabled(healthcheck) ? 'disabled' : 'checked',
    bundle: {
      image: image ?? '',
      ...(command === undefined ? {} : { command }),
      ...(entrypoint === undefined ? {} : { entrypoint }),
      environment,
      labels,
      ...(healthcheck === undefined ? {} : { healthcheck }),
      ...(settings === undefined ? {} : { settings }),
      ...(networks === undefined ? {} : { networks }),
    },
  };
}

/** Folders in memory stand in `volumes`, too. */
const withTmpfs = (
  settings: ContainerSettings | undefined,
  tmpfs: ReadMounts['tmpfs'],
): ContainerSettings | undefined =>
  Object.keys(tmpfs).length === 0 ? settings : { ...settings, tmpfs: { ...settings?.tmpfs, ...tmpfs } };

/** `linux/arm64`; the system may be left out, as in Docker. */
function platformAt(reading: Reading, place: Place): string | undefined {
  const text = stringAt(reading, place, 'a platform');
  if (text === undefined) return undefined;
  const platform = (text.includes('/') ? text : `linux/${text}`).toLowerCase().replace('linux/arm64/v8', 'linux/arm64');
  if (/^linux\/[a-z0-9]{2,16}(?:\/v[0-9]{1,2})?$/.test(platform)) return platform;
  return reading.report(
    place,
    `${written(place)} is no platform that a node can be.`,
    'Write for example linux/amd64 or linux/arm64, or leave it out.',
  );
}

/** The service whose network this one shares: it comes first. */
function networkOwner(
  reading: Reading,
  place: Place | undefined,
  network: ContainerSettings['network'],
  own: string,
  services: ReadonlySet<string>,
): readonly Pick<Link, 'service' | 'place'>[] {
  const service = network?.startsWith('service:') ? network.slice('service:'.length) : undefined;
  if (!place || service === undefined) return [];
  if (services.has(service) && service !== own) return [{ service, place }];
  reading.report(
    place,
    service === own ? 'A service cannot share its own network.' : `${written(place)} is no service of this file.`,
    () => {
      const meant = nearest(
        service,
        [...services].filter((name) => name !== own),
      );
      return meant === undefined ? 'Name another service of this file.' : `Did you mean service:${meant}?`;
    },
  );
  return [];
}

/** Whoever links to a service, or shares its network, comes after it. */
function withLinks(
  dependencies: readonly PlacedDependency[],
  links: readonly Pick<Link, 'service' | 'place'>[],
): readonly PlacedDependency[] {
  const all = [...dependencies];
  for (const { service, place } of links)
    if (!all.some(({ dependency }) => dependency.service === service))
      all.push({ dependency: { service, condition: 'service_started', required: true }, place });
  return all;
}

/** The address of the service itself is that in the first of its networks. */
function networksOf(
  reading: Reading,
  keys: Keys<(typeof serviceKeys.read)[number]>,
  declared: ReadonlySet<string>,
): TakenNetworks | undefined {
  const [at, mode, macAt] = [keys.get('networks'), keys.get('network_mode'), keys.get('mac_address')];
  const excluded = at && !isEmpty(at) ? at : macAt;
  if (mode && excluded)
    reading.report(
      { path: excluded.path, at: excluded.keyAt },
      'With `network_mode` the service is in no network of the app.',
      'Remove one of the two.',
    );
  const taken = optional(at, (place) => takenNetworksAt(reading, place, declared));
  const address = optional(macAt, (place) => formAt(reading, place, mac));
  if (address === undefined) return taken;
  const [[first, endpoint] = [defaultNetwork, {}] as const, ...others] = Object.entries(taken ?? {});
  return Object.fromEntries([[first, { mac: address, ...endpoint }], ...others]);
}

function addMounts(reading: Reading, place: Place, mounts: Mount[], more: readonly Mount[]): void {
  for (const mount of more) {
    if (mounts.some(({ target }) => target === mount.target))
      reading.report(place, `Two of them are at ${mount.target} of the container.`, 'Give each its own `target`.');
    else mounts.push(mount);
  }
}

function noteEmptyCommand(
  reading: Reading,
  place: Place | undefined,
  command: readonly string[] | undefined,
  entrypoint: readonly string[] | undefined,
): void {
  if (!place || command?.length !== 0 || (entrypoint?.length ?? 0) > 0) return;
  reading.note(
    place,
    'An empty `command` changes nothing here: without an `entrypoint` Docker runs the command of the image.',
    'Write the command that is to run, or an `entrypoint`.',
  );
}

function missingImage(reading: Reading, place: KeyedPlace, services: ReadonlySet<string>): void {
  if (place.node.kind === 'map' && place.node.entries.has('build')) return;
  reading.report({ path: place.path, at: place.keyAt }, 'This service has no `image`.', () => {
    // An override names a service of the files before it: a slip there is a service of its own.
    const others = [...services].filter((name) => name !== place.key);
    const meant = reading.sourceAt(place.keyAt) === reading.main ? undefined : nearest(place.key, others);
    return meant === undefined ? 'Add for example image: nginx:1.27.' : `Did you mean ${quoted(meant)}?`;
  });
}
