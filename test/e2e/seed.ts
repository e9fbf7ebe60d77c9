/** Labs for the browser tests: a busy one with a month behind it, and an empty one. */
import type { NodeFacts } from '#events/node.ts';
import { FakeLab, settle } from './fake-lab.ts';

const minute = 60_000;
const hour = 60 * minute;
const gib = 2 ** 30;

const facts = (more: Partial<NodeFacts>): NodeFacts => ({
  architecture: 'x86_64',
  cpus: 8,
  memoryBytes: 32 * gib,
  os: 'Debian GNU/Linux 12 (bookworm)',
  kernel: '6.1.0-28-amd64',
  engine: { name: 'docker', version: '27.3.1' },
  pools: [{ name: 'tank', driver: 'zfs', sizeBytes: 1000 * gib }],
  version: '0.1.0',
  devices: [
    { name: 'nvme0n1', sizeBytes: 1_000_204_886_016, model: 'Samsung SSD 980 1TB', rotational: false },
    { name: 'sda', sizeBytes: 4_000_787_030_016, model: 'WDC WD40EFRX-68N', rotational: true },
  ],
  ...more,
});

const photos = `# Family photos, since 2009.
name: photos

x-floatlab:
  name: Photos
  url: https://photos.lab
  size: 40GiB
  snapshot:
    schedule: "0 * * * *"
  keep: 24h:1h 14d:1d 8w:1w

services:
  web:
    image: ghcr.io/example/photos:4.2.1
    ports: ["8080:3000"]
    depends_on: [db]
    volumes:
      - originals:/data
    restart: unless-stopped
  db:
    image: postgres:16-alpine
    environment:
      POSTGRES_PASSWORD: secret
    volumes:
      - db:/var/lib/postgresql/data
    healthcheck:
      test: ["CMD", "pg_isready"]
      interval: 10s

volumes:
  originals:
  db:
    x-floatlab:
      size: 5GiB
`;

const simple = (name: string, image: string, port: number, url?: string): string => `name: ${name}
x-floatlab:
  size: 2GiB
${url === undefined ? '' : `  url: ${url}\n`}services:
  web:
    image: ${image}
    ports: ["${port}:80"]
    volumes: ["data:/data"]
volumes:
  data:
`;

function join(lab: FakeLab, name: string, more: Partial<NodeFacts> = {}): void {
  const n = name.charCodeAt(0) % 250;
  const node = `node:${name}-1` as const;
  lab.run('join-node', { node, name, addresses: [`192.168.1.${n}`, `fd00::${n}`], facts: facts(more) }, node);
  settle();
}

export function emptyLab(): FakeLab {
  const lab = new FakeLab(Date.now() - hour);
  lab.run('create-lab', { name: 'home', timeZone: 'Europe/Berlin' }, 'system:start');
  join(lab, 'atlas');
  lab.goLive(300);
  return lab;
}

/** @param days how long it has been there */
export function busyLab(days = 3): FakeLab {
  const lab = new FakeLab(Date.now() - days * 24 * hour);
  lab.run('create-lab', { name: 'home', timeZone: 'Europe/Berlin' }, 'system:start');
  join(lab, 'atlas');
  lab.sleep(20 * minute);
  join(lab, 'vega', {
    cpus: 4,
    memoryBytes: 16 * gib,
    pools: [{ name: 'data', driver: 'btrfs', sizeBytes: 400 * gib }],
  });
  join(lab, 'polaris', {
    architecture: 'aarch64',
    cpus: 4,
    memoryBytes: 4 * gib,
    os: 'Raspberry Pi OS 12',
    kernel: '6.6.31+rpt-rpi-v8',
    pools: [{ name: 'card', driver: 'btrfs', sizeBytes: 24 * gib }],
  });
  const give = (...[name, input]: Parameters<FakeLab['run']>): void => {
    lab.run(name, input);
    settle();
    lab.sleep(2 * minute);
    settle();
  };
  give('deploy-app', { compose: photos });
  give('take-snapshot', { name: 'photos-db', note: 'first light' });
  give('deploy-app', { compose: simple('wiki', 'requarks/wiki:2.5', 8081, 'https://wiki.lab') });
  give('deploy-app', { compose: simple('backup', 'restic/rest-server:0.13', 8082) });
  give('create-schedule', { name: 'wiki-nightly', volume: 'wiki-data', cron: '30 2 * * *' });
  give('create-schedule', { name: 'backup-weekly', volume: 'backup-data', cron: '15 4 * * 1' });
  give('suspend-schedule', { name: 'backup-weekly' });
  give('stop-app', { name: 'backup' });
  give('take-snapshot', { name: 'backup-data', note: 'before the move' });
  const end = Date.now() - 25 * minute;
  while (lab.now + hour < end) {
    lab.sleep(hour);
    settle();
  }
  give('take-snapshot', { name: 'photos-originals', note: 'before the import' });
  give('create-replica', { name: 'photos-db', node: 'vega' });
  lab.sleep(Math.max(0, end - lab.now));
  settle();
  backUp(lab);
  lab.goLive(400);
  measure(lab);
  for (const line of bootLines) lab.log(lab.app('photos').stream, { ...line, at: lab.now - 60_000 });
  return lab;
}

/** A disk and a bucket, what is backed up to them each night, and what was backed up by hand. */
function backUp(lab: FakeLab): void {
  const give = (...[name, input]: Parameters<FakeLab['run']>): void => {
    lab.run(name, input);
    settle();
    settle();
  };
  give('add-backup-target', {
    ...{ name: 'usb', store: { kind: 'directory', path: '/mnt/usb/backups', node: 'atlas' } },
    ...{ keep: '7d:1d 8w:1w', verifyEveryMs: 30 * 24 * hour },
  });
  give('add-backup-target', {
    ...{ name: 'offsite', limitBytesPerSecond: 5 * 2 ** 20 },
    store: { kind: 's3', endpoint: 'https://s3.example.net', bucket: 'my-lab', prefix: 'backups' },
    secrets: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI' },
  });
  // Far from now, whenever the tests run: what they count must not grow meanwhile.
  const hours = (new Date(lab.now).getUTCHours() + 12) % 24;
  give('create-schedule', { name: 'photos-backup', app: 'photos', backupTo: 'usb', cron: `30 ${hours} * * *` });
  give('create-schedule', { name: 'wiki-offsite', volume: 'wiki-data', backupTo: 'offsite', cron: `0 ${hours} * * 0` });
  give('back-up-app', { name: 'photos', to: 'usb' });
  give('create-backup', { name: 'wiki-data', to: 'offsite' });
}

/** The busy one, where the replica of `photos-originals` has just diverged. */
export function labWithDiverged(): FakeLab {
  const lab = busyLab();
  lab.failNext('sync-replica', {
    code: 'DIVERGED',
    message: 'The replica holds snapshots that its volume does not have.',
  });
  lab.run('create-replica', { name: 'photos-originals', node: 'vega' });
  return lab;
}

const bootLines = [
  { service: 'db', stream: 'stderr', text: 'LOG:  starting PostgreSQL 16.4 on x86_64-pc-linux-musl' },
  { service: 'db', stream: 'stderr', text: 'LOG:  database system is ready to accept connections' },
  { service: 'web', stream: 'stdout', text: '\u001b[32minfo\u001b[0m  photos 4.2.1 listens on port 3000' },
  { service: 'web', stream: 'stdout', text: '\u001b[33mwarn\u001b[0m  no mail server is set, sharing by mail is off' },
  { service: 'web', stream: 'stdout', text: 'GET /api/albums 200 in 12 ms' },
] as const;

/** Figures as the agents of such a lab would send them. */
function measure(lab: FakeLab): void {
  lab.setUsage('node:atlas-1', { cpu: 0.14, memoryBytes: 11.2 * gib, memoryTotalBytes: 32 * gib, load1: 0.62 });
  lab.setUsage('node:vega-1', { cpu: 0.41, memoryBytes: 9.1 * gib, memoryTotalBytes: 16 * gib, load1: 1.84 });
  lab.setUsage('node:polaris-1', { cpu: 0.06, memoryBytes: 3.4 * gib, memoryTotalBytes: 4 * gib, load1: 0.11 });
  lab.setUsage('pool:atlas-1/tank', { usedBytes: 412 * gib, sizeBytes: 1000 * gib });
  lab.setUsage('pool:vega-1/data', { usedBytes: 120 * gib, sizeBytes: 400 * gib });
  lab.setUsage('pool:polaris-1/card', { usedBytes: 22.4 * gib, sizeBytes: 24 * gib });
  for (const [n, { stream, context }] of lab.view.list('volume').entries()) {
    lab.setUsage(stream, {
      usedBytes: context.spec.sizeBytes * [0.61, 0.18, 0.87, 0.94][n % 4]!,
      sizeBytes: context.spec.sizeBytes,
    });
  }
  for (const { stream, context } of lab.view.list('app')) {
    for (const [n, service] of Object.keys(context.spec.services).entries()) {
      lab.setUsage(`service:${stream.slice('app:'.length)}/${service}`, {
        cpu: 0.03 + n * 0.11,
        memoryBytes: (180 + n * 240) * 2 ** 20,
      });
    }
  }
}
