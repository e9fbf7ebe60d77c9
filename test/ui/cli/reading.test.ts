import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { momentWords } from '#ui/cli/output/words.ts';
import { parse } from 'yaml';
import { FakeServer } from './fake-server.ts';
import {
  activityRow,
  alertRow,
  appRow,
  nodeRow,
  operationRow,
  scheduleRow,
  serviceRow,
  snapshotRow,
  volumeRow,
} from './sample-rows.ts';
import { dayMs, hourMs, lines, minuteMs, now, run, secondMs, type Run, type Setting } from './test-world.ts';

let lab: FakeServer;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(() => lab.forget());

const floatlab = (command: string, setting: Setting = {}): Promise<Run> =>
  run(command.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? [], { server: lab.url, ...setting });

const apps = [
  appRow('wiki', {
    since: now - 12 * minuteMs,
    url: 'https://wiki.lab',
    volumes: [{ id: 'volume:wiki-data', name: 'wiki-data', key: 'data' }],
  }),
  appRow('photos', { url: 'https://photos.lab', volumes: [{ id: 'volume:photos-db', name: 'photos-db', key: 'db' }] }),
  appRow('backup', { state: 'stopped', node: null, instance: null, since: now - 2 * dayMs, services: {} }),
];
const volumes = [
  volumeRow('photos-db', { lastSnapshotAt: now - 41 * secondMs }),
  volumeRow('wiki-data', { lastSnapshotAt: null, snapshots: 0, app: { id: 'app:wiki', name: 'wiki' } }),
];

describe('floatlab ps', () => {
  beforeEach(() => lab.rows('/api/v1/apps', apps).rows('/api/v1/volumes', volumes));

  test('lists the apps: how they are, where, and how old their newest snapshot is', async () => {
    const { code, out, err } = await floatlab('ps');
    expect(lines(out)).toEqual([
      'APP     STATE    NODE   SINCE  LAST SNAPSHOT  URL',
      'backup  stopped  –      2 d    –              –',
      'photos  running  atlas  3 d    41 s ago       https://photos.lab',
      'wiki    running  atlas  12 m   none           https://wiki.lab',
    ]);
    expect(err).toBe('');
    expect(code).toBe(0);
  });

  test('says how many volumes have a snapshot when not all have', async () => {
    const two = volumes.map(({ id, name }) => ({ id, name, key: name }));
    lab.rows('/api/v1/apps', [appRow('photos', { volumes: two })]);
    expect((await floatlab('ps')).out).toContain('1 of 2');
  });

  test('prints names alone with -q', async () => {
    expect((await floatlab('ps -q')).out).toBe('backup\nphotos\nwiki\n');
  });

  test('prints the rows of the API as JSON and YAML, their times in ISO 8601', async () => {
    const readable = ({ since, createdAt, services, ...row }: (typeof apps)[number]) => ({
      ...row,
      since: new Date(since).toISOString(),
      createdAt: new Date(createdAt).toISOString(),
      services: Object.fromEntries(
        Object.entries(services).map(([name, service]) => [
          name,
          { ...service, since: new Date(service.since).toISOString() },
        ]),
      ),
    });
    const expected = [apps[2], apps[1], apps[0]].map((row) => row && readable(row));
    expect(JSON.parse((await floatlab('ps -o json')).out)).toEqual(expected);
    expect(parse((await floatlab('ps -o yaml')).out)).toEqual(expected);
  });

  describe('prints an address that can be opened', () => {
    const published = (port: object): Promise<Run> => {
      const ports = [{ published: 8090, target: 80, protocol: 'tcp' as const, ...port }];
      lab.rows('/api/v1/apps', [appRow('photos', { services: { web: serviceRow({ ports }) } })]);
      return floatlab('ps');
    };

    test('where the lab is reached, for an app that has only a port', async () => {
      expect((await published({})).out).toContain('http://127.0.0.1:8090\n');
      expect((await published({ published: 443 })).out).toContain('https://127.0.0.1\n');
      expect((await published({ published: 80, hostIp: '0.0.0.0' })).out).toContain('http://127.0.0.1\n');
    });

    test('not where nothing runs', async () => {
      lab.rows('/api/v1/apps', [appRow('photos', { state: 'failed' })]);
      expect((await floatlab('ps')).out).not.toContain('://');
    });

    test('where it is published, when that is one address', async () => {
      expect((await published({ hostIp: '192.0.2.9' })).out).toContain('http://192.0.2.9:8090\n');
      expect((await published({ hostIp: 'fd00::9' })).out).toContain('http://[fd00::9]:8090\n');
    });

    test('not for what no browser opens', async () => {
      expect((await published({ protocol: 'udp' })).out).toContain(' 127.0.0.1:8090/udp\n');
    });

    test('and none in a simulated lab, where nothing listens', async () => {
      lab.on('GET /api/v1/session', { json: { name: 'admin', role: 'admin', expiresAt: 0, simulated: true } });
      const { out } = await floatlab('ps');
      expect(lines(out)[0]).toContain('ADDRESS');
      expect(out).toContain('  photos.lab\n');
      expect(out).not.toContain('://');
      expect((await published({})).out).toContain('  atlas:8090\n');
    });
  });

  test('says what to do when there are none', async () => {
    lab.rows('/api/v1/apps', []);
    const { out, err } = await floatlab('ps');
    expect(out).toBe('');
    expect(err).toBe('No apps yet. floatlab up -f compose.yaml brings one up.\n');
    expect((await floatlab('ps -o json')).out).toBe('[]\n');
    // Of the past nothing is to be done.
    expect((await floatlab('ps --at 812')).err).toBe('There were none at that time.\n');
  });

  test('asks for a namespace only when one is named, by option, environment or name', async () => {
    await floatlab('ps');
    await floatlab('ps -n media');
    await floatlab('ps', { env: { FLOATLAB_NAMESPACE: 'home' } });
    const asked = lab.heard.filter(({ path }) => path === '/api/v1/apps').map(({ query }) => query['namespace']);
    expect(asked).toEqual([undefined, 'media', 'home']);
  });

  test('has a column for namespaces as soon as there are several', async () => {
    lab.rows('/api/v1/apps', [appRow('photos'), appRow('films', { namespace: 'media' })]);
    expect(lines((await floatlab('ps')).out)[0]).toContain('NAMESPACE');
  });

  test('shows the past with absolute times', async () => {
    const { out } = await floatlab('ps --at 812');
    expect(lab.heard[0]?.query['at']).toBe('812');
    expect(out).toContain(`atlas  ${momentWords(now - 3 * dayMs).slice(0, 16)}  `);
  });

  test('fits 80 columns on a terminal, however long images are, and cuts no name', async () => {
    const long = 'x'.repeat(120);
    const name = 'a-rather-long-name-of-an-app';
    lab.rows('/api/v1/apps', [appRow(name, { services: { web: serviceRow({ image: long }) } })]);
    const { out } = await floatlab(`ps ${name}`, { tty: true, env: { NO_COLOR: '1' } });
    for (const line of lines(out)) expect(line.length).toBeLessThanOrEqual(80);
    expect(out).toContain('…');
    expect((await floatlab(`ps ${name} -o wide`, { tty: true })).out).toContain(long);
    // A pipe or a file gets everything.
    expect((await floatlab(`ps ${name}`)).out).toContain(long);
  });

  test('never cuts an address: the other columns become narrower first', async () => {
    const name = 'a-rather-long-name-of-an-app';
    const url = `https://photos.example.org/${'x'.repeat(14)}`;
    lab.rows('/api/v1/apps', [appRow(name, { url, state: 'a-state-of-many-letters' })]);
    const { out } = await floatlab('ps', { tty: true, env: { NO_COLOR: '1' } });
    expect(out).toContain(`${url}\n`);
    expect(out).toContain(`${name}  a-state…`);
    const longer = `https://${'x'.repeat(100)}`;
    lab.rows('/api/v1/apps', [appRow(name, { url: longer })]);
    expect((await floatlab('ps', { tty: true })).out).toContain(longer);
  });

  test('of one app lists its services', async () => {
    lab.rows('/api/v1/apps', [
      appRow('photos', {
        services: {
          web: serviceRow(),
          db: serviceRow({ image: 'postgres:16', ports: [], state: 'exited', exitCode: 1, restarts: 3 }),
        },
      }),
    ]);
    expect(lines((await floatlab('ps photos')).out)).toEqual([
      'SERVICE  STATE       RESTARTS  PORTS        IMAGE',
      'web      running            0  8080→80/tcp  nginx:1.27',
      'db       exited (1)         3  –            postgres:16',
    ]);
  });
});

/** The nodes measure so much of these volumes. */
const measured = (used: Readonly<Record<string, number>>): void => {
  lab.live = (message, say) => {
    if (message.t !== 'open' || message.view !== 'usage') return;
    const rows = Object.entries(used).map(([key, usedBytes]) => [key, { at: now, usedBytes }] as const);
    say({ t: 'snap', sub: message.sub, epoch: 'e', index: 1, rows, more: false });
  };
};

describe('showing one thing', () => {
  test('an app: what it is, what is wrong and what to do', async () => {
    lab.rows('/api/v1/apps', [
      appRow('photos', {
        title: 'Photos',
        state: 'failed',
        problem: {
          code: 'EXITED',
          message: 'Service web exited with code 1.',
          hint: 'floatlab logs photos web shows why.',
        },
        volumes: [{ id: 'volume:photos-db', name: 'photos-db', key: 'db' }],
        labels: { team: 'home' },
      }),
    ]);
    const { out } = await floatlab('app show photos');
    expect(lines(out)).toEqual([
      'app       photos – Photos',
      'state     failed on atlas, since 3 d',
      'problem   Service web exited with code 1. (EXITED)',
      'hint      floatlab logs photos web shows why.',
      'revision  7, epoch 812',
      'volumes   photos-db',
      'labels    team=home',
      '',
      'SERVICE  STATE    RESTARTS  PORTS        IMAGE',
      'web      running         0  8080→80/tcp  nginx:1.27',
    ]);
  });

  test('a volume', async () => {
    lab.rows('/api/v1/volumes', [volumeRow('photos-db')]);
    measured({ 'volume:photos-db': 3 * 2 ** 30 });
    const { out } = await floatlab('volume show photos-db');
    expect(lines(out)).toEqual([
      'volume     photos-db',
      'state      ready on atlas, since 3 d',
      'app        photos',
      'size       5 GiB',
      'used       3 GiB',
      'snapshots  24, the newest 41 m ago',
      'protected  no replica',
      'keep       24h:1h 14d:1d',
      'pool       main',
      'path       /pool/photos-db',
    ]);
  });

  test('the newest backup of a volume that can be restored', async () => {
    const volume = volumeRow('photos-db');
    lab.rows('/api/v1/volumes', [volume]);
    const backup = { volume: { id: volume.id, name: volume.name }, target: { id: 'backup-target:u', name: 'usb' } };
    const of = (name: string, hours: number, isGood: boolean) => ({
      ...backup,
      ...{ id: `backup:${name}`, namespace: 'default', name, volumeName: 'photos-db', isGood },
      ...{ takenAt: now - hours * hourMs, requestedAt: now - hours * hourMs },
    });
    lab.rows('/api/v1/backups', [of('old', 30, true), of('new', 2, true), of('damaged', 1, false)]);
    const { out } = await floatlab('volume show photos-db');
    expect(lines(out)).toContainEqual(expect.stringMatching(/^backup +2 h ago in usb, read back$/));
  });

  test('a volume and a pool of which nothing can be reached: since when, what was there, and who holds what', async () => {
    const holds = { name: 'monday', takenAt: now - 2 * hourMs };
    const replica = { id: 'replica:r', name: 'photos-db-on-vega', node: { id: 'node:vega', name: 'vega' } } as const;
    const volume = volumeRow('photos-db', { replicas: [{ ...replica, state: 'idle', holds, behindSince: null }] });
    lab.rows('/api/v1/volumes', [volume, volumeRow('elsewhere', { pool: 'other' })]);
    const text = 'Pool main is not there: its disks are gone';
    const row = {
      ...{ id: 'pool:atlas/main', name: 'main', node: { id: 'node:atlas', name: 'atlas' }, driver: 'btrfs' },
      ...{ origin: 'made', where: null, state: 'unavailable', since: now - dayMs, createdAt: now - dayMs },
      ...{ layout: 'single', sizeBytes: 0, devices: [], scrub: null, lastScrubAt: null, change: null, problem: null },
      ...{ can: null, volumes: 1, reservedBytes: 0, promisableBytes: 0 },
      problems: [{ code: 'pool-missing', severity: 'faulty', text, repair: 'Plug them in again.' }],
    };
    lab.on('GET /api/v1/nodes/atlas/pools/main', { json: row });
    const copies = 'vega holds it as of 2 h ago (monday, replica photos-db-on-vega)';
    expect(lines((await floatlab('volume show photos-db')).out)).toEqual(
      expect.arrayContaining([
        'pool is    unavailable, since 1 d: nothing of the volume can be reached',
        `why        ${text}`,
        'repair     Plug them in again.',
        `copies     ${copies}`,
      ]),
    );
    expect((await floatlab('pool show atlas/main')).out).toMatch(/^held +photos-db: vega holds it as of 2 h ago/m);
  });

  test('a pool that could not be made, and why', async () => {
    const problem = { code: 'BUSY', message: '/dev/sda is in use: mounted at /', hint: 'Take another device.' };
    const row = {
      ...{ id: 'pool:atlas/tank', name: 'tank', node: { id: 'node:atlas', name: 'atlas' }, driver: 'btrfs' },
      ...{ origin: 'made', where: null, state: 'failed', since: now - dayMs, createdAt: now - dayMs },
      ...{ layout: 'single', sizeBytes: 0, devices: [], problems: [], scrub: null, lastScrubAt: null, change: null },
      ...{ problem, can: null, volumes: 0, reservedBytes: 0, promisableBytes: 0 },
    };
    lab.rows('/api/v1/pools', [row]);
    expect(lines((await floatlab('pool ls')).out)[1]).toMatch(/ \/dev\/sda is in use: mounted at \/$/);
    lab.on('GET /api/v1/nodes/atlas/pools/tank', { json: row });
    expect(lines((await floatlab('pool show atlas/tank')).out).slice(2, 4)).toEqual([
      'problem  /dev/sda is in use: mounted at /',
      'hint     Take another device.',
    ]);
  });

  test('a node', async () => {
    const row = nodeRow('atlas', { cordoned: true });
    const devices = [
      { name: 'nvme0n1', sizeBytes: 2 ** 39, model: null, rotational: false },
      { name: 'sda', sizeBytes: 2 ** 42, model: 'WDC WD40EFRX', rotational: true },
    ];
    const shown = { ...row, facts: { ...row.facts, devices } };
    lab.rows('/api/v1/nodes', [shown]);
    const { out } = await floatlab('node show atlas');
    expect(lines(out)).toEqual([
      'node       atlas',
      'state      up, cordoned, since 3 d',
      'holds      2 apps, 3 volumes of 15 GiB',
      'machine    4 CPUs, 16 GiB, x64',
      'system     Debian 12, kernel 6.1',
      'engine     docker 27.1',
      'pools      main (btrfs, 1 TiB)',
      'disks      nvme0n1 (512 GiB) and sda (4 TiB, turning, WDC WD40EFRX)',
      'addresses  192.0.2.7',
      'floatlab   0.1.0',
    ]);
  });

  test('a schedule and an operation', async () => {
    lab.rows('/api/v1/schedules', [scheduleRow('nightly')]);
    lab.rows(
      '/api/v1/operations',
      [operationRow('op-7kq2wxyz')].map(({ namespace: _, ...row }) => row),
    );
    expect((await floatlab('schedule show nightly')).out).toContain(
      `next      ${momentWords(now + 15 * hourMs)}, in 15 h`,
    );
    const { out } = await floatlab('operation show op-7kq2wxyz');
    expect(out).toContain('asked for  deploy-app of photos, by admin, 5 m ago');
    expect(out).toContain('state      succeeded after 5.1 s');
  });

  test('finds it in the namespace that is said with its name', async () => {
    await floatlab('app show media/films');
    expect(lab.heard[0]?.path).toBe('/api/v1/apps/media/films');
  });

  test('a compose file comes out byte for byte', async () => {
    lab.on('GET /api/v1/apps/default/photos/compose', { text: 'services:\r\n  web: {image: nginx}\r\n# ü' });
    expect((await floatlab('app compose photos')).out).toBe('services:\r\n  web: {image: nginx}\r\n# ü');
  });
});

describe('other lists', () => {
  test('volumes, with what is used of them', async () => {
    lab.rows('/api/v1/volumes', volumes);
    measured({ 'volume:photos-db': 3 * 2 ** 30, 'node:atlas': 7 });
    expect(lines((await floatlab('volume ls')).out)).toEqual([
      'VOLUME     STATE  APP     NODE    SIZE   USED  SNAPSHOTS  NEWEST',
      'photos-db  ready  photos  atlas  5 GiB  3 GiB         24  41 s ago',
      'wiki-data  ready  wiki    atlas  5 GiB      –          0  none',
    ]);
  });

  test('volumes are listed although nobody says what is used', async () => {
    lab.rows('/api/v1/volumes', volumes);
    lab.refuseLive = 403;
    expect(lines((await floatlab('volume ls')).out)[1]).toMatch(/5 GiB +– +24/);
    // Neither names nor JSON need it, and the past has none.
    for (const words of ['volume ls -q', 'volume ls -o json', 'volume ls --at 812']) await floatlab(words);
    expect(lab.heardLive).toEqual([]);
  });

  test.each([
    ['app ls', '/api/v1/apps', [appRow('photos')], 'photos'],
    ['volume ls', '/api/v1/volumes', [volumeRow('photos-db')], 'photos-db'],
    ['volume snapshots v', '/api/v1/volumes/default/v/snapshots', [snapshotRow('monday')], 'monday'],
    ['node ls', '/api/v1/nodes', [nodeRow('atlas')], 'atlas'],
    ['schedule ls', '/api/v1/schedules', [scheduleRow('nightly')], 'nightly'],
    ['operation ls', '/api/v1/operations', [operationRow('op-7kq2wxyz')], 'op-7kq2wxyz'],
    ['alert ls', '/api/v1/alerts', [alertRow('photos')], 'app:photos'],
    ['event ls', '/api/v1/events', [activityRow(9, 'x')], '9'],
    ['namespace ls', '/api/v1/config', [{ metadata: { name: 'media' } }], 'media'],
  ])('%s prints names alone with -q and --quiet', async (command, path, rows, name) => {
    lab.on(`GET ${path}`, { json: { items: rows, index: 1 } });
    for (const quiet of ['-q', '--quiet']) expect((await floatlab(`${command} ${quiet}`)).out).toBe(`${name}\n`);
  });

  test('snapshots, oldest first as they come', async () => {
    lab.rows('/api/v1/volumes/default/photos-db/snapshots', [
      snapshotRow('2026-11-21-1000-00'),
      snapshotRow('before-upgrade', { reason: 'manual', note: 'version 2', takenAt: now - minuteMs }),
      snapshotRow('kept', { held: { code: 'HELD', message: 'It is held by keep.' } }),
    ]);
    expect(lines((await floatlab('volume snapshots photos-db')).out)).toEqual([
      'SNAPSHOT            STATE      TAKEN    REASON    NOTE',
      '2026-11-21-1000-00  available  2 h ago  schedule  –',
      'before-upgrade      available  1 m ago  manual    version 2',
      'kept                available  2 h ago  schedule  It is held by keep.',
    ]);
  });

  describe('of other tools', () => {
    const at = 'GET /api/v1/volumes/default/photos-db/foreign-snapshots';
    const items = [
      { name: 'autosnap_monday', takenAt: now - 2 * 60 * minuteMs, exclusiveBytes: 3 * 2 ** 20 },
      { name: '.snapshots/7/snapshot', takenAt: null, exclusiveBytes: null },
    ];

    test('are listed apart, with what is known of them', async () => {
      lab.on(at, { json: { items, truncated: true } });
      const { out, err } = await floatlab('volume snapshots photos-db --foreign');
      expect(lines(out)).toEqual([
        'SNAPSHOT               TAKEN     USED',
        'autosnap_monday        2 h ago  3 MiB',
        '.snapshots/7/snapshot  –            –',
      ]);
      expect(err).toContain('There are older ones: these are the newest 2.');
      expect((await floatlab('volume snapshots photos-db --foreign -q')).out).toBe(
        'autosnap_monday\n.snapshots/7/snapshot\n',
      );
      expect(JSON.parse((await floatlab('volume snapshots photos-db --foreign -o json')).out)).toMatchObject([
        { name: 'autosnap_monday', exclusiveBytes: 3 * 2 ** 20 },
        { takenAt: null },
      ]);
      expect((await floatlab('volume snapshots photos-db --foreign --at 5')).code).toBe(2);
    });

    test("are mentioned under the lab's own, for a person and now alone; a node that is away changes nothing", async () => {
      lab.rows('/api/v1/volumes/default/photos-db/snapshots', [snapshotRow('monday')]);
      lab.on(at, { json: { items, truncated: false } });
      const mentioned = '2 snapshots of other tools are there as well: floatlab volume snapshots photos-db --foreign';
      expect((await floatlab('volume snapshots photos-db')).err).toContain(mentioned);
      for (const more of ['-q', '-o json', '--at 5'])
        expect((await floatlab(`volume snapshots photos-db ${more}`)).err).not.toContain('other tools');
      lab.on(at, { json: { items: [], truncated: false } });
      expect((await floatlab('volume snapshots photos-db')).err).toBe('');
      lab.problem(at, 'ENGINE_UNREACHABLE', 'Node vega is down.');
      expect(await floatlab('volume snapshots photos-db')).toMatchObject({ code: 0, err: '' });
    });
  });

  test('what a retention keeps and drops, and why', async () => {
    const item = { snapshot: 'monday', takenAt: now - minuteMs, keep: true, why: 'one of the last 1 (last:1)' };
    const items = [{ ...item, snapshot: 'sunday', keep: false, why: 'older than every rule keeps' }, item];
    const answer = { keep: 'last:1', kept: 1, dropped: 1, items };
    lab.on('GET /api/v1/volumes/default/photos-db/retention', { json: answer });
    const { out, err } = await floatlab('volume retention photos-db --keep last:1');
    expect(lines(out)).toEqual([
      'SNAPSHOT  TAKEN    STAYS  WHY',
      'sunday    1 m ago  no     older than every rule keeps',
      'monday    1 m ago  yes    one of the last 1 (last:1)',
    ]);
    expect(err).toContain('With last:1, 1 of 2 snapshots stays.');
    expect(lab.heard.at(-1)?.query).toEqual({ keep: 'last:1' });
    const json = JSON.parse((await floatlab('volume retention photos-db -o json')).out) as typeof answer;
    expect(json).toMatchObject({ keep: 'last:1', items: [{ snapshot: 'sunday', keep: false }, { keep: true }] });
  });

  test('nodes', async () => {
    lab.rows('/api/v1/nodes', [nodeRow('vega', { state: 'down' }), nodeRow('atlas')]);
    expect(lines((await floatlab('node ls')).out)).toEqual([
      'NODE   STATE  SINCE  VOTE  APPS  VOLUMES  RESERVED  CPUS  MEMORY',
      'atlas  up     3 d    –        2        3    15 GiB     4  16 GiB',
      'vega   down   3 d    –        2        3    15 GiB     4  16 GiB',
    ]);
  });

  test('schedules', async () => {
    lab.rows('/api/v1/schedules', [
      scheduleRow('nightly'),
      scheduleRow('old', { state: 'suspended', lastRunAt: null }),
    ]);
    expect(lines((await floatlab('schedule ls')).out)).toEqual([
      'SCHEDULE  STATE      CRON       OF         NEXT     LAST',
      'nightly   active     0 3 * * *  photos-db  in 15 h  9 h ago',
      'old       suspended  0 3 * * *  photos-db  –        never',
    ]);
  });

  test('operations, the newest first', async () => {
    lab.rows('/api/v1/operations', [
      operationRow('op-aaaaaaaa', { startedAt: now - hourMs, endedAt: null, state: 'running' }),
      operationRow('op-bbbbbbbb'),
    ]);
    expect(lines((await floatlab('operation ls')).out)).toEqual([
      'OPERATION    STATE      COMMAND     OF      BY     STARTED  TOOK',
      'op-bbbbbbbb  succeeded  deploy-app  photos  admin  5 m ago  5.1 s',
      'op-aaaaaaaa  running    deploy-app  photos  admin  1 h ago  –',
    ]);
  });

  test('events, with who did it', async () => {
    lab.on('GET /api/v1/events', { json: { items: [activityRow(813, 'App photos runs.')], index: 813 } });
    expect(lines((await floatlab('event ls --limit 7')).out)).toEqual([
      'INDEX  WHEN      WHO    WHAT',
      `  813  ${momentWords(now - 60_000 + 813).slice(11)}  admin  App photos runs.`,
    ]);
    expect(lab.heard[0]?.query).toEqual({ limit: '7' });
  });

  test('long events go on below on a terminal, none is cut', async () => {
    const words = 'Volume photos-db failed: the pool main of node atlas has no more room for a snapshot.';
    lab.on('GET /api/v1/events', { json: { items: [activityRow(9, words, { at: now - dayMs })], index: 9 } });
    expect(lines((await floatlab('event ls')).out)[1]).toContain(words);
    const { out } = await floatlab('event ls', { tty: true, env: { NO_COLOR: '1' } });
    expect(lines(out).slice(1)).toEqual([
      `    9  ${momentWords(now - dayMs).slice(0, 16)}  admin  Volume photos-db failed: the pool main of node`,
      '                                atlas has no more room for a snapshot.',
    ]);
  });

  test('the history of one object', async () => {
    lab.rows('/api/v1/volumes', [volumeRow('photos-db')]);
    lab.on('GET /api/v1/history/volume%3Aphotos-db', {
      json: {
        items: [activityRow(9, 'Volume photos-db is ready.', { by: 'policy:placement', who: 'placement' })],
        index: 9,
      },
    });
    const { out } = await floatlab('volume history photos-db');
    expect(out).toContain('placement  Volume photos-db is ready.');
  });

  test('alerts are whole sentences, the worst first', async () => {
    lab.rows('/api/v1/alerts', [
      alertRow('wiki', { severity: 'warning', message: 'App wiki is degraded: service db is unhealthy.', hint: null }),
      alertRow('photos'),
    ]);
    expect(lines((await floatlab('alert ls')).out)).toEqual([
      'critical for 3 m',
      '  App photos failed: service web exited with code 1.',
      '  hint: floatlab logs photos shows why.',
      'warning for 3 m',
      '  App wiki is degraded: service db is unhealthy.',
    ]);
  });

  test('namespaces and other configuration', async () => {
    const metadata = { name: 'media', namespace: 'system', labels: {}, annotations: {}, uuid: 'u' };
    const row = {
      apiVersion: 'floatlab/v1',
      kind: 'namespace',
      id: 'namespace:media',
      metadata,
      spec: {},
      status: {},
      version: 1,
    };
    lab.on('GET /api/v1/config', { json: { items: [row], index: 1 } });
    expect(lines((await floatlab('namespace ls')).out)).toEqual(['NAMESPACE  LABELS', 'media      –']);
    expect(lab.heard[0]?.query).toEqual({ kind: 'namespace' });
    expect(parse((await floatlab('config get namespace media')).out)).toEqual(row);
    expect(parse((await floatlab('config get namespace')).out)).toEqual([row]);
    expect(lab.heard.at(-2)?.query).toEqual({ kind: 'namespace', name: 'media' });
  });

  test('an object that is not configured is not found', async () => {
    lab.on('GET /api/v1/config', { json: { items: [], index: 1 } });
    const { code, err } = await floatlab('config get volume nothing');
    expect(code).toBe(4);
    expect(err).toContain('error: There is no volume nothing (NOT_FOUND)');
  });
});

describe('floatlab status', () => {
  const overview = {
    name: 'home',
    uuid: 'u',
    timeZone: 'UTC',
    createdAt: 0,
    counts: { app: { running: 14 }, volume: { ready: 2 }, node: { up: 1 }, schedule: {} },
    cordoned: 0,
  };

  test('says in words that all is well', async () => {
    lab.on('GET /api/v1/overview', { json: overview }).rows('/api/v1/alerts', []).rows('/api/v1/volumes', volumes);
    expect(lines((await floatlab('status')).out)).toEqual([
      'Lab home: all 14 apps run.',
      '1 node is up.',
      '2 volumes; wiki-data has no snapshot.',
      'No alerts.',
    ]);
  });

  test('says first that the node has no leader, or is out of the lab, and nothing of well', async () => {
    const old = { 'floatlab-stale': 'true' };
    lab.on('GET /api/v1/overview', { json: overview, headers: old });
    lab.rows('/api/v1/alerts', []).rows('/api/v1/volumes', []);
    lab.on('GET /api/v1/cluster/status', { json: { hasQuorum: false, leaderlessSince: now - hourMs } });
    const cutOff = await floatlab('status');
    expect(cutOff.out).toMatch(
      new RegExp(`^This node has no leader since\\s${momentWords(now - hourMs).slice(0, 10)}`),
    );
    expect(cutOff.out).toContain('It knew of no alerts.');
    expect([cutOff.err, cutOff.code]).toEqual(['', 8]);
    expect((await floatlab('status -q')).out).toBe('no leader\n');
    const outcast = { code: 'NOT_ADMITTED', message: 'Node vega does not belong to the lab any more.', hint: 'Join.' };
    lab.on('GET /api/v1/cluster/status', { json: { hasQuorum: false, outcast } });
    expect((await floatlab('status')).out).toMatch(/^Node vega does not belong to the lab any more\./);
    lab.on('GET /api/v1/nodes', { json: { items: [], index: 1 }, headers: old });
    expect((await floatlab('node ls')).err).toContain('Node vega does not belong to the lab any more.');
  });

  test('says in words what is not', async () => {
    const counts = { app: { running: 1, failed: 1, stopped: 2 }, volume: {}, node: { up: 2, down: 1 }, schedule: {} };
    lab.on('GET /api/v1/overview', { json: { ...overview, counts } });
    lab
      .rows('/api/v1/alerts', [alertRow('photos')])
      .rows('/api/v1/volumes', [])
      .rows('/api/v1/apps', []);
    expect(lines((await floatlab('status')).out)).toEqual([
      'Lab home: 1 of 4 apps runs; 1 failed and 2 are stopped.',
      'Of 3 nodes 1 is down and 2 are up.',
      '',
      'critical for 3 m',
      '  App photos failed: service web exited with code 1.',
      '  hint: floatlab logs photos shows why.',
    ]);
  });
});

test('floatlab status says when nodes are cordoned', async () => {
  const counts = { app: {}, volume: {}, node: { up: 3 }, schedule: {} };
  lab.rows('/api/v1/alerts', []).rows('/api/v1/volumes', []);
  for (const [cordoned, words] of [
    [1, '3 nodes are up; 1 is cordoned.'],
    [2, '3 nodes are up; 2 are cordoned.'],
  ] as const) {
    lab.on('GET /api/v1/overview', {
      json: { name: 'home', uuid: 'u', timeZone: 'UTC', createdAt: 0, counts, cordoned },
    });
    expect(lines((await floatlab('status')).out)).toContain(words);
  }
});

describe('what comes from the lab', () => {
  const nasty = 'evil\u001b]0;owned\u0007\u001b[2J\u009b31m\u202eabc\r';

  test('cannot drive the terminal: not in tables, sentences, JSON or YAML', async () => {
    lab.rows('/api/v1/apps', [appRow('photos', { title: nasty, url: nasty })]).rows('/api/v1/volumes', []);
    lab.on('GET /api/v1/events', { json: { items: [activityRow(1, nasty)], index: 1 } });
    lab.problem('GET /api/v1/nodes', 'NOT_NOW', nasty, { hint: nasty });
    for (const command of ['ps', 'ps -o wide', 'app show photos', 'ps -o json', 'ps -o yaml', 'event ls', 'node ls']) {
      const { out, err } = await floatlab(command);
      // oxlint-disable-next-line no-control-regex -- what must not come out
      expect(out + err, command).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(out + err, command).toContain('evil');
    }
    expect(JSON.parse((await floatlab('ps -o json')).out)[0].title).toBe(nasty);
    expect(parse((await floatlab('ps -o yaml')).out)[0].title).toBe(nasty);
  });
});

describe('colours', () => {
  beforeEach(() => lab.rows('/api/v1/apps', apps).rows('/api/v1/volumes', volumes));

  test('appear on a terminal only, and never with NO_COLOR', async () => {
    expect((await floatlab('ps', { tty: true })).out).toContain('\u001b[32mrunning\u001b[39m');
    expect((await floatlab('ps')).out).not.toContain('\u001b');
    expect((await floatlab('ps', { tty: true, env: { NO_COLOR: '1' } })).out).not.toContain('\u001b');
  });

  test('do not move the columns', async () => {
    const { out } = await floatlab('ps', { tty: true });
    // oxlint-disable-next-line no-control-regex -- colours begin with a control character
    expect(out.replace(/\u001b\[\d+m/g, '')).toBe((await floatlab('ps')).out);
  });
});
