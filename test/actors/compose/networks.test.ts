import { describe, expect, test } from 'vitest';
import { readCompose } from '#actors/compose/read.ts';
import type { ComposeApp } from '#actors/compose/model.ts';

const read = (text: string) => readCompose({ fileName: 'compose.yaml', text, files: {} });

function bundleOf(text: string): ComposeApp['bundle'] {
  const result = read(text);
  if ('findings' in result) throw new Error(result.findings.map(({ message }) => message).join('\n'));
  return result.app.bundle;
}

const findingsOf = (text: string): readonly string[] => {
  const result = read(text);
  return 'findings' in result ? result.findings.map(({ path, message }) => `${path}: ${message}`) : [];
};

const web = (more: string): string => `services: {web: {image: nginx, ${more}}}\n`;

describe('networks of an app', () => {
  test('are described with what a bundle keeps of those that somebody is in', () => {
    const bundle = bundleOf(`
services:
  web: { image: nginx, networks: [lan, proxy] }
networks:
  lan:
    driver: macvlan
    driver_opts: { parent: eth0 }
    internal: true
    enable_ipv6: true
    labels: [a=b]
    ipam:
      driver: default
      config:
        - { subnet: 10.0.0.0/24, ip_range: 10.0.0.64/26, gateway: 10.0.0.1, aux_addresses: { nas: 10.0.0.2 } }
  proxy: { external: true, name: traefik }
  unused: {}
`);
    expect(bundle.networks).toEqual({
      lan: {
        ...{ driver: 'macvlan', options: { parent: 'eth0' }, internal: true, ipv6: true, labels: { a: 'b' } },
        subnets: [{ subnet: '10.0.0.0/24', range: '10.0.0.64/26', gateway: '10.0.0.1', reserved: { nas: '10.0.0.2' } }],
      },
      proxy: { external: true, name: 'traefik' },
    });
  });

  test('need not be described, and `default` can be', () => {
    expect(bundleOf(web('')).networks).toBeUndefined();
    expect(bundleOf(`${web('')}networks: {default: {internal: true}, back: }\n`).networks).toEqual({
      default: { internal: true },
    });
  });

  test.each([
    ['networks: {a b: {}}', 'networks["a b"]: `a b` cannot be the name of a network.'],
    ['networks: {a: {driver: overlay}}', 'networks.a.driver: FloatLab makes no networks with the driver `overlay`.'],
    ['networks: {a: {name: host}}', 'networks.a.name: `host` cannot be the name of a network.'],
    [
      'networks: {a: {ipam: {driver: dhcp}}}',
      'networks.a.ipam.driver: `dhcp` is not the driver that comes with Docker.',
    ],
    ['networks: {a: {ipam: {config: [{gateway: 10.0.0.1}]}}}', 'networks.a.ipam.config[0]: This has no `subnet`.'],
    [
      'networks: {a: {ipam: {config: [{subnet: 10.0.0.0/33}]}}}',
      'networks.a.ipam.config[0].subnet: `10.0.0.0/33` is not a subnet.',
    ],
    [
      'networks: {a: {external: true, internal: true}}',
      'networks.a.internal: `internal` says how a network is made, and this one is made by somebody else (external).',
    ],
    ['networks: {a: {scope: x}}', 'networks.a.scope: `scope` is not a key of networks.'],
  ])('%s is refused', (text, finding) => {
    expect(findingsOf(`${web('')}${text}\n`)).toEqual([finding]);
  });
});

describe('links', () => {
  const db = 'db: {image: postgres}';
  const linked = (links: string, more = ''): string =>
    `services: {web: {image: nginx, links: ${links}}, ${db}${more}}\n`;

  test('make what they name come first, and give it further names in all of its networks', () => {
    const result = read(linked('[db, "db:database"]'));
    if ('findings' in result) throw new Error('it is read');
    expect(result.app.spec.services['web']?.dependsOn).toEqual([
      { service: 'db', condition: 'service_started', required: true },
    ]);
    expect(result.app.bundle.services['db']?.networks).toEqual({ default: { aliases: ['database'] } });
    expect(result.app.notes.map(({ message }) => message)).toEqual([
      'All services of the app reach it by this name, not this one alone.',
    ]);
  });

  test.each([
    ['[dbb]', '`dbb` does not begin with a service of this app.'],
    ['[web]', 'A service has no link to itself.'],
    ['["db:a:b"]', '`db:a:b` is not a link.'],
    ['["db:a b"]', '`db:a b` is not a link.'],
  ])('%s is refused', (links, message) => {
    expect(findingsOf(linked(links))).toEqual([`services.web.links[0]: ${message}`]);
  });

  test('of two services to each other are a circle', () => {
    expect(findingsOf('services: {a: {image: x, links: [b]}, b: {image: x, links: [a]}}\n')[0]).toMatch(
      /each other|circle/i,
    );
  });
});

describe('networks of a service', () => {
  const networksOf = (more: string) => bundleOf(`${web(more)}networks: {a: , b: , c: }\n`).services['web']?.networks;

  test('are left out where the file names none', () => {
    expect(networksOf('')).toBeUndefined();
    expect(networksOf('networks: []')).toBeUndefined();
  });

  test('come in the order of priority, then by name, with how the container is in each', () => {
    const all = networksOf(
      'networks: {b: {aliases: [x, y], mac_address: "02:42:ac:11:00:05"}, a: , c: {priority: 5, ipv4_address: 10.0.0.5, ' +
        'ipv6_address: "fd00::5", link_local_ips: [169.254.8.8], driver_opts: {o: 1}}}',
    );
    expect(Object.entries(all ?? {})).toEqual([
      ['c', { ipv4: '10.0.0.5', ipv6: 'fd00::5', linkLocal: ['169.254.8.8'], options: { o: '1' } }],
      ['a', {}],
      ['b', { aliases: ['x', 'y'], mac: '02:42:ac:11:00:05' }],
    ]);
  });

  test('give the first of them the address of the service', () => {
    const mac = '02:42:ac:11:00:05';
    expect(networksOf(`mac_address: "${mac}"`)).toEqual({ default: { mac } });
    expect(networksOf(`mac_address: "${mac}", networks: [b, a]`)).toEqual({ a: { mac }, b: {} });
  });

  test.each([
    ['networks: [d]', 'services.web.networks[0]: `d` is not a network of this file.'],
    ['networks: {d: }', 'services.web.networks.d: `d` is not a network of this file.'],
    ['networks: [a, a]', 'services.web.networks[1]: `a` stands here twice.'],
    ['networks: a', '`services.web.networks` must be a list or a map, but is text.'],
    [
      'networks: {a: {ipv4_address: fd00::1}}',
      'services.web.networks.a.ipv4_address: `fd00::1` is not an IPv4 address.',
    ],
    ['mac_address: "03:42:ac:11:00:05"', 'services.web.mac_address: `03:42:ac:11:00:05` is not a MAC address.'],
    [
      'network_mode: host, networks: [a]',
      'services.web.networks: With `network_mode` the service is in no network of the app.',
    ],
    ['networks: {a: {aliases: ["x y"]}}', 'services.web.networks.a.aliases[0]: `x y` is not a name.'],
  ])('%s is refused', (more, finding) => {
    const found = findingsOf(`${web(more)}networks: {a: , b: }\n`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(finding);
  });

  test('of several files are all of them', () => {
    const files = {
      'compose.override.yaml': {
        content: btoa(
          'services: {web: {networks: {b: {aliases: [x]}}}}\nnetworks: {a: {internal: true}, b: {labels: {k: v}}}\n',
        ),
        mode: 0o644,
        override: 1,
      },
    };
    const text = `${web('networks: [a]')}networks: {a: , b: {labels: [l=w]}}\n`;
    const result = readCompose({
      fileName: 'compose.yaml',
      text,
      files,
    });
    if ('findings' in result) throw new Error(JSON.stringify(result.findings));
    expect(result.app.bundle.services['web']?.networks).toEqual({ a: {}, b: { aliases: ['x'] } });
    expect(result.app.bundle.networks).toEqual({ a: { internal: true }, b: { labels: { k: 'v', l: 'w' } } });
  });
});
