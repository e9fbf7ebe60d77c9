/** The settings of a container as the engine names them; what is left out stays the engine's choice. */
import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import type { ContainerSettings, DeviceMapping, GpuRequest } from '#events/values/container-settings.ts';

/** The names that the API has and the types of dockerode do not. */
interface NewerHostConfig {
  CgroupnsMode?: string | undefined;
  Annotations?: Record<string, string> | undefined;
}

/** What stands beside `HostConfig`. */
export function containerOptions(settings: ContainerSettings): ContainerCreateOptions {
  const { hostname, domainName, user, workingDir, stopSignal, stopGraceMs, tty, stdinOpen } = settings;
  return given({
    Hostname: hostname,
    Domainname: domainName,
    User: user,
    WorkingDir: workingDir,
    StopSignal: stopSignal,
    StopTimeout: stopGraceMs === undefined ? undefined : Math.ceil(stopGraceMs / 1000),
    Tty: tty,
    OpenStdin: stdinOpen,
  });
}

export function hostConfig(settings: ContainerSettings): HostConfig & NewerHostConfig {
  const { cpus, devices, gpus, ulimits, logging } = settings;
  return given({
    Init: settings.init,
    GroupAdd: list(settings.groups),
    Privileged: settings.privileged,
    ReadonlyRootfs: settings.readOnlyRoot,
    CapAdd: list(settings.capAdd),
    CapDrop: list(settings.capDrop),
    SecurityOpt: list(settings.securityOptions),
    IpcMode: settings.ipc,
    PidMode: settings.pid,
    UTSMode: settings.uts,
    CgroupnsMode: settings.cgroup,
    UsernsMode: settings.userns,
    Devices: devices?.map(device),
    DeviceCgroupRules: list(settings.deviceCgroupRules),
    DeviceRequests: gpus?.map(gpu),
    Sysctls: record(settings.sysctls),
    Ulimits:
      ulimits && Object.entries(ulimits).map(([name, { soft, hard }]) => ({ Name: name, Soft: soft, Hard: hard })),
    Tmpfs: record(settings.tmpfs),
    NanoCpus: cpus === undefined ? undefined : Math.round(cpus * 1e9),
    CpuShares: settings.cpuShares,
    CpuQuota: settings.cpuQuotaUs,
    CpuPeriod: settings.cpuPeriodUs,
    CpusetCpus: settings.cpuset,
    Memory: settings.memoryBytes,
    MemoryReservation: settings.memoryReservationBytes,
    MemorySwap: settings.memorySwapBytes,
    MemorySwappiness: settings.memorySwappiness,
    OomScoreAdj: settings.oomScoreAdjust,
    OomKillDisable: settings.oomKillDisable,
    PidsLimit: settings.pidsLimit,
    ShmSize: settings.shmBytes,
    StorageOpt: record(settings.storageOptions),
    Runtime: settings.runtime,
    Dns: list(settings.dns),
    DnsOptions: list(settings.dnsOptions),
    DnsSearch: list(settings.dnsSearch),
    ExtraHosts: list(settings.extraHosts),
    Annotations: record(settings.annotations),
    // Without a name the engine takes the driver that it is set up with.
    LogConfig: logging && { Type: logging.driver ?? '', Config: { ...logging.options } },
  });
}

const device = ({ path, target, permissions }: DeviceMapping) => ({
  PathOnHost: path,
  PathInContainer: target,
  CgroupPermissions: permissions,
});

const gpu = ({ driver, count, ids, capabilities }: GpuRequest) =>
  given({
    Driver: driver,
    Count: count,
    DeviceIDs: list(ids),
    // Any of several sets: here there is one.
    Capabilities: [[...capabilities]],
  });

const list = (values: readonly string[] | undefined): string[] | undefined => values && [...values];
const record = (values: Readonly<Record<string, string>> | undefined): Record<string, string> | undefined =>
  values && { ...values };

/** Without what is undefined: the engine would read it as nothing. */
const given = <T extends object>(all: T): T =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as T;
