/** What a simulated engine says of a container: what it was told, what the image brings, and what engines set by themselves. */
import type { ContainerCreateOptions, ContainerInspectInfo } from 'dockerode';
import type { ImageDefaults } from '#actors/compose/inspected/inspection.ts';
import { createBody } from '../create-body.ts';
import type { ContainerSpec } from '../port.ts';

interface Simulated {
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly image: ImageDefaults;
  /** Mounts by their targets that are volumes of the engine. */
  readonly volumes?: ReadonlyMap<string, string>;
  readonly restart?: { readonly Name: string; readonly MaximumRetryCount?: number };
}

export function inspectedOf(
  spec: ContainerSpec,
  { id, image, volumes = new Map(), restart = { Name: 'no' } }: Simulated,
): ContainerInspectInfo {
  const body: ContainerCreateOptions = createBody(spec);
  const host = body.HostConfig ?? {};
  const own = new Map([...image.environment, ...spec.environment].map((line) => [line.split('=')[0], line]));
  const isSet = (list: unknown): boolean => Array.isArray(list) && list.length > 0;
  const command = isSet(body.Cmd) ? body.Cmd : isSet(body.Entrypoint) ? null : image.command;
  const networks = spec.networks.map(({ name, aliases = [], ipv4, ipv6, linkLocal, options }) => [
    name,
    {
      Aliases: [...aliases, id.slice(0, 12)],
      IPAMConfig: {
        ...(ipv4 === undefined ? {} : { IPv4Address: ipv4 }),
        ...(ipv6 === undefined ? {} : { IPv6Address: ipv6 }),
        ...(linkLocal === undefined ? {} : { LinkLocalIPs: linkLocal }),
      },
      DriverOpts: options ?? null,
      IPAddress: '172.30.0.2',
    },
  ]);
  const said = {
    Id: id,
    Name: `/${spec.name}`,
    Image: `sha256:${'cd'.repeat(32)}`,
    Mounts: spec.mounts.map(({ source, target, readOnly }) => ({
      Type: volumes.has(target) ? 'volume' : 'bind',
      ...(volumes.has(target) ? { Name: volumes.get(target), Driver: 'local' } : {}),
      Source: source,
      Destination: target,
      RW: !readOnly,
      Mode: '',
      Propagation: 'rprivate',
    })),
    Config: {
      ...body,
      Hostname: body.Hostname ?? id.slice(0, 12),
      User: body.User ?? image.user ?? '',
      WorkingDir: body.WorkingDir ?? image.workingDir ?? '',
      StopSignal: body.StopSignal ?? image.stopSignal,
      Env: [...own.values()],
      Cmd: command ?? null,
      Entrypoint: isSet(body.Entrypoint) ? body.Entrypoint : (image.entrypoint ?? null),
      Labels: { ...image.labels, ...body.Labels },
      Healthcheck: body.Healthcheck ?? undefined,
      ExposedPorts: { ...body.ExposedPorts, ...Object.fromEntries(image.exposed.map((port) => [port, {}])) },
    },
    HostConfig: {
      ...host,
      Memory: host.Memory ?? 0,
      MemorySwap: host.MemorySwap ?? 2 * (host.Memory ?? 0),
      ShmSize: host.ShmSize ?? 64 * 2 ** 20,
      IpcMode: host.IpcMode ?? 'private',
      Runtime: host.Runtime ?? 'runc',
      LogConfig: host.LogConfig?.Type ? host.LogConfig : { Type: 'json-file', Config: host.LogConfig?.Config ?? {} },
      CapAdd: host.CapAdd?.map((name: string) => `CAP_${name}`) ?? null,
      RestartPolicy: restart,
    },
    NetworkSettings: { Networks: Object.fromEntries(networks) },
  };
  return said as unknown as ContainerInspectInfo;
}
