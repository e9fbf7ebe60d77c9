/** How a container is run, from what the engine says of it: the way back from `host-config`. */
import type { ContainerInspectInfo } from 'dockerode';
import type { ContainerSettings } from '#events/values/container-settings.ts';

interface Limit {
  readonly Name: string;
  readonly Soft: number;
  readonly Hard: number;
}
interface Device {
  readonly PathOnHost: string;
  readonly PathInContainer: string;
  readonly CgroupPermissions: string;
}
interface DeviceRequest {
  readonly Driver?: string;
  readonly Count?: number;
  readonly DeviceIDs?: readonly string[] | null;
  readonly Capabilities?: readonly (readonly string[])[] | null;
}
type Texts = readonly string[] | null;
type TextMap = Readonly<Record<string, string>> | null;

/** As the API has it: what is not set is null, empty or 0, by engine and version. */
interface RawHostConfig {
  readonly Init?: boolean | null;
  readonly GroupAdd?: Texts;
  readonly Privileged?: boolean;
  readonly ReadonlyRootfs?: boolean;
  readonly CapAdd?: Texts;
  readonly CapDrop?: Texts;
  readonly SecurityOpt?: Texts;
  readonly IpcMode?: string;
  readonly PidMode?: string;
  readonly UTSMode?: string;
  readonly CgroupnsMode?: string;
  readonly UsernsMode?: string;
  readonly NetworkMode?: string;
  readonly Devices?: readonly Device[] | null;
  readonly DeviceCgroupRules?: Texts;
  readonly DeviceRequests?: readonly DeviceRequest[] | null;
  readonly Sysctls?: TextMap;
  readonly Ulimits?: readonly Limit[] | null;
  readonly Tmpfs?: TextMap;
  readonly NanoCpus?: number;
  readonly CpuShares?: number;
  readonly CpuQuota?: number;
  readonly CpuPeriod?: number;
  readonly CpusetCpus?: string;
  readonly CpusetMems?: string;
  readonly Memory?: number;
  readonly MemoryReservation?: number;
  readonly MemorySwap?: number;
  readonly MemorySwappiness?: number | null;
  readonly OomScoreAdj?: number;
  readonly OomKillDisable?: boolean | null;
  readonly PidsLimit?: number | null;
  readonly ShmSize?: number;
  readonly StorageOpt?: TextMap;
  readonly Runtime?: string;
  readonly Dns?: Texts;
  readonly DnsOptions?: Texts;
  readonly DnsSearch?: Texts;
  readonly ExtraHosts?: Texts;
  readonly Annotations?: TextMap;
  readonly LogConfig?: { readonly Type?: string; readonly Config?: TextMap };
  readonly VolumesFrom?: Texts;
  readonly Links?: Texts;
  readonly CgroupParent?: string;
  readonly BlkioWeight?: number;
  readonly CpuRealtimePeriod?: number;
  readonly AutoRemove?: boolean;
  readonly PortBindings?: Readonly<Record<string, readonly { readonly HostPort?: string }[] | null>> | null;
  readonly PublishAllPorts?: boolean;
}

/** With what the engine sets by itself; without what is not set. */
export function settingsOf({ Config: config, HostConfig, Id }: ContainerInspectInfo): ContainerSettings {
  const host = HostConfig as RawHostConfig;
  const further = config as typeof config & { StopSignal?: string; StopTimeout?: number | null };
  const hostname = Id.startsWith(config.Hostname) ? '' : config.Hostname;
  const all: { [K in keyof ContainerSettings]-?: ContainerSettings[K] | undefined } = {
    user: text(config.User),
    groups: list(host.GroupAdd),
    workingDir: text(config.WorkingDir),
    hostname: host.NetworkMode === 'host' || host.UTSMode === 'host' ? undefined : text(hostname),
    domainName: text(config.Domainname),
    init: host.Init ?? undefined,
    tty: yes(config.Tty),
    stdinOpen: yes(config.OpenStdin),
    stopSignal: text(further.StopSignal),
    stopGraceMs:
      further.StopTimeout === undefined || further.StopTimeout === null ? undefined : further.StopTimeout * 1000,
    privileged: yes(host.Privileged),
    readOnlyRoot: yes(host.ReadonlyRootfs),
    capAdd: list(host.CapAdd?.map(withoutPrefix)),
    capDrop: list(host.CapDrop?.map(withoutPrefix)),
    // An engine that runs one privileged adds this by itself.
    securityOptions: list(host.SecurityOpt?.filter((option) => !(host.Privileged && option === 'label=disable'))),
    ipc: oneOf(host.IpcMode, ['host', 'none', 'private', 'shareable']),
    pid: oneOf(host.PidMode, ['host']),
    uts: oneOf(host.UTSMode, ['host']),
    cgroup: oneOf(host.CgroupnsMode, ['host', 'private']),
    userns: oneOf(host.UsernsMode, ['host']),
    network: oneOf(host.NetworkMode, ['host', 'none']),
    devices: list(
      host.Devices?.map((one) => ({
        path: one.PathOnHost,
        target: one.PathInContainer,
        permissions: one.CgroupPermissions,
      })),
    ),
    deviceCgroupRules: list(host.DeviceCgroupRules),
    gpus: list(
      host.DeviceRequests?.map(({ Driver: driver, Count: count, DeviceIDs: ids, Capabilities: capabilities }) => ({
        ...(driver ? { driver } : {}),
        ...(count ? { count } : {}),
        ...(ids?.length ? { ids } : {}),
        capabilities: capabilities?.[0] ?? [],
      })),
    ),
    sysctls: map(host.Sysctls),
    ulimits: host.Ulimits?.length
      ? Object.fromEntries(host.Ulimits.map(({ Name, Soft, Hard }) => [Name, { soft: Soft, hard: Hard }]))
      : undefined,
    tmpfs: map(host.Tmpfs),
    cpus: number(host.NanoCpus && host.NanoCpus / 1e9),
    cpuShares: number(host.CpuShares),
    cpuQuotaUs: number(host.CpuQuota),
    cpuPeriodUs: number(host.CpuPeriod),
    cpuset: text(host.CpusetCpus),
    memoryBytes: number(host.Memory),
    memoryReservationBytes: number(host.MemoryReservation),
    memorySwapBytes: number(host.MemorySwap),
    memorySwappiness: host.MemorySwappiness === -1 ? undefined : (host.MemorySwappiness ?? undefined),
    oomScoreAdjust: number(host.OomScoreAdj),
    oomKillDisable: yes(host.OomKillDisable ?? false),
    pidsLimit: number(host.PidsLimit ?? 0),
    shmBytes: number(host.ShmSize),
    storageOptions: map(host.StorageOpt),
    runtime: text(host.Runtime),
    dns: list(host.Dns),
    dnsOptions: list(host.DnsOptions),
    dnsSearch: list(host.DnsSearch),
    extraHosts: list(host.ExtraHosts),
    annotations: map(host.Annotations),
    logging: host.LogConfig?.Type ? { driver: host.LogConfig.Type, options: { ...host.LogConfig.Config } } : undefined,
    // Of these the ports and the networks tell.
    aliases: undefined,
    expose: undefined,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Names of what cannot be said in a compose file that FloatLab reads. */
export function unreadOf({ HostConfig }: ContainerInspectInfo): readonly string[] {
  const host = HostConfig as RawHostConfig;
  const shares = (mode: string | undefined): boolean => mode?.startsWith('container:') ?? false;
  const isChosen = ([port, places]: [string, readonly { readonly HostPort?: string }[] | null]): boolean =>
    /\/(tcp|udp)$/.test(port) && (places ?? []).every(({ HostPort }) => /^[1-9]\d*$/.test(HostPort ?? ''));
  const found: readonly (readonly [string, boolean])[] = [
    ['HostConfig.VolumesFrom', Boolean(host.VolumesFrom?.length)],
    ['HostConfig.Links', Boolean(host.Links?.length)],
    ['HostConfig.CgroupParent', Boolean(host.CgroupParent)],
    ['HostConfig.CpusetMems', Boolean(host.CpusetMems)],
    ['HostConfig.BlkioWeight', Boolean(host.BlkioWeight)],
    ['HostConfig.CpuRealtimePeriod', Boolean(host.CpuRealtimePeriod)],
    ['HostConfig.AutoRemove', Boolean(host.AutoRemove)],
    ['HostConfig.PublishAllPorts', Boolean(host.PublishAllPorts)],
    ['HostConfig.PortBindings', !Object.entries(host.PortBindings ?? {}).every(isChosen)],
    ['HostConfig.NetworkMode', shares(host.NetworkMode)],
    ['HostConfig.PidMode', shares(host.PidMode)],
    ['HostConfig.IpcMode', shares(host.IpcMode)],
  ];
  return found.filter(([, is]) => is).map(([name]) => name);
}

const withoutPrefix = (capability: string): string => capability.replace(/^CAP_/, '');
const text = (said: string | null | undefined): string | undefined => said || undefined;
const number = (said: number | undefined): number | undefined => said || undefined;
const yes = (said: boolean | undefined): true | undefined => (said ? true : undefined);
const list = <T>(said: readonly T[] | null | undefined): readonly T[] | undefined => (said?.length ? said : undefined);
const map = (said: TextMap | undefined): Readonly<Record<string, string>> | undefined =>
  said && Object.keys(said).length > 0 ? said : undefined;
const oneOf = <const T extends string>(said: string | undefined, known: readonly T[]): T | undefined =>
  known.find((one) => one === said);
