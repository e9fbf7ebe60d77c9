/** What was read becomes what is stored: the specification for the log, the bundle for the node. Everything is valid by now. */
import { isVolumeMount, type AppSpec, type ServiceSpec } from '#events/app.ts';
import { appFolderVolume, type Bundle, type BundleFile } from './model.ts';
import type { DeclaredNetworks } from './networks/declared.ts';
import { defaultNetwork } from './networks/taken.ts';
import { withParents, type Reading } from './reading.ts';
import type { ReadService } from './service.ts';
import type { DeclaredVolume } from './volumes.ts';
import type { AppExtension, VolumeSettings } from './x-floatlab.ts';

const defaultVolumeBytes = 2 ** 30;

/** What is said of one volume, over what is said of all. */
export const settingsOf = (settings: VolumeSettings, defaults: VolumeSettings) => ({
  sizeBytes: defaultVolumeBytes,
  ...defaults,
  ...settings,
});

/** Whether the folder of the compose file is a volume, too: of that the file can say what it says of all. */
export const usesFolder = (services: readonly ReadService[]): boolean =>
  services.some(({ mounts }) => mounts.some((mount) => isVolumeMount(mount) && mount.volume === appFolderVolume));

export function toSpec(
  services: readonly ReadService[],
  volumes: ReadonlyMap<string, DeclaredVolume>,
  extension: AppExtension,
): AppSpec {
  const { volumes: defaults, ...shown } = extension;
  const volume = (settings: VolumeSettings): AppSpec['volumes'][string] => {
    const { snapshotOnChange, replicas, backup, growToAt: _, ...spec } = settingsOf(settings, defaults);
    const constraints = { ...defaults.constraints, ...settings.constraints };
    return {
      ...spec,
      ...(Object.keys(constraints).length === 0 ? {} : { constraints }),
      ...(snapshotOnChange ? { snapshotOnChange } : {}),
      ...(replicas ? { replicas } : {}),
      ...(backup ? { backup } : {}),
    };
  };
  return {
    ...shown,
    services: Object.fromEntries(services.map((service) => [service.name, serviceSpec(service)])),
    volumes: Object.fromEntries([
      ...[...volumes]
        .filter(([, { host }]) => host === undefined)
        .map(([name, { settings, external }]) =>
          external
            ? ([name, { sizeBytes: defaultVolumeBytes, external }] as const)
            : ([name, volume(settings)] as const),
        ),
      ...unnamed(services, volumes).map((name) => [name, volume({})] as const),
      ...(usesFolder(services) ? [[appFolderVolume, volume({})] as const] : []),
    ]),
  };
}

/** Volumes that the file gave no name: mounted, and declared nowhere. Sorted. */
const unnamed = (
  services: readonly ReadService[],
  declared: ReadonlyMap<string, DeclaredVolume>,
): readonly string[] => {
  const mounted = services.flatMap(({ mounts }) => mounts.filter(isVolumeMount).map(({ volume }) => volume));
  return [...new Set(mounted)].filter((name) => name !== appFolderVolume && !declared.has(name)).toSorted();
};

const serviceSpec = ({ bundle, ports, mounts, restart, dependencies, health, platform }: ReadService): ServiceSpec => ({
  image: bundle.image,
  ports: ports.map(({ port }) => port),
  mounts: [...mounts],
  restart,
  dependsOn: dependencies.map(({ dependency }) => dependency),
  hasHealthcheck: health === 'checked',
  ...(platform === undefined ? {} : { platform }),
});

/** Files come along when a bind mount names them, or a folder that holds them. */
export function toBundle(
  services: readonly ReadService[],
  networks: DeclaredNetworks,
  files: Reading['files'],
): Bundle {
  const mounted = new Set<string>();
  for (const { mounts } of services) {
    for (const { volume, subpath } of mounts.filter(isVolumeMount))
      if (volume === appFolderVolume) mounted.add(subpath);
  }
  const taken = new Set(services.flatMap(({ bundle }) => Object.keys(bundle.networks ?? { [defaultNetwork]: {} })));
  const used = [...networks].filter(([key]) => taken.has(key)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const bundled: BundleFile[] = [];
  for (const [path, { content, mode }] of files) {
    if (withParents(path).some((parent) => mounted.has(parent))) bundled.push({ path, content, mode });
  }
  return {
    services: Object.fromEntries(services.map(({ name, bundle }) => [name, bundle])),
    ...(used.length === 0 ? {} : { networks: Object.fromEntries(used) }),
    files: bundled.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  };
}
