/** What runs, against the file that it was made from, and against the file that is written from it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { noDefaults, type ImageDefaults } from '#actors/compose/inspected/inspection.ts';
import { comparedWith, planAdoption, type FoundProject, type SourceFacts } from '#actors/compose/inspected/plan.ts';
import { isHostMount, isVolumeMount } from '#events/app.ts';
import { appFolderVolume, type ComposeApp, type ComposeInput } from '#actors/compose/model.ts';
import { isMade } from '#actors/compose/resolved/resolve.ts';
import { readCompose } from '#actors/compose/read.ts';
import { renderFindings } from '#actors/compose/render.ts';
import { networkName } from '#actors/compose/inspected/compare.ts';
import { inspectionOf } from '#io/devices/docker/inspection.ts';
import { inspectedOf } from '#io/devices/docker/sim/inspected.ts';
import { fixtures, input, inputFromFolder } from '../fixtures.ts';

const folder = '/srv/apps/shop';
const project = 'shop';
const image: ImageDefaults = {
  ...noDefaults,
  command: ['nginx', '-g', 'daemon off;'],
  entrypoint: ['/docker-entrypoint.sh'],
  environment: ['PATH=/usr/bin:/bin', 'NGINX_VERSION=1.27'],
  labels: { maintainer: 'somebody' },
  user: 'web',
  stopSignal: 'SIGQUIT',
  exposed: ['80/tcp'],
};

const read = (given: ComposeInput): ComposeApp => {
  const result = readCompose(given);
  if ('findings' in result) throw new Error(renderFindings(result.findings));
  return result.app;
};

const local: SourceFacts = { what: 'folder', fileSystem: 'ext4', isShared: false, bytes: 4096, users: [] };

/** What Compose would run of a file. */
function running(given: ComposeInput, { spec, bundle }: ComposeApp = read(given)): FoundProject {
  const sources = new Map<string, SourceFacts>();
  const containers = Object.entries(spec.services).map(([service, one]) => {
    const own = bundle.services[service];
    if (!own) throw new Error(service);
    const volumes = new Map<string, string>();
    const mounts = one.mounts
      .filter((mount) => !isMade(mount))
      .map((mount) => {
        if (isHostMount(mount)) return { source: mount.host, target: mount.target, readOnly: mount.readOnly };
        const { volume, subpath, target, readOnly } = mount;
        const below = subpath === '.' ? '' : `/${subpath}`;
        if (volume === appFolderVolume) return { source: `${folder}${below}`, target, readOnly };
        if (subpath === '.') volumes.set(target, `${project}_${volume}`);
        return { source: `/var/lib/docker/volumes/${project}_${volume}/_data${below}`, target, readOnly };
      });
    for (const { source } of mounts) sources.set(source, local);
    const networks = own.settings?.network === undefined ? (own.networks ?? { default: {} }) : {};
    const raw = inspectedOf(
      {
        name: own.settings?.aliases?.[0] ?? `${project}-${service}-1`,
        image: own.image,
        ...(own.command && { command: own.command }),
        ...(own.entrypoint && { entrypoint: own.entrypoint }),
        environment: own.environment,
        labels: {
          ...own.labels,
          'com.docker.compose.project': project,
          'com.docker.compose.depends_on': one.dependsOn.map((on) => `${on.service}:${on.condition}:false`).join(','),
        },
        ports: one.ports,
        mounts,
        ...(own.healthcheck && { healthcheck: own.healthcheck }),
        networks: Object.entries(networks).map(([key, endpoint]) => ({
          ...endpoint,
          name: networkName(project, key, bundle.networks?.[key]),
          aliases: [service, ...(endpoint.aliases ?? [])],
        })),
        ...(own.settings && { settings: own.settings }),
      },
      {
        id: 'ab'.repeat(32),
        ...{ image, volumes },
        restart: { Name: one.restart.condition, MaximumRetryCount: one.restart.maxRetries ?? 0 },
      },
    );
    return { service, inspection: inspectionOf(raw), image };
  });
  return { node: 'atlas', project, isCompose: true, folder, file: given, containers, sources };
}

const good = join(fixtures, 'good');
/** Parts of volumes are mounted by paths of the engine: those no file can say. */
const partly = (app: ComposeApp): boolean =>
  Object.values(app.spec.services).some(({ mounts }) =>
    mounts.some((mount) => isVolumeMount(mount) && mount.volume !== appFolderVolume && mount.subpath !== '.'),
  );
const names = readdirSync(good).filter((name) => !partly(read(inputFromFolder(join(good, name)))));

describe.each(names)('%s', (name) => {
  const given = inputFromFolder(join(good, name));

  test('what runs of it is what it says', () => {
    expect(comparedWith(running(given), read(given))).toEqual([]);
    expect(planAdoption(running(given)).file).toMatchObject({ origin: 'original', text: given.text, why: null });
  });

  test('without it, the file that is written says what runs', () => {
    const found = { ...running(given), file: { why: 'It is gone.' } };
    const plan = planAdoption(found);
    expect(plan).toMatchObject({ findings: [], problems: [] });
    expect(comparedWith(found, read({ fileName: 'compose.yaml', text: plan.file.text, files: given.files }))).toEqual(
      [],
    );
  });
});

const shop = input(`
services:
  web:
    image: nginx:1.27
    ports: ['8080:80']
    environment: { TOKEN: s3cret }
    volumes: ['data:/data', './conf:/conf:ro']
volumes: { data: {} }
`);

describe('a plan', () => {
  test('names each key in which the file says something else, and no secret', () => {
    const other = input(
      shop.text.replace('1.27', '1.28').replace('8080', '8081').replace('s3cret', 'n3w').replace(':ro', ''),
    );
    const plan = planAdoption({ ...running(shop), file: other });
    expect(plan.file).toMatchObject({ origin: 'written', why: 'compose.yaml says something else than what runs.' });
    expect(plan.differences.map(({ key }) => key)).toEqual(['image', 'environment.TOKEN', 'ports', 'volumes /conf']);
    expect(JSON.stringify(plan.differences)).not.toMatch(/s3cret|n3w/);
  });

  test('a service of the file that does not run, and one that runs and is not in it, are differences', () => {
    const other = input(shop.text.replace('  web:', '  site:'));
    expect(planAdoption({ ...running(shop), file: other }).differences).toEqual([
      { service: 'site', key: 'services', file: 'site', runs: '' },
      { service: 'web', key: 'services', file: '', runs: 'web' },
    ]);
  });

  test('ends with the steps, each with what it interrupts', () => {
    const { steps } = planAdoption(running(shop));
    expect(steps.map(({ interrupts, command }) => `${interrupts ? '!' : ' '} ${command}`)).toEqual([
      '! docker update --restart=no shop-web-1 && docker stop shop-web-1',
      '! docker rename shop-web-1 shop-web-1-before && docker network rm shop_default',
      '! floatlab up -f /srv/apps/shop/compose.yaml --name shop --no-start',
      '! tar -C /var/lib/docker/volumes/shop_data/_data -cf - . | floatlab volume import shop-data',
      '! tar -C /srv/apps/shop -cf - conf | floatlab volume import shop-folder',
      '! floatlab app start shop',
      '  docker rm shop-web-1-before',
    ]);
  });

  test('says of each mount what it becomes', () => {
    const found = running(shop);
    const [web] = found.containers;
    if (!web) throw new Error('no container');
    const at = (source: string, target: string) => ({ kind: 'bind', source, target, readOnly: false }) as const;
    const mounts = [
      ...web.inspection.mounts,
      at('/pool/photos', '/photos'),
      at('/mnt/nas', '/nas'),
      at('/srv/music', '/music'),
      at('/gone', '/gone'),
    ];
    const sources = new Map([
      ...found.sources,
      ['/pool/photos', { ...local, adoptable: { pool: 'main', native: '/pool/photos' } }],
      ['/mnt/nas', { ...local, fileSystem: 'nfs4', isShared: true }],
      ['/srv/music', { ...local, users: ['player'] }],
    ] as const);
    const plan = planAdoption({
      ...found,
      sources,
      containers: [{ ...web, inspection: { ...web.inspection, mounts } }],
    });
    expect(plan.mounts.map(({ target, becomes, volume }) => [target, becomes, volume])).toEqual([
      ['/conf', 'copied', 'folder'],
      ['/data', 'copied', 'data'],
      ['/photos', 'adopted', 'photos'],
      ['/nas', 'share', null],
      ['/music', 'share', null],
      ['/gone', 'problem', null],
    ]);
    expect(plan.problems).toContain('web: /gone is not there.');
    expect(plan.steps).toEqual([]);
  });

  test('a service that runs several times is a problem, and so is what no file can say', () => {
    const found = running(shop);
    const [web] = found.containers;
    if (!web) throw new Error('no container');
    const odd = { ...web, inspection: { ...web.inspection, unread: ['HostConfig.VolumesFrom'] } };
    const { problems } = planAdoption({ ...found, containers: [odd, odd] });
    expect(problems).toEqual([
      'web runs 2 times: FloatLab runs each service once. Scale it to 1 first.',
      expect.stringContaining('HostConfig.VolumesFrom'),
    ]);
  });
});
