/** What runs on a node beside the lab, asked for at another node. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { LabView } from '#actors/actor.ts';
import { labelsOf } from '#io/agent/adoption/compose-file.ts';
import { noDefaults } from '#actors/compose/inspected/inspection.ts';
import type { ContainerSpec } from '#io/devices/docker/port.ts';
import { simDocker, type SimDocker } from '#io/devices/docker/sim.ts';
import { simPlaces, type SimPlaces } from '#io/devices/places/sim.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simVolumes, type SimVolumes } from '#io/devices/volumes/sim.ts';
import { nodeAdoption, remoteAdoption } from '#io/lab/adoption.ts';
import type { NodeAdoption } from '#io/lab/port.ts';
import { patient } from '#test/contracts/volumes.ts';
import { selfWindingClock } from '../devices/volumes/self-winding-clock.ts';
import { MemoryOthers } from './memory-others.ts';

const lab = {
  get: () => ({ state: 'up', context: { metadata: { name: 'vega' } } }),
} as unknown as LabView;

const file = `services:
  web:
    image: nginx:1.27
    env_file: web.env
    volumes: ['./conf:/conf']
`;
const labels = {
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': 'web',
  'com.docker.compose.project.config_files': '/srv/shop/compose.yaml',
  'com.docker.compose.project.working_dir': '/srv/shop',
};

describe('what runs beside the lab on another node', () => {
  let docker: SimDocker;
  let places: SimPlaces;
  let volumes: SimVolumes;
  let here: NodeAdoption;
  let isCut = false;
  beforeEach(async () => {
    isCut = false;
    const [clock, random] = [selfWindingClock(), seededRandom(1)];
    docker = simDocker({ clock, random, images: ['nginx:1.27'] });
    places = simPlaces();
    volumes = simVolumes({ clock, random, pools: [{ name: 'main', sizeBytes: 2 ** 30, driver: 'btrfs' }] });
    const network = new Map<string, MemoryOthers>();
    const of = (node: string) => new MemoryOthers(node, network, () => isCut);
    here = remoteAdoption({ local: nodeAdoption(() => undefined), lab, others: of('atlas') });
    const ports = { node: 'vega', docker: docker.port, volumes, places: places.port };
    remoteAdoption({
      local: nodeAdoption((node) => (node === 'node:vega' ? ports : undefined)),
      lab,
      others: of('vega'),
    });
    await docker.port.ensureNetwork({ name: 'shop_default', labels: {} }, patient());
  });
  const plan = (project = 'shop') => here.plan('node:vega', project, patient());

  async function runs(some: Partial<ContainerSpec> = {}): Promise<string> {
    const spec: ContainerSpec = {
      name: 'shop-web-1',
      image: 'nginx:1.27',
      environment: ['TOKEN=s3cret'],
      labels,
      ports: [],
      mounts: [{ source: '/srv/shop/conf', target: '/conf', readOnly: false }],
      networks: [{ name: 'shop_default', aliases: ['web'] }],
      ...some,
    };
    const id = await docker.port.create(spec, patient());
    await docker.port.start(id, patient());
    return id;
  }

  function written(): void {
    places.write('/srv/shop/compose.yaml', file);
    places.write('/srv/shop/web.env', 'TOKEN=s3cret\n');
    places.write('/srv/shop/conf/a', 'x');
  }

  test('is listed by projects, without what the lab runs itself and without single runs', async () => {
    const id = await runs();
    await runs({ name: 'lonely', labels: {} });
    await runs({ name: 'shop-web-run-1', labels: { ...labels, 'com.docker.compose.oneoff': 'True' } });
    const own = { 'com.docker.compose.project': 'own', 'floatlab.service': 'web', 'floatlab.app': 'a1' };
    await runs({ name: 'own-web-1', labels: own });
    const { items } = await here.projects('node:vega', patient());
    expect(items).toEqual([
      expect.objectContaining({ name: 'lonely', isCompose: false, folder: null }),
      expect.objectContaining({
        ...{ name: 'shop', isCompose: true, folder: '/srv/shop' },
        containers: [expect.objectContaining({ id, service: 'web', state: 'running' })],
      }),
    ]);
  });

  test('its compose file is read with what it names, and taken where it says what runs', async () => {
    await runs();
    written();
    expect(await plan()).toMatchObject({
      file: { origin: 'original', name: 'compose.yaml', text: file, why: null },
      differences: [],
      problems: [],
      mounts: [{ target: '/conf', becomes: 'copied', volume: 'folder', bytes: 1 }],
    });
  });

  test('where it is not there any more one is written, which says why', async () => {
    await runs();
    places.write('/srv/shop/conf/a', 'x');
    const { file: taken } = await plan();
    expect(taken).toMatchObject({ origin: 'written', why: expect.stringContaining('not there any more') });
    expect(taken.text).toContain('TOKEN: s3cret');
  });

  test('a dataset of a pool becomes a volume where it is, and a share stays one', async () => {
    const { path } = volumes.addNative('main', 'photos');
    places.write(`${path}/a`, 'x');
    places.mount('/mnt/nas', 'nfs4');
    await runs({
      mounts: [
        { source: path, target: '/photos', readOnly: false },
        { source: '/mnt/nas', target: '/nas', readOnly: true },
      ],
    });
    const { mounts, steps, problems } = await plan();
    expect(mounts.map(({ target, becomes, pool }) => [target, becomes, pool])).toEqual([
      ['/nas', 'share', null],
      ['/photos', 'adopted', 'main'],
    ]);
    expect(problems).toEqual([]);
    expect(steps.map(({ command }) => command)).toContainEqual(
      `floatlab up -f shop.yaml --name shop --attach photos --no-start`,
    );
  });

  test('nothing is changed by looking', async () => {
    const id = await runs();
    written();
    const before = await docker.port.inspect(id, patient());
    await plan();
    expect(await docker.port.inspect(id, patient())).toEqual(before);
  });

  test('labels that an image brings name no file of the node', () => {
    const inspection = { labels: { ...labels, own: 'x' } } as never;
    expect(labelsOf({ service: 'web', inspection, image: { ...noDefaults, labels } })).toEqual({ own: 'x' });
  });

  test('one that is not there, and a node that does not answer, are refused with which it is', async () => {
    await expect(plan('none')).rejects.toMatchObject({ code: 'MISSING', message: expect.stringContaining('none') });
    isCut = true;
    await expect(plan()).rejects.toMatchObject({ message: expect.stringContaining('vega') });
  });
});
