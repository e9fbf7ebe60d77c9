/** From a bundle to containers: pure, and the order in which they come up. */
import { createHash } from 'node:crypto';
import type { Bundle } from '#actors/compose/model.ts';
import { insideFolder } from '#events/values/path.ts';
import type { ContainerSpec } from '../../devices/docker/port.ts';
import { IoError } from '../../devices/error.ts';
import { containerLabels, networkOf, projectOf, type InstanceOrder } from './labels.ts';

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

export function containerSpec(order: InstanceOrder, bundle: Bundle, service: string): ContainerSpec {
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
  const mounts = spec.mounts.map(({ volume, subpath, target, readOnly }) => ({
    source: mountSource(order, volume, subpath),
    target,
    readOnly,
  }));
  const unlabelled: ContainerSpec = {
    name: `${projectOf(input)}-${service}-1`,
    image: resolved.image,
    ...(resolved.command === undefined ? {} : { command: resolved.command }),
    ...(resolved.entrypoint === undefined ? {} : { entrypoint: resolved.entrypoint }),
    environment: resolved.environment,
    labels: resolved.labels,
    ports: spec.ports,
    mounts,
    ...(resolved.healthcheck === undefined ? {} : { healthcheck: resolved.healthcheck }),
    network: networkOf(input),
    aliases: [service],
  };
  const config = createHash('sha256').update(JSON.stringify(unlabelled)).digest('hex');
  return { ...unlabelled, labels: { ...resolved.labels, ...containerLabels(order, service, config) } };
}

function mountSource({ input }: InstanceOrder, volume: string, subpath: string): string {
  const path = input.paths[volume];
  if (path === undefined || insideFolder(subpath) === undefined) {
    throw new IoError('MISSING', {
      op: 'plan container',
      target: volume,
      message: `Volume ${volume} of ${input.appName} is not on this node.`,
    });
  }
  return subpath === '.' ? path : `${path}/${subpath}`;
}

export const parseBundle = (bytes: Uint8Array): Bundle => JSON.parse(Buffer.from(bytes).toString('utf8')) as Bundle;
