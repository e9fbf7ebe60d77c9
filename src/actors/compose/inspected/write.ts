/** A compose file for containers that run: without what their images bring, and what engines set by themselves. */
import { stringify } from 'yaml';
import type { AppSpec, Mount, ServiceSpec } from '#events/app.ts';
import type { EndpointSettings, NetworkSettings } from '#events/values/network-settings.ts';
import { maxVolumeBytes } from '#events/values/size.ts';
import { appFolderVolume, type Bundle, type BundleService } from '../model.ts';
import { defaultNetwork } from '../networks/taken.ts';
import { resolvedFile } from '../resolved/resolve.ts';
import { isOfTool } from './compare.ts';
import type { ImageDefaults, InspectedMount, Inspection } from './inspection.ts';
import { unusual } from './usual.ts';

/** What a mount is in the file. */
export type MountSource =
  | { readonly kind: 'volume'; readonly key: string }
  /** Beside the compose file. */
  | { readonly kind: 'folder'; readonly subpath: string }
  /** A path of the node. */
  | { readonly kind: 'host'; readonly path: string };

type MountToWrite = Pick<InspectedMount, 'target' | 'readOnly' | 'propagation'> & { readonly source: MountSource };

export interface ServiceToWrite {
  readonly service: string;
  readonly inspection: Inspection;
  readonly image: ImageDefaults;
  readonly mounts: readonly MountToWrite[];
  /** By their keys in the file. */
  readonly networks: Readonly<Record<string, EndpointSettings>>;
  readonly dependsOn: ServiceSpec['dependsOn'];
}

export interface FileToWrite {
  readonly name: string;
  readonly services: readonly ServiceToWrite[];
  /** How many bytes each may take. */
  readonly volumes: Readonly<Record<string, number>>;
  readonly networks: Readonly<Record<string, NetworkSettings>>;
}

export function composeText({ name, services, volumes, networks }: FileToWrite): string {
  const spec: AppSpec = {
    services: Object.fromEntries(services.map((one) => [one.service, serviceSpec(one)])),
    volumes: Object.fromEntries(Object.entries(volumes).map(([key, sizeBytes]) => [key, { sizeBytes }])),
  };
  const bundle: Bundle = {
    services: Object.fromEntries(services.map((one) => [one.service, bundled(one)])),
    ...(Object.keys(networks).length === 0 ? {} : { networks }),
    files: [],
  };
  const fields = resolvedFile({ name, spec, bundle }, { showSecrets: true });
  return stringify(fields, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Room for what is there and as much again, in whole GiB. */
export const roomFor = (bytes: number): number =>
  Math.min(maxVolumeBytes, Math.max(1, Math.ceil((2 * bytes) / 2 ** 30)) * 2 ** 30);

const serviceSpec = ({ inspection, mounts, dependsOn }: ServiceToWrite): ServiceSpec => ({
  image: inspection.image,
  ports: [...inspection.ports],
  mounts: mounts.map(({ source, target, readOnly, propagation }): Mount => {
    const how = { target, readOnly, ...(propagation && { propagation }) };
    if (source.kind === 'host') return { host: source.path, ...how };
    if (source.kind === 'volume') return { volume: source.key, subpath: '.', target, readOnly };
    return { volume: appFolderVolume, subpath: source.subpath, target, readOnly };
  }),
  restart: { ...inspection.restart },
  dependsOn: [...dependsOn],
  hasHealthcheck: inspection.healthcheck !== undefined,
});

function bundled({ inspection, image, networks, service }: ServiceToWrite): BundleService {
  const { command, entrypoint, healthcheck } = inspection;
  const tmpfs = {
    ...inspection.settings.tmpfs,
    ...Object.fromEntries(
      inspection.mounts
        .filter(({ kind }) => kind === 'tmpfs')
        .map(({ target }) => [target, inspection.settings.tmpfs?.[target] ?? '']),
    ),
  };
  const settings = unusual({ ...inspection.settings, tmpfs }, image);
  const own = Object.entries(networks).map(([key, endpoint]): [string, EndpointSettings] => {
    const { aliases = [], ...others } = endpoint;
    const further = aliases.filter((alias) => alias !== service);
    return [key, { ...others, ...(further.length > 0 && { aliases: further }) }];
  });
  const usesDefault = own.length === 1 && own[0]?.[0] === defaultNetwork && Object.keys(own[0][1]).length === 0;
  const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
  const hasOwnEntrypoint = entrypoint !== undefined && !isSame(entrypoint, image.entrypoint);
  return {
    image: inspection.image,
    ...(command && (hasOwnEntrypoint || !isSame(command, image.command)) && { command }),
    ...(hasOwnEntrypoint && { entrypoint }),
    environment: inspection.environment.filter((line) => !image.environment.includes(line)).toSorted(),
    labels: Object.fromEntries(
      Object.entries(inspection.labels).filter(([key, value]) => !isOfTool(key) && image.labels[key] !== value),
    ),
    ...(healthcheck && !isSame(healthcheck, image.healthcheck) && { healthcheck }),
    ...(Object.keys(settings).length > 0 && { settings }),
    ...(settings.network === undefined && !usesDefault && own.length > 0 && { networks: Object.fromEntries(own) }),
  };
}
