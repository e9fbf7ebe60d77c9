/**
 * From our specification of a container to what the engine wants to hear.
 *
 * Fixed for every container: the restart policy is `no` (the agent restarts), and binds are given as mounts, because
 * those fail when their source is missing, where a plain bind would make an empty folder and hide the mistake.
 */
import type { ContainerCreateOptions, EndpointSettings, HealthConfig, MountConfig, PortMap } from 'dockerode';
import { containerOptions, hostConfig } from './host-config.ts';
import type { ContainerNetwork, ContainerPort, ContainerSpec, Healthcheck } from './port.ts';

export function createBody(spec: ContainerSpec): ContainerCreateOptions {
  const { settings = {} } = spec;
  // An engine before 25 takes one: whoever made the container puts it into the others.
  const [network] = spec.networks;
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
      NetworkMode: networkMode(spec),
      RestartPolicy: { Name: 'no' },
      PortBindings: portMap(spec.ports),
      Mounts: spec.mounts.map(({ source, target, readOnly, propagation }): MountConfig[number] => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ReadOnly: readOnly,
        ...(propagation && { BindOptions: { Propagation: propagation } }),
      })),
    },
    ...(network && {
      // Engines before 25 look here, later ones there.
      ...(network.mac !== undefined && { MacAddress: network.mac }),
      NetworkingConfig: { EndpointsConfig: { [network.name]: endpointConfig(network) } },
    }),
  };
}

function networkMode({ settings, networkOf, networks: [network] }: ContainerSpec): string {
  if (networkOf !== undefined) return `container:${networkOf}`;
  return settings?.network ?? network?.name ?? 'none';
}

/** How a container is in a network, as the engine names it. */
export function endpointConfig({ aliases, ipv4, ipv6, linkLocal, mac, options }: ContainerNetwork): EndpointSettings {
  const addresses = {
    ...(ipv4 !== undefined && { IPv4Address: ipv4 }),
    ...(ipv6 !== undefined && { IPv6Address: ipv6 }),
    ...(linkLocal && { LinkLocalIPs: [...linkLocal] }),
  };
  return {
    ...(aliases && aliases.length > 0 && { Aliases: [...aliases] }),
    ...(Object.keys(addresses).length > 0 && { IPAMConfig: addresses }),
    ...(mac !== undefined && { MacAddress: mac }),
    ...(options && { DriverOpts: { ...options } }),
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
    ...(check.startIntervalMs !== undefined && { StartInterval: nanoseconds(check.startIntervalMs) }),
    Retries: check.retries ?? 0,
  };
}
