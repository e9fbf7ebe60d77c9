/** What is sent to the engine and what its answers mean: bodies, figures, events, progress, names. */
import { describe, expect, test } from 'vitest';
import type { ContainerSettings } from '#events/values/container-settings.ts';
import { createBody } from '#io/devices/docker/create-body.ts';
import { networkBody } from '#io/devices/docker/networks.ts';
import { engineEvent } from '#io/devices/docker/engine-event.ts';
import { checkedName, checkedReference } from '#io/devices/docker/names.ts';
import type { ContainerSpec } from '#io/devices/docker/port.ts';
import { pullProgress } from '#io/devices/docker/pull-progress.ts';
import { normalReference, splitReference } from '#io/devices/docker/reference.ts';
import { containerStats } from '#io/devices/docker/stats.ts';

const plain: ContainerSpec = {
  name: 'web',
  image: 'nginx:1',
  environment: [],
  labels: {},
  ports: [],
  mounts: [],
  networks: [{ name: 'app', aliases: [] }],
};

describe('a container is made', () => {
  test('so that only the agent restarts it', () => {
    expect(createBody(plain).HostConfig?.RestartPolicy).toEqual({ Name: 'no' });
  });

  test('with what the image says wherever the specification is silent', () => {
    const body = createBody(plain);
    for (const key of ['Cmd', 'Entrypoint', 'User', 'WorkingDir', 'Hostname', 'StopSignal', 'Healthcheck'])
      expect(body).not.toHaveProperty(key);
    expect(body.HostConfig).not.toHaveProperty('Init');
  });

  test('with everything that the specification says', () => {
    const body = createBody({
      ...plain,
      command: ['serve'],
      entrypoint: [],
      environment: ['A=1', 'B'],
      labels: { app: 'photos' },
      ports: [
        { published: 8080, target: 80, protocol: 'tcp' },
        { hostIp: '127.0.0.1', published: 8081, target: 80, protocol: 'tcp' },
        { published: 53, target: 53, protocol: 'udp' },
      ],
      mounts: [{ source: '/pool/photos', target: '/srv', readOnly: true }],
      healthcheck: {
        test: ['CMD', 'true'],
        intervalMs: 1500.5,
        timeoutMs: 3000,
        startPeriodMs: 0.5,
        startIntervalMs: 2000,
        retries: 3,
      },
      networks: [{ name: 'app', aliases: ['web', 'photos-web'] }],
      settings: { hostname: 'photos', user: '1000:1000', workingDir: '/srv', stopSignal: 'SIGINT', init: true },
    });
    expect(body).toMatchObject({
      name: 'web',
      Image: 'nginx:1',
      Cmd: ['serve'],
      Entrypoint: [],
      Env: ['A=1', 'B'],
      Labels: { app: 'photos' },
      Hostname: 'photos',
      User: '1000:1000',
      WorkingDir: '/srv',
      StopSignal: 'SIGINT',
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Healthcheck: {
        Test: ['CMD', 'true'],
        Interval: 1_500_500_000,
        Timeout: 3_000_000_000,
        StartPeriod: 500_000,
        StartInterval: 2_000_000_000,
        Retries: 3,
      },
      HostConfig: {
        NetworkMode: 'app',
        Init: true,
        Mounts: [{ Type: 'bind', Source: '/pool/photos', Target: '/srv', ReadOnly: true }],
        PortBindings: {
          '80/tcp': [{ HostPort: '8080' }, { HostIp: '127.0.0.1', HostPort: '8081' }],
          '53/udp': [{ HostPort: '53' }],
        },
      },
      NetworkingConfig: { EndpointsConfig: { app: { Aliases: ['web', 'photos-web'] } } },
    });
  });

  test('with the rights, limits, devices and names of its settings, and nothing where there are none', () => {
    const settings: ContainerSettings = {
      ...{ groups: ['video'], domainName: 'lab', tty: true, stdinOpen: false, privileged: false, readOnlyRoot: true },
      ...{ capAdd: ['NET_ADMIN'], capDrop: ['ALL'], securityOptions: ['no-new-privileges'], ipc: 'host', pid: 'host' },
      ...{ uts: 'host', cgroup: 'private', userns: 'host', deviceCgroupRules: ['c 13:* rw'] },
      devices: [{ path: '/dev/a', target: '/dev/b', permissions: 'rw' }],
      gpus: [{ count: -1, capabilities: ['gpu'] }],
      ...{ sysctls: { 'net.a': '1' }, ulimits: { nofile: { soft: 1, hard: 2 } }, tmpfs: { '/run': 'size=1m' } },
      ...{ cpus: 0.5, cpuShares: 2, cpuset: '0', memoryBytes: 3, memoryReservationBytes: 2, memorySwapBytes: -1 },
      ...{ memorySwappiness: 0, oomScoreAdjust: -5, oomKillDisable: true, pidsLimit: -1, shmBytes: 4096 },
      ...{ storageOptions: { size: '1G' }, runtime: 'runc', dns: ['1.1.1.1'], dnsOptions: ['ndots:1'] },
      ...{ dnsSearch: ['lab'], extraHosts: ['nas:10.0.0.1'], expose: ['9001/tcp'] },
      ...{ annotations: { why: 'test' }, logging: { options: { 'max-size': '1m' } } },
    };
    const body = createBody({ ...plain, settings });
    expect(body).toMatchObject({ Domainname: 'lab', Tty: true, OpenStdin: false, ExposedPorts: { '9001/tcp': {} } });
    const { Mounts: _, PortBindings: __, RestartPolicy: ___, ...host } = body.HostConfig ?? {};
    expect(host).toEqual({
      ...{ NetworkMode: 'app', GroupAdd: ['video'], Privileged: false, ReadonlyRootfs: true, CapAdd: ['NET_ADMIN'] },
      ...{ CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], IpcMode: 'host', PidMode: 'host', UTSMode: 'host' },
      ...{ CgroupnsMode: 'private', UsernsMode: 'host', DeviceCgroupRules: ['c 13:* rw'] },
      Devices: [{ PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'rw' }],
      DeviceRequests: [{ Count: -1, Capabilities: [['gpu']] }],
      Sysctls: { 'net.a': '1' },
      Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }],
      Tmpfs: { '/run': 'size=1m' },
      ...{ NanoCpus: 500_000_000, CpuShares: 2, CpusetCpus: '0', Memory: 3, MemoryReservation: 2, MemorySwap: -1 },
      ...{ MemorySwappiness: 0, OomScoreAdj: -5, OomKillDisable: true, PidsLimit: -1, ShmSize: 4096 },
      ...{ StorageOpt: { size: '1G' }, Runtime: 'runc', Dns: ['1.1.1.1'], DnsOptions: ['ndots:1'], DnsSearch: ['lab'] },
      ...{ ExtraHosts: ['nas:10.0.0.1'], Annotations: { why: 'test' } },
      LogConfig: { Type: '', Config: { 'max-size': '1m' } },
    });
    const silent = createBody(plain).HostConfig ?? {};
    expect(Object.keys(silent).toSorted()).toEqual(['Mounts', 'NetworkMode', 'PortBindings', 'RestartPolicy']);
  });

  test('in the network of its node, or in none: it has no names in that of the app', () => {
    for (const network of ['host', 'none'] as const) {
      const body = createBody({ ...plain, networks: [], settings: { network } });
      expect(body.HostConfig?.NetworkMode).toBe(network);
      expect(body).not.toHaveProperty('NetworkingConfig');
    }
  });
});

describe('networks', () => {
  test('a container is made in the first of them, with its addresses and names there', () => {
    const endpoint = { aliases: ['web'], ipv4: '172.28.0.5', ipv6: 'fd00::5', linkLocal: ['169.254.8.8'] };
    const first = { name: 'front', ...endpoint, mac: '02:42:ac:11:00:05', options: { 'com.example.a': 'b' } };
    const body = createBody({ ...plain, networks: [first, { name: 'back', aliases: ['web'] }] });
    expect(body).toMatchObject({ HostConfig: { NetworkMode: 'front' }, MacAddress: '02:42:ac:11:00:05' });
    expect(body.NetworkingConfig?.EndpointsConfig).toEqual({
      front: {
        Aliases: ['web'],
        IPAMConfig: { IPv4Address: '172.28.0.5', IPv6Address: 'fd00::5', LinkLocalIPs: ['169.254.8.8'] },
        MacAddress: '02:42:ac:11:00:05',
        DriverOpts: { 'com.example.a': 'b' },
      },
    });
  });

  test('a network is made with what its file says, and with what says whose it is', () => {
    const labels = { mine: 'yes' };
    expect(networkBody({ name: 'app', labels })).toEqual({
      ...{ Name: 'app', Driver: 'bridge', CheckDuplicate: true, Labels: labels },
    });
    const body = networkBody({
      ...{ name: 'lan', labels, notes: { config: 'x' } },
      settings: {
        ...{
          driver: 'macvlan',
          options: { parent: 'eth0' },
          internal: true,
          ipv6: false,
          labels: { mine: 'no', a: 'b' },
        },
        subnets: [{ subnet: '10.0.0.0/24', range: '10.0.0.64/26', gateway: '10.0.0.1', reserved: { nas: '10.0.0.2' } }],
      },
    });
    expect(body).toEqual({
      ...{ Name: 'lan', Driver: 'macvlan', CheckDuplicate: true, Options: { parent: 'eth0' }, Internal: true },
      ...{ EnableIPv6: false, Labels: { mine: 'yes', a: 'b', config: 'x' } },
      IPAM: {
        Driver: 'default',
        Config: [
          {
            ...{ Subnet: '10.0.0.0/24', IPRange: '10.0.0.64/26', Gateway: '10.0.0.1' },
            AuxiliaryAddresses: { nas: '10.0.0.2' },
          },
        ],
      },
    });
  });
});

describe('figures', () => {
  const two = {
    read: '2026-11-21T09:05:55.125655284Z',
    preread: '2026-11-21T09:05:54.125655284Z',
    cpu_stats: { cpu_usage: { total_usage: 3_500_000_000 } },
    precpu_stats: { cpu_usage: { total_usage: 2_000_000_000 } },
  };

  test('a second and a half of processor time in one second is one and a half cores', () => {
    expect(containerStats(two).cpuCores).toBe(1.5);
  });

  test('memory leaves out the cache that is given back, by either version of control groups', () => {
    const usage = 100;
    expect(
      containerStats({ memory_stats: { usage, limit: 1000, stats: { inactive_file: 1, total_inactive_file: 30 } } }),
    ).toMatchObject({ memoryBytes: 70, memoryLimitBytes: 1000 });
    expect(
      containerStats({ memory_stats: { usage, limit: 1000, stats: { inactive_file: 40, anon: 60 } } }),
    ).toMatchObject({
      memoryBytes: 60,
    });
    expect(containerStats({ memory_stats: { usage, stats: { inactive_file: 400 } } }).memoryBytes).toBe(100);
  });

  test('the first reading, a restarted container and one that does not run are no negative and no endless figures', () => {
    const never = '0001-01-01T00:00:00Z';
    const zero = { cpuCores: 0, memoryBytes: 0, memoryLimitBytes: 0 };
    expect(containerStats({ ...two, preread: never }).cpuCores).toBe(0);
    expect(containerStats({ ...two, cpu_stats: two.precpu_stats, precpu_stats: two.cpu_stats }).cpuCores).toBe(0);
    expect(containerStats({ read: never, preread: never, memory_stats: {} })).toEqual(zero);
    expect(containerStats({})).toEqual(zero);
  });
});

describe('events', () => {
  const attributes = { image: 'nginx', name: 'web', exitCode: '7', execDuration: '4', 'floatlab.app': 'photos' };
  const raw = {
    Type: 'container',
    Action: 'die',
    Actor: { ID: 'abc', Attributes: attributes },
    time: 1,
    // Nanoseconds do not fit a number: the last three digits are lost on the way.
    timeNano: 1_800_000_000_123_456_000,
  };

  test('carry the labels of the container and nothing that the engine mixed in', () => {
    expect(engineEvent(raw)).toEqual({
      at: 1_800_000_000_123,
      action: 'die',
      container: 'abc',
      labels: { 'floatlab.app': 'photos' },
    });
  });

  test('any change of health is health, anything unknown is other', () => {
    expect(engineEvent({ ...raw, Action: 'health_status: unhealthy' })?.action).toBe('health');
    expect(engineEvent({ ...raw, Action: 'rename' })?.action).toBe('other');
    expect(engineEvent({ Type: 'daemon' })).toBeUndefined();
  });
});

describe('progress of a pull', () => {
  test('adds up the layers, and never goes back', () => {
    const next = pullProgress('postgres:16');
    const seen = [
      { status: 'Pulling from library/postgres', id: '16' },
      { status: 'Pulling fs layer', id: 'a' },
      { status: 'Already exists', id: 'z' },
      { status: 'Downloading', id: 'a', progressDetail: { current: 10, total: 100 } },
      { status: 'Downloading', id: 'b', progressDetail: { current: 50, total: 50 } },
      { status: 'Downloading', id: 'a', progressDetail: { current: 5, total: 100 } },
      { status: 'Download complete', id: 'b' },
      { status: 'Download complete', id: 'a' },
      { status: 'Extracting', id: 'a', progressDetail: { current: 1, total: 100 } },
      { status: 'Pull complete', id: 'a' },
      { status: 'Digest: sha256:0' },
    ].flatMap((message) => next(message) ?? []);
    expect(seen.map(({ done, total }) => [done, total])).toEqual([
      [10, 100],
      [60, 150],
      [60, 150],
      [150, 150],
    ]);
    expect(seen[0]?.text).toBe('pulling postgres:16');
  });
});

describe('names of images', () => {
  test('are taken apart at the tag or digest, not at the port of a registry', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(splitReference('postgres')).toEqual({ repository: 'postgres', version: 'latest' });
    expect(splitReference('postgres:16')).toEqual({ repository: 'postgres', version: '16' });
    expect(splitReference('localhost:5000/a/b')).toEqual({ repository: 'localhost:5000/a/b', version: 'latest' });
    expect(splitReference('localhost:5000/a:1')).toEqual({ repository: 'localhost:5000/a', version: '1' });
    expect(splitReference(`a:1@${digest}`)).toEqual({ repository: 'a', version: digest });
  });

  test('have one spelling', () => {
    for (const name of ['nginx', 'nginx:latest', 'library/nginx', 'docker.io/library/nginx:latest'])
      expect(normalReference(name)).toBe('docker.io/library/nginx:latest');
    expect(normalReference('floatlab/welcome')).toBe('docker.io/floatlab/welcome:latest');
    expect(normalReference('ghcr.io/a/b:1')).toBe('ghcr.io/a/b:1');
    expect(normalReference('localhost/a@sha256:00')).toBe('localhost/a@sha256:00');
  });
});

describe('names in addresses', () => {
  test('nothing leads out of the address or adds to it', () => {
    for (const name of ['', '..', '.', 'a/b', 'a?b', 'a#b', 'a b', 'a\n', '-a', '%2e', 'ä'])
      expect(() => checkedName(name)).toThrow('is not a name');
    for (const name of [
      '',
      '..',
      '../a',
      'a/../b',
      'a//b',
      'a?b',
      'a#b',
      'a b',
      'a\n',
      '-a',
      '/a',
      'a/',
      'a'.repeat(513),
    ])
      expect(() => checkedReference(name)).toThrow('is not the name of an image');
  });

  test('what people write passes', () => {
    for (const name of ['web', 'photos_web-1', 'a.b', '0123456789ab']) expect(checkedName(name)).toBe(name);
    const digest = `sha256:${'0'.repeat(64)}`;
    for (const name of [
      'nginx',
      'a/b-c_d:1.2-x',
      'localhost:5000/x',
      'ghcr.io/a/b__c:1',
      `a@${digest}`,
      `a:1@${digest}`,
    ])
      expect(checkedReference(name)).toBe(name);
  });

  test('a hostile long name is refused quickly', () => {
    const before = performance.now();
    expect(() => checkedReference(`${'a-'.repeat(250)}!`)).toThrow();
    expect(performance.now() - before).toBeLessThan(100);
  });
});
