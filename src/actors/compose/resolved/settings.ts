/** How a container is run, as keys of a service again. */
import type { ContainerSettings, GpuRequest } from '#events/values/container-settings.ts';
import type { Plain } from '../edit/value.ts';
import { durationText } from './size-text.ts';

type Key = keyof ContainerSettings;
type Writers = {
  readonly [K in Key]-?: readonly [key: string, write: (value: NonNullable<ContainerSettings[K]>) => Plain];
};

const asIs = (value: Plain): Plain => value;

/** In the order in which they are shown. */
const writers: Writers = {
  user: ['user', asIs],
  groups: ['group_add', asIs],
  workingDir: ['working_dir', asIs],
  hostname: ['hostname', asIs],
  domainName: ['domainname', asIs],
  aliases: ['container_name', ([name = '']) => name],
  init: ['init', asIs],
  tty: ['tty', asIs],
  stdinOpen: ['stdin_open', asIs],
  stopSignal: ['stop_signal', asIs],
  stopGraceMs: ['stop_grace_period', durationText],
  privileged: ['privileged', asIs],
  readOnlyRoot: ['read_only', asIs],
  capAdd: ['cap_add', asIs],
  capDrop: ['cap_drop', asIs],
  securityOptions: ['security_opt', asIs],
  ipc: ['ipc', asIs],
  pid: ['pid', asIs],
  uts: ['uts', asIs],
  cgroup: ['cgroup', asIs],
  userns: ['userns_mode', asIs],
  network: ['network_mode', asIs],
  devices: ['devices', (all) => all.map(({ path, target, permissions }) => ({ source: path, target, permissions }))],
  deviceCgroupRules: ['device_cgroup_rules', asIs],
  gpus: ['gpus', (all) => all.map(gpu)],
  sysctls: ['sysctls', asIs],
  ulimits: ['ulimits', asIs],
  tmpfs: [
    'tmpfs',
    (all) => Object.entries(all).map(([path, options]) => (options === '' ? path : `${path}:${options}`)),
  ],
  cpus: ['cpus', asIs],
  cpuShares: ['cpu_shares', asIs],
  cpuQuotaUs: ['cpu_quota', asIs],
  cpuPeriodUs: ['cpu_period', asIs],
  cpuset: ['cpuset', asIs],
  memoryBytes: ['mem_limit', asIs],
  memoryReservationBytes: ['mem_reservation', asIs],
  memorySwapBytes: ['memswap_limit', asIs],
  memorySwappiness: ['mem_swappiness', asIs],
  oomScoreAdjust: ['oom_score_adj', asIs],
  oomKillDisable: ['oom_kill_disable', asIs],
  pidsLimit: ['pids_limit', asIs],
  shmBytes: ['shm_size', asIs],
  storageOptions: ['storage_opt', asIs],
  runtime: ['runtime', asIs],
  dns: ['dns', asIs],
  dnsOptions: ['dns_opt', asIs],
  dnsSearch: ['dns_search', asIs],
  // In a list the first colon divides: an IPv6 address may have more of them.
  extraHosts: ['extra_hosts', asIs],
  expose: ['expose', asIs],
  annotations: ['annotations', asIs],
  logging: ['logging', ({ driver, options }) => ({ ...(driver === undefined ? {} : { driver }), options })],
};

const gpu = ({ driver, count, ids, capabilities }: GpuRequest): Plain => ({
  ...(driver === undefined ? {} : { driver }),
  ...(ids ? { device_ids: ids } : { count: count === -1 || count === undefined ? 'all' : count }),
  capabilities,
});

export const settingsKeys = (settings: ContainerSettings): Readonly<Record<string, Plain>> =>
  Object.fromEntries(
    (Object.keys(writers) as Key[]).flatMap((name) => {
      const value = settings[name];
      if (value === undefined) return [];
      const [key, write] = writers[name] as readonly [string, (value: unknown) => Plain];
      return [[key, write(value)] as const];
    }),
  );
