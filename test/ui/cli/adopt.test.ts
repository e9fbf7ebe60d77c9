import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AdoptableProject, AdoptionPlanAnswer } from '#io/contract/adoption.ts';
import { FakeServer } from './fake-server.ts';
import { nodeRow } from './sample-rows.ts';
import { lines, run, type Run } from './test-world.ts';

let lab: FakeServer;
beforeAll(async () => {
  lab = await FakeServer.start();
});
afterAll(() => lab.stop());
beforeEach(() => lab.forget());

const floatlab = (command: string): Promise<Run> => run(command.split(' '), { server: lab.url });

const container = {
  ...{ id: 'ab12', name: 'shop-web-1', service: 'web', image: 'nginx:1.27', state: 'running' as const },
  ...{ health: 'none' as const, startedAt: 0, restartPolicy: 'always' },
};
const shop: AdoptableProject = { name: 'shop', isCompose: true, folder: '/srv/shop', containers: [container] };
const plan: AdoptionPlanAnswer = {
  ...{ node: 'atlas', project: 'shop', app: 'shop', containers: [{ id: 'ab12', name: 'shop-web-1', service: 'web' }] },
  file: { origin: 'written', name: 'compose.yaml', text: 'services: {}\n', why: 'compose.yaml says something else.' },
  differences: [{ service: 'web', key: 'environment.TOKEN', file: '…', runs: '' }],
  findings: [],
  mounts: [
    {
      ...{ service: 'web', source: 'shop_data', target: '/data', readOnly: false, becomes: 'copied', volume: 'data' },
      ...{ pool: null, native: null, bytes: 4096, words: 'shop_data is copied into volume data.' },
    },
  ],
  steps: [
    { words: 'Its containers are stopped.', interrupts: true, command: 'docker stop shop-web-1' },
    { words: 'The old containers go.', interrupts: false, command: null },
  ],
  problems: [],
};

describe('floatlab adopt scan', () => {
  beforeEach(() => lab.rows('/api/v1/nodes', [nodeRow('atlas'), nodeRow('vega')]));

  test('lists what runs on each node; one that does not answer is named and hides nothing', async () => {
    lab.on('GET /api/v1/nodes/atlas/projects', { json: { items: [shop] } });
    lab.problem('GET /api/v1/nodes/vega/projects', 'NOT_NOW', 'Its engine is away.');
    const { code, out, err } = await floatlab('adopt scan');
    expect(lines(out)).toEqual([
      'PROJECT     KIND     STATE    CONTAINERS  IMAGES',
      'atlas/shop  compose  running           1  nginx:1.27',
    ]);
    expect(err).toContain('Node vega was not asked: Its engine is away.');
    expect(code).toBe(0);
    expect((await floatlab('adopt scan --node atlas -q')).out).toBe('atlas/shop\n');
  });
});

describe('floatlab adopt plan', () => {
  beforeEach(() => lab.on('GET /api/v1/nodes/atlas/projects/shop/plan', { json: plan }));

  test('says which file, what differs, what the mounts become, and the steps', async () => {
    const { code, out } = await floatlab('adopt plan atlas/shop');
    expect(code).toBe(0);
    expect(out).toContain('written from the containers');
    expect(out).toContain('web environment.TOKEN: … → nothing');
    expect(out).toContain('a volume, copied');
    expect(out).toContain('1. Its containers are stopped. (the app does not answer)\n     docker stop shop-web-1\n');
  });

  test('prints the file alone, and the plan as JSON', async () => {
    expect((await floatlab('adopt plan atlas/shop --file')).out).toBe('services: {}\n');
    expect(JSON.parse((await floatlab('adopt plan atlas/shop -o json')).out)).toMatchObject({ app: 'shop' });
  });

  test('refuses what is not node/project', async () => {
    for (const text of ['shop', 'atlas/', '/shop', 'a/b/c'])
      expect(await floatlab(`adopt plan ${text}`)).toMatchObject({ code: 2 });
  });
});
