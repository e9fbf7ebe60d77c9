/**
 * From our specification of a container to what the engine wants to hear.
 *
 * Fixed for every container: the restart policy is `no` (the agent restarts), and binds are given as mounts, because
 * those fail when their source is missing, where a plain bind would make an empty folder and hide the mistake.
 */
import type { ContainerCreateOptions, HealthConfig, MountConfig, PortMap } from 'dockerode';
import { containerOptions, hostConfig } from './host-config.ts';
import type { ContainerPort, ContainerSpec, Healthcheck } from './port.ts';

export function createBody(spec: ContainerSpec): ContainerCreateOptions {
  const { settings = {} } = spec;
  // What shares the network of the node, or has none, is in no other and has no names there.
  const isInNetwork = settings.network === undefined;
  const aliases = [...spec.aliases, ...(settings.aliases ?? [])];
  return {
    name: spec.name,
    Image: spec.image,
    Env: [...spec.environment],
    Labels: { ...spec.labels },
    ...(spec.command && { Cmd: [...spec.command] }),
    ...(spec.entrypoint && { Entrypoint: [...spec.entrypoint] }),
    ...containerOptions(settings),
    ...(spec.healthcheck && { Healthcheck: healthConfig(spec.healthcheck) }),
    ExposedPorts: Object.fromEntries(
      [...spec.ports.map(portKey), ...(settings.expose ?? [])].map((port) => [port, {}]),
    ),
    HostConfig: {
      ...hostConfig(settings),
      NetworkMode: settings.network ?? spec.network,
      RestartPolicy: { Name: 'no' },
      PortBindings: portMap(spec.ports),
      Mounts: spec.mounts.map(({ source, target, readOnly }): MountConfig[number] => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ReadOnly: readOnly,
      })),
    },
    ...(isInNetwork && {
      NetworkingConfig: { EndpointsConfig: { [spec.network]: aliases.length > 0 ? { Aliases: aliases } : {} } },
    }),
  };
}

const portKey = ({ target, protocol }: ContainerPort): string => `${target}/${protocol}`;

function portMap(ports: readonly ContainerPort[]): PortMap {
  const map: Record<string, { HostIp?: string; HostPort: string }[]> = {};
  for (const port of ports) {
    const bindings = (map[portKey(port)] ??= []);
    bindings.push({ ...(port.hostIp !== undefined && { HostIp: port.hostIp }), HostPort: String(port.published) });
  }
  return map;
}

/** The engine counts in nanoseconds, and takes 0 as "as the image says". */
const nanoseconds = (ms: number | undefined): number => Math.round((ms ?? 0) * 1e6);

function healthConfig(check: Healthcheck): HealthConfig {
  return {
    Test: [...check.test],
    Interval: nanoseconds(check.intervalMs),
    Timeout: nanoseconds(check.timeoutMs),
    StartPeriod: nanoseconds(check.startPeriodMs),
    Retries: check.retries ?? 0,
  };
}
