/** What the engine says of a container and of an image, as a compose file would say it. The way back from `create-body`. */
import type { ContainerInspectInfo, HealthConfig, HostConfig, ImageInspectInfo } from 'dockerode';
import { propagations, type PublishedPort } from '#events/app.ts';
import type { EndpointSettings } from '#events/values/network-settings.ts';
import type { ImageDefaults, InspectedMount, Inspection } from '#actors/compose/inspected/inspection.ts';
import { settingsOf, unreadOf } from './inspected-settings.ts';
import type { Healthcheck } from './port.ts';

export function inspectionOf(raw: ContainerInspectInfo): Inspection {
  const { Config: config, HostConfig: host } = raw;
  const ports = portsOf(host.PortBindings as Bindings | undefined);
  const healthcheck = healthcheckOf(config.Healthcheck);
  const command = listOf(config.Cmd);
  const entrypoint = listOf(config.Entrypoint);
  const published = new Set(ports.map(({ target, protocol }) => `${target}/${protocol}`));
  const expose = Object.keys(config.ExposedPorts ?? {}).filter((port) => !published.has(port));
  return {
    id: raw.Id,
    name: raw.Name.replace(/^\//, ''),
    image: config.Image,
    imageId: raw.Image,
    ...(command && { command }),
    ...(entrypoint && { entrypoint }),
    environment: config.Env ?? [],
    labels: config.Labels ?? {},
    ...(healthcheck && { healthcheck }),
    restart: restartOf(host.RestartPolicy),
    ports,
    mounts: (raw.Mounts ?? []).map(mountOf).toSorted((a, b) => (a.target < b.target ? -1 : 1)),
    networks: networksOf(raw),
    settings: { ...settingsOf(raw), ...(expose.length > 0 && { expose: expose.toSorted() }) },
    unread: unreadOf(raw),
  };
}

export function imageDefaultsOf({ Config: config }: Pick<ImageInspectInfo, 'Config'>): ImageDefaults {
  const said: Partial<ImageInspectInfo['Config']> = config ?? {};
  const healthcheck = healthcheckOf((said as { Healthcheck?: Partial<HealthConfig> }).Healthcheck);
  const command = listOf(said.Cmd);
  const entrypoint = listOf(said.Entrypoint);
  const stopSignal = (said as { StopSignal?: string }).StopSignal;
  return {
    ...(command && { command }),
    ...(entrypoint && { entrypoint }),
    environment: said.Env ?? [],
    labels: said.Labels ?? {},
    ...(healthcheck && { healthcheck }),
    ...(said.User ? { user: said.User } : {}),
    ...(said.WorkingDir ? { workingDir: said.WorkingDir } : {}),
    ...(stopSignal ? { stopSignal } : {}),
    exposed: Object.keys(said.ExposedPorts ?? {}),
    volumes: Object.keys(said.Volumes ?? {}),
  };
}

/** Older engines say a text where newer ones say a list. */
function listOf(said: string | readonly string[] | null | undefined): readonly string[] | undefined {
  const list = typeof said === 'string' ? [said] : (said ?? []);
  return list.length === 0 ? undefined : list;
}

function healthcheckOf(check: Partial<HealthConfig> | null | undefined): Healthcheck | undefined {
  if (!check?.Test?.length) return undefined;
  if (check.Test[0] === 'NONE') return { test: ['NONE'] };
  // Counted in nanoseconds; 0 is the engine's default.
  const ms = (nanoseconds: number | undefined): number | undefined =>
    nanoseconds ? Math.round(nanoseconds / 1e6) : undefined;
  const spans = {
    intervalMs: ms(check.Interval),
    timeoutMs: ms(check.Timeout),
    startPeriodMs: ms(check.StartPeriod),
    startIntervalMs: ms(check.StartInterval),
    retries: check.Retries || undefined,
  };
  const said = Object.entries(spans).filter((entry): entry is [string, number] => entry[1] !== undefined);
  return { test: check.Test, ...Object.fromEntries(said) };
}

function restartOf(policy: HostConfig['RestartPolicy']): Inspection['restart'] {
  const { Name: name, MaximumRetryCount: most = 0 } = policy ?? { Name: 'no' };
  if (name === 'always' || name === 'unless-stopped') return { condition: name };
  if (name === 'on-failure') return { condition: name, ...(most > 0 && { maxRetries: most }) };
  return { condition: 'no' };
}

type Bindings = Readonly<Record<string, readonly { readonly HostIp?: string; readonly HostPort?: string }[] | null>>;

/** Those of which somebody has chosen the port of the node; others are in `unreadOf`. */
function portsOf(bindings: Bindings | undefined): readonly PublishedPort[] {
  const ports: PublishedPort[] = [];
  for (const [key, places] of Object.entries(bindings ?? {})) {
    const [target = '', protocol = 'tcp'] = key.split('/');
    if (protocol !== 'tcp' && protocol !== 'udp') continue;
    for (const { HostIp: hostIp = '', HostPort: published = '' } of places ?? []) {
      if (!/^\d+$/.test(published) || published === '0') continue;
      const where = hostIp === '' || hostIp === '0.0.0.0' ? {} : { hostIp };
      ports.push({ ...where, published: Number(published), target: Number(target), protocol });
    }
  }
  return ports;
}

const knownKinds: readonly string[] = ['bind', 'volume', 'tmpfs'];

/** The types of dockerode know `Type` and `Driver` as optional. */
function mountOf(mount: ContainerInspectInfo['Mounts'][number]): InspectedMount {
  const kind = mount.Type ?? (mount.Name === undefined ? 'bind' : 'volume');
  const propagation = propagations.find((one) => one === mount.Propagation);
  return {
    kind: knownKinds.includes(kind) ? (kind as InspectedMount['kind']) : 'other',
    source: mount.Source ?? '',
    ...(kind === 'volume' && mount.Name ? { volume: mount.Name } : {}),
    ...(kind === 'volume' && mount.Driver && mount.Driver !== 'local' ? { driver: mount.Driver } : {}),
    target: mount.Destination,
    readOnly: !mount.RW,
    ...(kind === 'bind' && propagation && propagation !== 'rprivate' ? { propagation } : {}),
  };
}

interface RawEndpoint {
  readonly Aliases?: readonly string[] | null;
  readonly IPAMConfig?: {
    readonly IPv4Address?: string;
    readonly IPv6Address?: string;
    readonly LinkLocalIPs?: readonly string[] | null;
  } | null;
  readonly DriverOpts?: Readonly<Record<string, string>> | null;
}

/** Addresses that the engine gave are not in `IPAMConfig`; the name of the container and its id are aliases of each. */
function networksOf(raw: ContainerInspectInfo): Inspection['networks'] {
  const all = Object.entries((raw.NetworkSettings?.Networks ?? {}) as Readonly<Record<string, RawEndpoint>>);
  const own = new Set([raw.Id.slice(0, 12), raw.Name.replace(/^\//, '')]);
  return Object.fromEntries(
    all
      .filter(([name]) => name !== 'host' && name !== 'none')
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { Aliases, IPAMConfig, DriverOpts }]): [string, EndpointSettings] => {
        const aliases = (Aliases ?? []).filter((alias) => !own.has(alias));
        const { IPv4Address: ipv4, IPv6Address: ipv6, LinkLocalIPs } = IPAMConfig ?? {};
        return [
          name,
          {
            ...(aliases.length > 0 && { aliases: [...new Set(aliases)] }),
            ...(ipv4 ? { ipv4 } : {}),
            ...(ipv6 ? { ipv6 } : {}),
            ...(LinkLocalIPs?.length ? { linkLocal: LinkLocalIPs } : {}),
            ...(DriverOpts && Object.keys(DriverOpts).length > 0 ? { options: DriverOpts } : {}),
          },
        ];
      }),
  );
}
