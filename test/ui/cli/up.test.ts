import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ToServer } from '#io/contract/live.ts';
import type { AppRow } from '#projections/views/apps.ts';
import type { VolumeRow } from '#projections/views/volumes.ts';
import { FakeServer, type LiveHandler } from './fake-server.ts';
import { appRow, serviceRow, volumeRow } from './sample-rows.ts';
import { emptyHome } from './home.ts';
import { lines, run, type Run, type Setting } from './test-world.ts';

let lab: FakeServer;
let folder: string;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(async () => {
  lab.forget();
  folder = join(await emptyHome(), 'photos');
  await mkdir(folder);
  await writeFile(join(folder, 'compose.yaml'), compose);
  await writeFile(join(folder, '.env'), 'IMAGE=nginx:1.27\n');
});

const compose = `services:
  web:
    image: \${IMAGE}
    ports: ["8080:80"]
    volumes: ["db:/data"]
volumes:
  db: {}
`;

const operation = 'operation:7kq2wxyzabcd';
const wait = `GET /api/v1/operations/${encodeURIComponent(operation)}/wait`;
const spec = { sizeBytes: 5 * 2 ** 30, keep: '24h:1h 14d:1d' };
const metadata = {
  name: 'photos-db',
  namespace: 'default',
  labels: {},
  annotations: {},
  uuid: '0d4c3b1e-3e0a-4b7a-9a53-0d2f4f0a9b11',
};
const blob = 'a'.repeat(64);
const appSpec = {
  services: {
    web: {
      image: 'nginx:1.27',
      ports: [],
      mounts: [],
      restart: { condition: 'no' },
      dependsOn: [],
      hasHealthcheck: false,
    },
  },
  volumes: {},
};
const events = [
  { stream: operation, type: 'operation.started', data: {}, words: 'admin asked for deploy-app of photos.' },
  {
    stream: 'app:photos',
    type: 'app.created',
    data: { metadata, spec: appSpec, compose: blob, bundle: blob, volumes: {} },
    words: 'App photos was created.',
  },
  {
    stream: 'volume:photos-db',
    type: 'volume.created',
    data: { metadata, spec, app: 'app:photos' },
    words: 'Volume photos-db was created (5 GiB).',
  },
  { stream: 'app:photos', type: 'app.start-requested', data: {}, words: 'App photos starts.' },
];
const volumes = [{ id: 'volume:photos-db', name: 'photos-db', key: 'db' }] as const;
const running = appRow('photos', { url: 'https://photos.lab', volumes });

const up = (words: string, setting: Setting = {}): Promise<Run> =>
  run(['up', ...words.split(' ').filter(Boolean)], { server: lab.url, cwd: folder, ...setting });

/** Before the deployment there is nothing; after it, the app and its volume. */
function deployable(app: AppRow = running, outcome: object = { state: 'succeeded' }): void {
  let isThere = false;
  lab.command('POST /api/v1/apps', { operation, events }, outcome);
  lab.on(wait, async () => {
    // A moment, so that what is live is seen before the end.
    await new Promise((resolve) => setTimeout(resolve, 150));
    isThere = true;
    return {
      json: {
        id: operation,
        name: 'op-7kq2wxyz',
        command: 'deploy-app',
        targetName: 'photos',
        problem: null,
        ...outcome,
      },
    };
  });
  lab.on('GET /api/v1/volumes', () => ({ json: { items: isThere ? [volumeRow('photos-db')] : [], index: 1 } }));
  lab.on('GET /api/v1/apps/default/photos', () =>
    isThere
      ? { json: app }
      : { status: 404, json: { code: 'NOT_FOUND', detail: 'There is no app photos.', status: 404 } },
  );
}

describe('floatlab up', () => {
  test('shows the plan, asks, applies, and says what runs where', async () => {
    deployable();
    const { code, out, err, asked } = await up('', {
      tty: true,
      answers: [true],
      env: { NO_COLOR: '1', TERM: 'dumb' },
    });
    expect(asked).toEqual(['Apply?']);
    expect(lines(err)).toEqual([
      'photos  plan: create the app with 1 service, create volume photos-db (5 GiB,',
      '              keep 24h:1h 14d:1d), start it',
      '✓ volume photos-db          created on atlas             0.0 s',
      '✓ web                       running                      0.0 s',
    ]);
    expect(out).toBe('photos runs: https://photos.lab  (operation op-7kq2wxyz, 0.0 s)\n');
    expect(code).toBe(0);
  });

  test('says service by service what a new revision changes, and what is restarted', async () => {
    const changes = [
      'Service web: image nginx:1.26 → nginx:1.27; environment DEBUG added. It is restarted.',
      'Service db is as before, and restarted with the app.',
      'File .env is changed.',
    ];
    lab.command('POST /api/v1/apps', { events: [], changes });
    const { err } = await up('', { tty: true, answers: [false], env: { NO_COLOR: '1', TERM: 'dumb' } });
    expect(err.replaceAll('\n    ', ' ')).toContain(changes.map((change) => `  ${change}\n`).join(''));
    expect((await up('--dry-run')).out).toBe(`${changes.join('\n')}\n`);
  });

  test('sends the file as it is, what travels with it, and the name of the folder', async () => {
    deployable();
    await up('--yes -n media');
    const sent = lab.heard.filter(({ method }) => method === 'POST');
    expect(sent).toHaveLength(2);
    expect(sent[0]?.query).toEqual({ dryRun: 'true' });
    expect(sent[1]?.query).toEqual({});
    for (const { body } of sent) {
      expect(body).toEqual({
        namespace: 'media',
        name: 'photos',
        fileName: 'compose.yaml',
        compose,
        files: {
          '.env': { content: Buffer.from('IMAGE=nginx:1.27\n').toString('base64'), mode: expect.any(Number) as number },
        },
        start: true,
      });
    }
  });

  test('shows what goes on as it goes on, each thing once', async () => {
    deployable();
    lab.live = scriptedViews({
      apps: [
        appRow('photos', {
          state: 'starting',
          services: { web: serviceRow({ state: 'starting' }) },
          volumes,
          instance: { id: 'instance:x', state: 'starting', epoch: 900 },
        }),
      ],
      volumes: [volumeRow('photos-db')],
    });
    const { err } = await up('--yes');
    expect(lab.heardLive.filter(({ t }) => t === 'open')).toEqual([
      { t: 'open', sub: 1, view: 'apps', where: { namespace: 'default', name: 'photos' } },
      { t: 'open', sub: 2, view: 'volumes', where: { namespace: 'default' } },
      { t: 'open', sub: 3, view: 'work' },
    ]);
    expect(err.match(/volume photos-db +created on atlas/g)).toHaveLength(1);
    expect(err.match(/✓ web/g)).toHaveLength(1);
  });

  test('changes nothing when the person declines', async () => {
    deployable();
    const { code } = await up('', { tty: true, answers: [false] });
    expect(code).toBe(1);
    expect(lab.changes).toEqual([]);
  });

  test('asks nobody off a terminal: it ends and says what to add', async () => {
    deployable();
    const { code, err } = await up('');
    expect(code).toBe(2);
    expect(err).toContain('hint:  Add --yes to go on unasked.');
    expect(lab.changes).toEqual([]);
  });

  test('says so when the app is as the file says', async () => {
    lab.command('POST /api/v1/apps', { unchanged: true });
    const { code, err } = await up('');
    expect(err).toBe('photos is as compose.yaml says already: nothing to do.\n');
    expect(code).toBe(0);
    expect(lab.changes).toEqual([]);
  });

  test('says what is wrong with the file, as the lab reads it', async () => {
    lab.problem('POST /api/v1/apps', 'COMPOSE_INVALID', 'compose.yaml has 1 problem.', {
      findings: [{ path: '', file: 'compose.yaml', line: 1, column: 1, message: 'It is empty.', frame: '' }],
    });
    const { code, err } = await up('--yes');
    expect(code).toBe(2);
    expect(err).toContain('compose.yaml:1:1\n  It is empty.');
  });

  test('ends with 1 and the reason when the app does not come up', async () => {
    const problem = { code: 'PULL_FAILED', message: 'Image nginx:1.27 cannot be pulled.', hint: 'Is its name right?' };
    deployable(appRow('photos', { state: 'failed', instance: null, volumes }), { state: 'failed', problem });
    const { code, out, err } = await up('--yes');
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(lines(err).slice(-2)).toEqual([
      'error: Image nginx:1.27 cannot be pulled (PULL_FAILED)',
      'hint:  Is its name right?',
    ]);
  });

  test('with --detach prints the operation', async () => {
    deployable();
    expect((await up('--yes --detach -q')).out).toBe('op-7kq2wxyz\n');
  });

  test('as JSON prints answer, outcome and app', async () => {
    deployable();
    expect(JSON.parse((await up('--yes -o json -q')).out)).toMatchObject({
      operation,
      outcome: { state: 'succeeded' },
      app: { name: 'photos' },
    });
  });

  test('names the file that is meant when there is none', async () => {
    const { code, err } = await up('', { cwd: await emptyHome() });
    expect(code).toBe(2);
    expect(lines(err)).toEqual([
      'error: There is no compose.yaml in this folder (USAGE)',
      'hint:  Name the file: -f path/to/compose.yaml.',
    ]);
  });

  test('leaves the terminal with whole lines, whatever was drawn in between', async () => {
    deployable();
    lab.live = scriptedViews({
      apps: [],
      volumes: [],
      work: [{ work: 'pull', correlation: operation, app: null, text: 'pulling nginx:1.27\u001b[2J' }],
    });
    const { err } = await up('--yes', { tty: true, env: { NO_COLOR: '1' } });
    expect(err).toContain('photos: pulling nginx:1.27·[2J');
    // What is left once every erased line is taken away.
    const left = err
      .split('\n')
      .map((line) => line.split('\r\u001b[K').at(-1))
      .join('\n');
    expect(left).not.toContain('pulling');
    expect(left).toContain('✓ web');
  });
});

/** Every view that is opened has these rows and does not change. */
function scriptedViews(views: {
  apps?: readonly AppRow[];
  volumes?: readonly VolumeRow[];
  work?: readonly object[];
}): LiveHandler {
  return (message: ToServer, say) => {
    if (message.t !== 'open') return;
    const rows = (views[message.view as 'apps'] ?? []).map((row, n) => [`key-${n}`, row] as const);
    say({ t: 'snap', sub: message.sub, epoch: 'e', index: 1, rows, more: false });
  };
}
