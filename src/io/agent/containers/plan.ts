/** From a bundle to containers: pure, and the order in which they come up. */
import { idOf } from '#events/envelope.ts';
import { createHash } from 'node:crypto';
import { appFolderVolume, type Bundle } from '#actors/compose/model.ts';
import { isHostMount, isVolumeMount, type HostMount } from '#events/app.ts';
import { insideFolder } from '#events/values/path.ts';
import type { ContainerMount, ContainerSpec } from '../../devices/docker/port.ts';
import { IoError } from '../../devices/error.ts';
import { namesFor } from './find.ts';
import { containerLabels, projectOf, type InstanceOrder } from './labels.ts';
import { networksOf } from './networks.ts';

/** Services so that each comes after what it depends on; ties in the order of their names. */
export function startOrder(services: InstanceOrder['input']['spec']['services']): readonly string[] {
  const order: string[] = [];
  const visit = (name: string): void => {
    if (order.includes(name)) return;
    // The compose reader has refused cycles: the recursion ends.
    for (const { service } of services[name]?.dependsOn ?? []) if (services[service]) visit(service);
    order.push(name);
  };
  for (const name of Object.keys(services).toSorted()) visit(name);
  return order;
}

/**
 * Services that the app can do without: they are only there for others, and whoever needs them says that it is not
 * required. Every other one is wanted for itself, or required by one that is.
 */
export function dispensable(services: InstanceOrder['input']['spec']['services']): ReadonlySet<string> {
  const all = Object.entries(services);
  const depended = new Set(all.flatMap(([, { dependsOn }]) => dependsOn.map(({ service }) => service)));
  const needed = new Set<string>();
  const need = (name: string): void => {
    if (needed.has(name)) return;
    needed.add(name);
    for (const { service, required } of services[name]?.dependsOn ?? []) if (required) need(service);
  };
  for (const [name] of all) if (!depended.has(name)) need(name);
  return new Set(all.map(([name]) => name).filter((name) => !needed.has(name)));
}

/** The service whose network another one shares (`network_mode: service:NAME`). */
export function networkOwner(bundle: Bundle, service: string): string | undefined {
  const network = bundle.services[service]?.settings?.network;
  return network?.startsWith('service:') ? network.slice('service:'.length) : undefined;
}

/** @param networkOf the container whose network it shares, where it shares one */
export function containerSpec(
  order: InstanceOrder,
  bundle: Bundle,
  service: string,
  networkOf?: string,
): ContainerSpec {
  const { input } = order;
  const spec = input.spec.services[service];
  const resolved = bundle.services[service];
  if (!spec || !resolved) {
    throw new IoError('MISSING', {
      op: 'plan container',
      target: service,
      message: `Service ${service} is not in the bundle of ${input.appName}.`,
    });
  }
  const mounts: readonly ContainerMount[] = [
    ...placesOf(order, service).map(({ root, subpath, target, readOnly }) => ({
      source: subpath === '.' ? root : `${root}/${subpath}`,
      target,
      readOnly,
    })),
    ...hostMountsOf(order, service).map(({ host, target, readOnly, propagation }) => ({
      source: host,
      target,
      readOnly,
      ...(propagation === undefined ? {} : { propagation }),
    })),
  ];
  const unlabelled: ContainerSpec = {
    name: namesFor(projectOf(input), service, idOf(input.app))[0],
    image: resolved.image,
    ...(resolved.command === undefined ? {} : { command: resolved.command }),
    ...(resolved.entrypoint === undefined ? {} : { entrypoint: resolved.entrypoint }),
    environment: resolved.environment,
    labels: resolved.labels,
    ports: spec.ports,
    mounts,
    ...(resolved.healthcheck === undefined ? {} : { healthcheck: resolved.healthcheck }),
    networks: networksOf(order, bundle, service),
    ...(resolved.settings === undefined ? {} : { settings: resolved.settings }),
    ...(networkOf === undefined ? {} : { networkOf }),
  };
  const config = createHash('sha256').update(JSON.stringify(unlabelled)).digest('hex');
  const ours = containerLabels(order, service, config, resolved.settings?.stopGraceMs);
  return { ...unlabelled, labels: { ...resolved.labels, ...ours } };
}

/** What a service sees of the node itself. */
export const hostMountsOf = ({ input }: InstanceOrder, service: string): readonly HostMount[] =>
  (input.spec.services[service]?.mounts ?? []).filter(isHostMount);

/** What a mount of a service shows: something inside a volume of this node. */
export interface Place {
  /** Where the volume is. */
  readonly root: string;
  /** Inside it; `.` is all of it. */
  readonly subpath: string;
  /** In the container. */
  readonly target: string;
  readonly readOnly: boolean;
  /** A volume by its name, whole: the kind that begins with what the image has at its target. */
  readonly beginsWithImage: boolean;
}

export const placesOf = ({ input }: InstanceOrder, service: string): readonly Place[] =>
  (input.spec.services[service]?.mounts ?? []).filter(isVolumeMount).map(({ volume, subpath, target, readOnly }) => {
    const root = input.paths[volume];
    if (root === undefined || insideFolder(subpath) === undefined) {
      throw new IoError('MISSING', {
        op: 'plan container',
        target: volume,
        message: `Volume ${volume} of ${input.appName} is not on this node.`,
      });
    }
    return { root, subpath, target, readOnly, beginsWithImage: volume !== appFolderVolume && subpath === '.' };
  });

export const parseBundle = (bytes: Uint8Array): Bundle => JSON.parse(Buffer.from(bytes).toString('utf8')) as Bundle;
