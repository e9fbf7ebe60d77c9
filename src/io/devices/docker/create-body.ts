/**
 * From our specification of a container to what the engine wants to hear.
 *
 * Fixed for every container: the restart policy is `no` (the agent restarts), and binds are given as mounts, because
 * those fail when their source is missing, where a plain bind would make an empty folder and hide the mistake.
 */
import type { ContainerCreateOptions, HealthConfig, MountConfig, PortMap } from 'dockerode';
import type { ContainerPort, ContainerSpec, Healthcheck } from './port.ts';

export function createBody(spec: ContainerSpec): ContainerCreateOptions {
  return {
    name: spec.name,
    Image: spec.image,
    Env: [...spec.environment],
    Labels: { ...spec.labels },
    ...(spec.command && { Cmd: [...spec.command] }),
    ...(spec.entrypoint && { Entrypoint: [...spec.entrypoint] }),
    ...(spec.hostname !== undefined && { Hostname: spec.hostname }),
    ...(spec.user !== undefined && { User: spec.user }),
    ...(spec.workingDir !== undefined && { WorkingDir: spec.workingDir }),
    ...(spec.stopSignal !== undefined && { StopSignal: spec.stopSignal }),
    ...(spec.healthcheck && { Healthcheck: healthConfig(spec.healthcheck) }),
    ExposedPorts: Object.fromEntries(spec.ports.map((port) => [portKey(port), {}])),
    HostConfig: {
      NetworkMode: spec.network,
      RestartPolicy: { Name: 'no' },
      PortBindings: portMap(spec.ports),
      Mounts: spec.mounts.map(({ source, target, readOnly }): MountConfig[number] => ({
        Type: 'bind',
        Source: source,
        Target: target,
        ReadOnly: readOnly,
      })),
      ...(spec.init !== undefined && { Init: spec.init }),
    },
    NetworkingConfig: {
      EndpointsConfig: { [spec.network]: spec.aliases.length > 0 ? { Aliases: [...spec.aliases] } : {} },
    },
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
