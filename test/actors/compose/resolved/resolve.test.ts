import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readCompose } from '#actors/compose/read.ts';
import { renderFindings } from '#actors/compose/render.ts';
import { hidden, resolvedFile } from '#actors/compose/resolved/resolve.ts';
import type { ComposeInput } from '#actors/compose/model.ts';
import { fixtures, input, inputFromFolder } from '../fixtures.ts';

function appOf(given: ComposeInput) {
  const result = readCompose(given);
  if ('findings' in result) throw new Error(renderFindings(result.findings));
  const { notes: _, ...app } = result.app;
  return app;
}
/** What the file itself holds keeps its content, and gets another name; so the order of mounts may be another one. */
function named(app: ReturnType<typeof appOf>): unknown {
  const made = /\.compose\/(?:configs\/(secrets|configs)\.|(secrets|configs)\/)/g;
  const copy = JSON.parse(JSON.stringify(app).replaceAll(made, '.compose/$1$2/')) as typeof app;
  for (const { mounts } of Object.values(copy.spec.services)) mounts.sort((a, b) => (a.target < b.target ? -1 : 1));
  return copy;
}
const textOf = (given: ComposeInput): string =>
  stringify(resolvedFile(appOf(given), { showSecrets: true }), { aliasDuplicateObjects: false });

const good = join(fixtures, 'good');
test.each(readdirSync(good))('the resolved file of %s is the same app', (name) => {
  const given = inputFromFolder(join(good, name));
  const again = { ...given, text: textOf(given) };
  expect(named(appOf(again))).toEqual(named(appOf(given)));
});

const everything = `
name: all
networks:
  front:
    driver_opts: { com.example: 'on' }
    internal: true
    enable_ipv6: true
    labels: { a: b }
    ipam: { config: [{ subnet: 10.9.0.0/24, ip_range: 10.9.0.0/26, gateway: 10.9.0.1, aux_addresses: { nas: 10.9.0.2 } }] }
  back: { external: true, name: proxy }
services:
  web:
    image: nginx:\${TAG:-1}
    entrypoint: /run.sh
    command: "a 'b c' $$HOME"
    environment: { A: 1, PASSWORD: '\${SECRET}', DOLLAR: 'a$$b' }
    ports: ['127.0.0.1:8080-8081:80-81/udp', '[::1]:90:90']
    volumes: ['data:/data:ro', './conf:/conf', { type: volume, source: data, target: /part, volume: { subpath: x } }]
    depends_on: { db: { condition: service_healthy, required: false } }
    restart: on-failure:3
    networks:
      front: { aliases: [site], ipv4_address: 10.9.0.5, ipv6_address: 'fd00::5', priority: 9 }
      back: { link_local_ips: [169.254.8.8], driver_opts: { o: 1 } }
    mac_address: '02:42:ac:11:00:05'
    healthcheck: { test: 'curl $$HOST', interval: 1m30s, timeout: 500ms, start_period: 1h, start_interval: 5s, retries: 3 }
    labels: [a=b]
    user: '1000:1000'
    group_add: [video]
    working_dir: /app
    hostname: web
    domainname: lab.example
    container_name: front
    init: true
    tty: true
    stdin_open: true
    stop_signal: SIGINT
    stop_grace_period: 90s
    privileged: true
    read_only: true
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    security_opt: ['no-new-privileges:true']
    ipc: host
    pid: host
    uts: host
    cgroup: host
    userns_mode: host
    devices: ['/dev/dri:/dev/dri:rw', /dev/kvm]
    device_cgroup_rules: ['c 13:* rw']
    gpus: [{ driver: nvidia, count: 2 }, { device_ids: ['0'] }]
    sysctls: { net.core.somaxconn: 1024 }
    ulimits: { nofile: { soft: 1, hard: 2 }, nproc: 5 }
    tmpfs: ['/run:size=64m', /tmp]
    cpus: 1.5
    cpu_shares: 512
    cpuset: '0-3'
    mem_limit: 512m
    mem_reservation: 256m
    memswap_limit: 1g
    mem_swappiness: 10
    oom_score_adj: -5
    oom_kill_disable: true
    pids_limit: 100
    shm_size: 64m
    storage_opt: { size: 1G }
    runtime: runc
    dns: [1.1.1.1, 'fd00::1']
    dns_opt: ['ndots:2']
    dns_search: [lab.example]
    extra_hosts: ['nas:192.168.1.5', 'v6=fd00::5', 'node:host-gateway']
    expose: ['8080', '53/udp']
    annotations: { a: b }
    logging: { driver: local, options: { max-size: 1m } }
  db:
    image: postgres
    cpu_quota: 50000
    cpu_period: 100000
    healthcheck: { test: [NONE] }
    deploy: { resources: { reservations: { devices: [{ capabilities: [gpu] }] } } }
volumes:
  data:
    x-floatlab: { size: 3GiB, snapshot: { on-change: false }, replicas: 0, keep: 'last:3', backup: false }
  other: { x-floatlab: { nodes: { zone: attic }, pool: main, driver: zfs, max-data-loss: 5m } }
x-floatlab:
  name: All of it
  icon: https://x.lab/i.png
  url: https://x.lab
  size: 1000000000
  grow-to: 9GiB
  snapshot: { schedule: '0 * * * *', on-change: { settle: 45s, at-most-every: 90m } }
  keep: 24h:1h
  hooks: { before: { service: db, command: ['sh', '-c', 'a $$B'] }, on-failure: take-anyway }
  replicas: 2
  replicate: '30 2 * * *'
  backup: { target: usb, schedule: '30 3 * * *', keep: '14d:1d', test-restore: 30d }
`;
const given = input(everything.replace('condition: service_healthy', 'condition: service_started'), {
  '.env': 'SECRET=s3cret$$x\n',
  'conf/a': 'x',
});

test('a file with every key is the same app when it is resolved, and resolving it again changes nothing', () => {
  const text = textOf(given);
  const again = { ...given, text };
  expect(named(appOf(again))).toEqual(named(appOf(given)));
  expect(textOf(again)).toBe(text);
});

test('values of the environment, and what stands in configs and secrets, are hidden unless somebody asks', () => {
  const secret = input(
    'services: {web: {image: x, environment: ["A=${A}"], secrets: [key]}}\nsecrets: {key: {environment: A}}\n',
    { '.env': 'A=s3cret\n' },
  );
  const shown = resolvedFile(appOf(secret), { showSecrets: false });
  expect(JSON.stringify(shown)).not.toContain('s3cret');
  expect(shown).toMatchObject({
    services: { web: { environment: { A: hidden }, configs: [{ source: 'secrets.key', target: '/run/secrets/key' }] } },
    configs: { 'secrets.key': { content: hidden } },
  });
  expect(JSON.stringify(resolvedFile(appOf(secret), { showSecrets: true }))).toContain('s3cret');
});
