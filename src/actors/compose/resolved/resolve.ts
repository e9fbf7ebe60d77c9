/**
 * What the lab understood of a compose file, as a compose file again: variables are written out, short forms are long,
 * what several files say is one, and what is left out stands there with what the lab takes for it. Reading it gives the
 * same app.
 *
 * Values of environment variables may be secrets, and so may the content of configs and secrets: they are hidden unless
 * somebody asks for them. Other values are shown, also where a variable of `.env` stood in them.
 */
import {
  isHostMount,
  isVolumeMount,
  type AppSpec,
  type Mount,
  type PublishedPort,
  type ServiceSpec,
  type VolumeMount,
} from '#events/app.ts';
import type { SnapshotHook } from '#events/values/snapshotting.ts';
import { decodeText } from '../decode.ts';
import type { Plain } from '../edit/value.ts';
import { appFolderVolume, type BundleService, type ComposeApp } from '../model.ts';
import { networkFields, takenNetworkFields } from './networks.ts';
import { settingsKeys } from './settings.ts';
import { durationText, sizeText } from './size-text.ts';

type Fields = Readonly<Record<string, Plain>>;
type VolumeSpec = AppSpec['volumes'][string];

export const hidden = '(hidden)';

/** Where the reader keeps what it writes for an app itself: files of `configs` and `secrets`. */
const madeFolder = '.compose/';

interface ResolveOptions {
  /** What the app is called when its file does not say. */
  readonly name?: string | undefined;
  readonly showSecrets: boolean;
}

/** @returns plain data in the order of a compose file */
export function resolvedFile(app: Omit<ComposeApp, 'notes'>, { name = app.name, showSecrets }: ResolveOptions): Fields {
  const { spec, bundle } = app;
  const shown = (text: string): string => (showSecrets ? text : hidden);
  const folder = spec.volumes[appFolderVolume];
  const services = Object.entries(spec.services).map(([key, service]) => {
    const bundled = bundle.services[key];
    return [key, serviceFields(service, bundled, shown)] as const;
  });
  const volumes = Object.entries(spec.volumes).filter(([key]) => key !== appFolderVolume);
  const made = bundle.files.filter(({ path }) => path.startsWith(madeFolder));
  const extension = { ...topFields(spec), ...(folder ? volumeFields(folder, undefined) : {}) };
  return escaped({
    ...(name === undefined ? {} : { name }),
    services: Object.fromEntries(services),
    ...(bundle.networks
      ? { networks: Object.fromEntries(Object.entries(bundle.networks).map(([key, one]) => [key, networkFields(one)])) }
      : {}),
    ...(volumes.length === 0
      ? {}
      : {
          volumes: Object.fromEntries(
            volumes.map(([key, volume]) => [
              key,
              volume.external ? externalFields(volume.external) : { 'x-floatlab': volumeFields(volume, folder) },
            ]),
          ),
        }),
    ...(made.length === 0
      ? {}
      : {
          configs: Object.fromEntries(
            made.map(({ path, content }) => [madeName(path), { content: shown(decodeText(content) ?? '') }]),
          ),
        }),
    ...(Object.keys(extension).length === 0 ? {} : { 'x-floatlab': extension }),
  }) as Fields;
}

/** `.compose/secrets/key` → `secrets.key`: a config and a secret may have one name. */
const madeName = (path: string): string => path.slice(madeFolder.length).replace('/', '.');

const topFields = ({ title, icon, url, placement }: AppSpec): Fields => ({
  ...(title === undefined ? {} : { name: title }),
  ...(icon === undefined ? {} : { icon }),
  ...(url === undefined ? {} : { url }),
  ...(placement === undefined ? {} : { placement }),
});

function serviceFields(
  { image, ports, mounts, restart, dependsOn, platform }: ServiceSpec,
  bundled: BundleService | undefined,
  shown: (text: string) => string,
): Fields {
  const { command, entrypoint, environment = [], labels = {}, healthcheck, settings, networks } = bundled ?? {};
  const [taken, mounted] = [mounts.filter(isMade), mounts.filter((mount) => !isMade(mount))];
  const { condition, maxRetries } = restart;
  return {
    image,
    ...(platform === undefined ? {} : { platform }),
    ...(entrypoint ? { entrypoint } : {}),
    ...(command ? { command } : {}),
    ...(environment.length === 0 ? {} : { environment: environmentFields(environment, shown) }),
    ...(ports.length === 0 ? {} : { ports: ports.map(portFields) }),
    ...(mounted.length === 0 ? {} : { volumes: mounted.map(mountFields) }),
    ...(taken.length === 0
      ? {}
      : { configs: taken.map(({ subpath, target }) => ({ source: madeName(subpath), target })) }),
    ...(dependsOn.length === 0 ? {} : { depends_on: Object.fromEntries(dependsOn.map(dependencyFields)) }),
    restart: maxRetries === undefined ? condition : `${condition}:${maxRetries}`,
    ...(healthcheck ? { healthcheck: healthFields(healthcheck) } : {}),
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(networks ? { networks: takenNetworkFields(networks) } : {}),
    ...(settings ? settingsKeys(settings) : {}),
  };
}

export const isMade = (mount: Mount): mount is VolumeMount =>
  isVolumeMount(mount) && mount.volume === appFolderVolume && mount.subpath.startsWith(madeFolder);

const environmentFields = (lines: readonly string[], shown: (text: string) => string): Fields =>
  Object.fromEntries(
    lines.map((line) => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), shown(line.slice(equals + 1))];
    }),
  );

const portFields = ({ hostIp, published, target, protocol }: PublishedPort): Fields => ({
  target,
  published: String(published),
  ...(hostIp === undefined ? {} : { host_ip: hostIp }),
  protocol,
});

const mountFields = (mount: Mount): Fields => {
  const { target } = mount;
  const access = mount.readOnly ? { read_only: true } : {};
  if (isHostMount(mount)) {
    const { propagation, create = false } = mount;
    const bind = { ...(propagation === undefined ? {} : { propagation }), create_host_path: create };
    return { type: 'bind', source: mount.host, target, ...access, bind };
  }
  const { volume, subpath } = mount;
  if (volume === appFolderVolume)
    return { type: 'bind', source: `./${subpath === '.' ? '' : subpath}`, target, ...access };
  const part = subpath === '.' ? {} : { volume: { subpath } };
  return { type: 'volume', source: volume, target, ...access, ...part };
};

const dependencyFields = ({ service, condition, required }: ServiceSpec['dependsOn'][number]) =>
  [service, { condition, ...(required ? {} : { required }) }] as const;

const healthFields = (health: NonNullable<BundleService['healthcheck']>): Fields => {
  const { test, intervalMs, timeoutMs, startPeriodMs, startIntervalMs, retries } = health;
  const spans = {
    ...{ interval: intervalMs, timeout: timeoutMs },
    ...{ start_period: startPeriodMs, start_interval: startIntervalMs },
  };
  return {
    test,
    ...Object.fromEntries(
      Object.entries(spans).flatMap(([key, ms]) => (ms === undefined ? [] : [[key, durationText(ms)]])),
    ),
    ...(retries === undefined ? {} : { retries }),
  };
};

/** @param defaults what the top of the file says of all volumes, which each of them has to take back where it has not got it */
function volumeFields(spec: VolumeSpec, defaults: VolumeSpec | undefined): Fields {
  const { sizeBytes, schedule, snapshotOnChange, keep, hooks, growToBytes, constraints, replicas, backup } = spec;
  const onChange = snapshotOnChange
    ? {
        settle: durationText(snapshotOnChange.settleMs),
        'at-most-every': durationText(snapshotOnChange.minIntervalMs),
      }
    : defaults?.snapshotOnChange && false;
  const snapshot = {
    ...(schedule === undefined ? {} : { schedule }),
    ...(onChange === undefined ? {} : { 'on-change': onChange }),
  };
  const { labels, pool, driver } = constraints ?? {};
  const { count, on, maxDataLossMs } = replicas ?? {};
  const none = defaults?.replicas && !replicas ? { replicas: 0 } : {};
  return {
    size: sizeText(sizeBytes),
    ...(growToBytes === undefined ? {} : { 'grow-to': sizeText(growToBytes) }),
    ...(Object.keys(snapshot).length === 0 ? {} : { snapshot }),
    ...(keep === undefined ? {} : { keep }),
    ...(hooks ? { hooks: hooksFields(hooks) } : {}),
    ...(labels ? { nodes: labels } : {}),
    ...(pool === undefined ? {} : { pool }),
    ...(driver === undefined ? {} : { driver }),
    ...(count === undefined ? none : { replicas: count }),
    ...(on === undefined ? {} : { replicate: on === 'change' ? on : on.cron }),
    ...(maxDataLossMs === undefined ? {} : { 'max-data-loss': durationText(maxDataLossMs) }),
    ...(backup ? { backup: backupFields(backup) } : defaults?.backup ? { backup: false } : {}),
  };
}

const externalFields = ({ namespace, name }: NonNullable<VolumeSpec['external']>): Fields => ({
  external: true,
  name: namespace === undefined ? name : `${namespace}/${name}`,
});

const backupFields = ({ target, schedule, keep, testRestoreEveryMs }: NonNullable<VolumeSpec['backup']>): Fields => ({
  ...{ target, schedule },
  ...(keep === undefined ? {} : { keep }),
  ...(testRestoreEveryMs === undefined ? {} : { 'test-restore': durationText(testRestoreEveryMs) }),
});

const hooksFields = ({ before, after, onFailure }: NonNullable<VolumeSpec['hooks']>): Fields => ({
  ...(before ? { before: hookFields(before) } : {}),
  ...(after ? { after: hookFields(after) } : {}),
  'on-failure': onFailure,
});

const hookFields = ({ service, command, timeoutMs }: SnapshotHook): Fields => ({
  service,
  command,
  timeout: durationText(timeoutMs),
});

/** A dollar sign would begin a variable. */
function escaped(value: Plain): Plain {
  if (typeof value === 'string') return value.replaceAll('$', '$$$$');
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(escaped);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, escaped(one)]));
}
