/** All that a service says about how its container is run, key by key. */
import type { ContainerSettings } from '#events/values/container-settings.ts';
import { quoted } from '../locate.ts';
import type { Place, Reading } from '../reading.ts';
import { booleanAt, durationAt, numberAt, textAt, written, wrongType } from '../values.ts';
import { deviceRule, devicesAt, gpusAt, loggingAt, tmpfsAt } from './devices.ts';
import {
  bytesAt,
  countAt,
  cpusAt,
  cpusetAt,
  memoryAt,
  microsecondsAt,
  signedAt,
  swapAt,
  sysctl,
  ulimitsAt,
} from './limits.ts';
import { checkDevelop, ignored } from './ignored.ts';
import { formAt, listAt, recordAt, type Form } from './lists.ts';
import { containerNameAt, dnsAt, dnsOptionsAt, dnsSearchAt, exposeAt, extraHostsAt, hostNameAt } from './naming.ts';
import { capabilitiesAt, groupsAt, modeAt, privilegedAt, securityOptionsAt, userAt } from './rights.ts';

/** Nobody waits for longer until a container has ended. */
export const longestGraceMs = 3_600_000;

type Read = (reading: Reading, place: Place) => ContainerSettings | undefined;

/** What one key becomes, where its value is right. */
const as =
  <K extends keyof ContainerSettings>(
    name: K,
    read: (reading: Reading, place: Place) => NonNullable<ContainerSettings[K]> | undefined,
  ): Read =>
  (reading, place) => {
    const value = read(reading, place);
    return value === undefined || isNothing(value) ? undefined : ({ [name]: value } as ContainerSettings);
  };

/** An empty list or map says nothing. */
const isNothing = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0;

const folder: Form = {
  what: 'a folder in the container',
  hint: 'Write its whole path: /app.',
  fits: (text) => text.startsWith('/') && text.length <= 4096 && !text.includes('\n'),
};
const signal: Form = {
  what: 'a signal',
  hint: 'Write for example SIGINT.',
  fits: (text) => /^(?:(?:SIG)?[A-Z][A-Z0-9+-]{1,15}|[1-9]|[1-5]\d|6[0-4])$/.test(text),
};
const optionName: Form = {
  what: 'a key',
  hint: 'Write key=value.',
  fits: (text) => /^[\w./-]{1,256}$/.test(text),
};
const word: Form = {
  what: 'a name',
  hint: 'Use letters, digits and "-".',
  fits: (text) => /^[\w.-]{1,128}$/.test(text),
};

const readers = {
  user: as('user', userAt),
  group_add: as('groups', groupsAt),
  working_dir: as('workingDir', (reading, place) => formAt(reading, place, folder)),
  hostname: as('hostname', hostNameAt),
  domainname: as('domainName', hostNameAt),
  init: as('init', booleanAt),
  tty: as('tty', booleanAt),
  stdin_open: as('stdinOpen', booleanAt),
  stop_signal: as('stopSignal', (reading, place) => formAt(reading, place, signal)),

  stop_grace_period: as('stopGraceMs', (reading, place) => {
    const ms = durationAt(reading, place, 0);
    if (ms === undefined || ms <= longestGraceMs) return ms;
    return reading.report(place, `${written(place)} is too long.`, 'Write an hour or less.');
  }),

  privileged: as('privileged', privilegedAt),
  read_only: as('readOnlyRoot', booleanAt),
  cap_add: as('capAdd', capabilitiesAt),
  cap_drop: as('capDrop', capabilitiesAt),
  security_opt: as('securityOptions', securityOptionsAt),
  ipc: as('ipc', (reading, place) => modeAt(reading, place, ['host', 'none', 'private', 'shareable'])),
  pid: as('pid', (reading, place) => modeAt(reading, place, ['host'])),
  uts: as('uts', (reading, place) => modeAt(reading, place, ['host'])),
  cgroup: as('cgroup', (reading, place) => modeAt(reading, place, ['host', 'private'])),
  userns_mode: as('userns', (reading, place) => modeAt(reading, place, ['host'])),
  network_mode: as('network', networkModeAt),

  devices: as('devices', devicesAt),
  device_cgroup_rules: as('deviceCgroupRules', (reading, place) => listAt(reading, place, deviceRule, 'list')),
  gpus: as('gpus', gpusAt),
  sysctls: as('sysctls', (reading, place) => recordAt(reading, place, sysctl)),
  ulimits: as('ulimits', ulimitsAt),
  tmpfs: as('tmpfs', tmpfsAt),

  cpus: as('cpus', cpusAt),
  cpu_shares: as('cpuShares', (reading, place) => numberAt(reading, place, 2, 262_144)),
  cpu_quota: as('cpuQuotaUs', (reading, place) => microsecondsAt(reading, place, 1000, 1e12)),
  cpu_period: as('cpuPeriodUs', (reading, place) => microsecondsAt(reading, place, 1000, 1_000_000)),
  cpuset: as('cpuset', cpusetAt),
  mem_limit: as('memoryBytes', memoryAt),
  mem_reservation: as('memoryReservationBytes', memoryAt),
  memswap_limit: as('memorySwapBytes', swapAt),
  mem_swappiness: as('memorySwappiness', (reading, place) => numberAt(reading, place, 0, 100)),
  oom_score_adj: as('oomScoreAdjust', (reading, place) => signedAt(reading, place, -1000, 1000)),
  oom_kill_disable: as('oomKillDisable', booleanAt),
  pids_limit: as('pidsLimit', (reading, place) => countAt(reading, place, 1, 4_194_304)),
  shm_size: as('shmBytes', (reading, place) => bytesAt(reading, place, { minBytes: 4096 })),
  storage_opt: as('storageOptions', (reading, place) =>
    place.node.kind === 'list' ? wrongType(reading, place, 'a map') : recordAt(reading, place, optionName),
  ),
  runtime: as('runtime', (reading, place) => formAt(reading, place, word)),

  dns: as('dns', dnsAt),
  dns_opt: as('dnsOptions', dnsOptionsAt),
  dns_search: as('dnsSearch', dnsSearchAt),
  extra_hosts: as('extraHosts', extraHostsAt),
  container_name: as('aliases', (reading, place) => {
    const name = containerNameAt(reading, place);
    return name === undefined ? undefined : [name];
  }),
  expose: as('expose', exposeAt),
  annotations: as('annotations', (reading, place) => recordAt(reading, place, optionName)),
  logging: as('logging', loggingAt),

  pull_policy: (reading, place) => {
    const text = textAt(reading, place);
    if (text === undefined || text === 'missing' || text === 'if_not_present') return undefined;
    return reading.report(
      place,
      `${written(place)} is not how the lab pulls images.`,
      'Remove it, or write missing: a node pulls an image that it does not have.',
    );
  },
  attach: (reading, place) => {
    booleanAt(reading, place);
    return ignored(reading, place, 'the lab shows the logs of all services');
  },
  develop: (reading, place) => {
    checkDevelop(reading, place);
    return ignored(reading, place, 'it is for development on one machine');
  },
  scale: (reading, place) => {
    const count = numberAt(reading, place, 0, 1000);
    if (count === undefined || count === 1) return undefined;
    return reading.report(place, 'One instance of each service runs.', 'Remove it.');
  },
} satisfies Readonly<Record<string, Read>>;

export const containerKeys = Object.keys(readers) as readonly (keyof typeof readers)[];

/** @param deployed what `deploy` says of it @returns undefined where the service says nothing of it */
export function containerSettingsAt(
  reading: Reading,
  keys: ReadonlyMap<string, Place>,
  deployed: ContainerSettings,
): ContainerSettings | undefined {
  let settings = deployed;
  for (const key of containerKeys) {
    const place = keys.get(key);
    const said = place && readers[key](reading, place);
    if (said && differs(said, deployed))
      reading.report(place, `\`${key}\` and \`deploy\` say different things.`, 'Say it in one of the two.');
    settings = { ...settings, ...said };
  }
  checkTogether(reading, keys, settings);
  return isNothing(settings) ? undefined : settings;
}

function networkModeAt(reading: Reading, place: Place): ContainerSettings['network'] {
  const text = textAt(reading, place);
  if (text === undefined || text === 'host' || text === 'none') return text;
  const service = /^service:(.+)$/.exec(text)?.[1];
  if (service !== undefined) return `service:${service}`;
  if (text.startsWith('container:')) {
    return reading.report(
      place,
      'A container by its name is one of a single machine, and of nobody whom the lab knows.',
      'Name a service of this file: network_mode: service:NAME.',
    );
  }
  return modeAt(reading, place, ['host', 'none']);
}

const differs = (said: ContainerSettings, deployed: ContainerSettings): boolean =>
  Object.entries(said).some(([name, value]) => {
    const other = deployed[name as keyof ContainerSettings];
    return other !== undefined && JSON.stringify(other) !== JSON.stringify(value);
  });

/** What the engine would refuse when the container is made, or what would do nothing. */
function checkTogether(reading: Reading, keys: ReadonlyMap<string, Place>, settings: ContainerSettings): void {
  const at = (key: string): Place => (keys.get(key) ?? keys.get('deploy')) as Place;
  const { network, memoryBytes, memoryReservationBytes, memorySwapBytes, cpus, cpuQuotaUs, cpuPeriodUs } = settings;
  const shared = network?.startsWith('service:') ? network.slice('service:'.length) : undefined;
  if (shared !== undefined) {
    for (const key of ['ports', 'expose', 'hostname', 'domainname', 'dns', 'dns_opt', 'dns_search', 'extra_hosts'])
      if (keys.has(key))
        reading.report(
          at(key),
          `\`${key}\` belongs to the network, and that is of another service.`,
          `Write it in service ${quoted(shared)}, or remove \`network_mode\`.`,
        );
  } else if (network !== undefined && keys.has('ports'))
    reading.report(
      at('ports'),
      network === 'host'
        ? 'With the network of the node there is nothing to publish: each port is on the node as it is.'
        : 'Without a network there is nothing to publish.',
      'Remove `ports`, or `network_mode`.',
    );
  if (memoryReservationBytes !== undefined && memoryBytes !== undefined && memoryReservationBytes > memoryBytes)
    reading.report(at('mem_reservation'), 'More memory is reserved than may be used.', 'Lower it, or raise mem_limit.');
  if (memorySwapBytes !== undefined && memoryBytes === undefined)
    reading.report(at('memswap_limit'), '`memswap_limit` needs `mem_limit`.', 'Add mem_limit, or remove it.');
  else if (memorySwapBytes !== undefined && memorySwapBytes !== -1 && memorySwapBytes < (memoryBytes ?? 0))
    reading.report(
      at('memswap_limit'),
      '`memswap_limit` is memory and swap together, and less than `mem_limit`.',
      'Raise it, or write -1.',
    );
  if (cpus !== undefined && (cpuQuotaUs !== undefined || cpuPeriodUs !== undefined))
    reading.report(at('cpus'), '`cpus` says the same as `cpu_quota` and `cpu_period`.', 'Remove one of the two.');
}
