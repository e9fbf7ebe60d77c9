/** A project as Compose runs it, on a real engine: found, compared with its file, and planned, and nothing of it changes. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adoptionPlanOf, projectsOf, type AdoptionPorts } from '#io/agent/adoption/adoption.ts';
import { realPlaces } from '#io/devices/places/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { missingDocker, patientCall, sharedEngine } from '#test/engine-fixture.ts';
import { describeReal } from '#test/real.ts';
import { selfWindingClock } from '../devices/volumes/self-winding-clock.ts';

const project = `adopt${process.pid}`;

describeReal('What runs beside the lab on a real engine', missingDocker(), () => {
  let engine: Docker;
  let image: string;
  let folder: string;
  let ports: AdoptionPorts;

  beforeAll(async () => {
    const shared = await sharedEngine();
    image = shared.image;
    engine = new Docker({ socketPath: shared.socketPath });
    folder = await realpath(await mkdtemp(join(tmpdir(), 'floatlab-adopt-')));
    const volumes = simVolumes({ clock: selfWindingClock(), random: seededRandom(1), pools: [] });
    ports = { node: 'atlas', docker: shared.docker, volumes, places: realPlaces() };
    await mkdir(join(folder, 'conf'));
    await writeFile(join(folder, 'conf', 'a'), 'of the app');
    await writeFile(join(folder, 'compose.yaml'), text());
    await engine.createNetwork({ Name: `${project}_default`, Labels: { 'com.docker.compose.project': project } });
    await engine.createVolume({ Name: `${project}_data`, Labels: { 'com.docker.compose.project': project } });
    await start('db', { Mounts: [{ Type: 'volume', Source: `${project}_data`, Target: '/data' }] }, ['TOKEN=s3cret']);
    await start('web', { Binds: [`${folder}/conf:/conf:ro`], Memory: 2 ** 26, CapDrop: ['MKNOD'] }, []);
  }, 60_000);
  afterAll(async () => {
    if (!engine) return;
    const filters = JSON.stringify({ label: [`com.docker.compose.project=${project}`] });
    for (const { Id } of await engine.listContainers({ all: true, filters }))
      await engine.getContainer(Id).remove({ force: true, v: true });
    await engine.getVolume(`${project}_data`).remove();
    await engine.getNetwork(`${project}_default`).remove();
    await rm(folder, { recursive: true, force: true });
  });

  const text = () => `services:
  db:
    image: ${image}
    command: sleep 600
    environment: { TOKEN: s3cret }
    volumes: ['data:/data']
    restart: unless-stopped
  web:
    image: ${image}
    command: [sleep, '600']
    volumes: ['./conf:/conf:ro']
    mem_limit: 64m
    cap_drop: [MKNOD]
    restart: unless-stopped
volumes: { data: {} }
`;

  /** As Compose makes it. */
  async function start(service: string, host: Docker.HostConfig, environment: readonly string[]): Promise<void> {
    const made = await engine.createContainer({
      name: `${project}-${service}-1`,
      Image: image,
      Cmd: ['sleep', '600'],
      Env: [...environment],
      Labels: {
        'com.docker.compose.project': project,
        'com.docker.compose.service': service,
        'com.docker.compose.oneoff': 'False',
        'com.docker.compose.project.config_files': join(folder, 'compose.yaml'),
        'com.docker.compose.project.working_dir': folder,
      },
      HostConfig: { ...host, NetworkMode: `${project}_default`, RestartPolicy: { Name: 'unless-stopped' } },
      NetworkingConfig: { EndpointsConfig: { [`${project}_default`]: { Aliases: [service] } } },
    });
    await made.start();
  }

  const plan = () => adoptionPlanOf(ports, project, patientCall());
  const states = async () =>
    (await ports.docker.containers({ 'com.docker.compose.project': project }, patientCall())).map(
      ({ id, startedAt, restartPolicy }) => [id, startedAt, restartPolicy],
    );

  test('it is found with its services, its folder and how it restarts', async () => {
    const { items } = await projectsOf(ports, patientCall());
    expect(items.find(({ name }) => name === project)).toMatchObject({
      ...{ isCompose: true, folder },
      containers: [
        { service: 'db', state: 'running', restartPolicy: 'unless-stopped' },
        { service: 'web', state: 'running', restartPolicy: 'unless-stopped' },
      ],
    });
  });

  test('its file says what runs and is taken as it is, and looking changes nothing', async () => {
    const before = await states();
    expect(await plan()).toMatchObject({
      file: { origin: 'original', text: text(), why: null },
      ...{ differences: [], findings: [], problems: [] },
      mounts: [
        { service: 'db', source: `${project}_data`, becomes: 'copied', volume: 'data' },
        { service: 'web', source: `${folder}/conf`, becomes: 'copied', volume: 'folder' },
      ],
    });
    expect(await states()).toEqual(before);
  });

  test('where the file says something else, one is written that says what runs', async () => {
    await writeFile(join(folder, 'compose.yaml'), text().replace('s3cret', 'other').replace('64m', '128m'));
    const { file, differences, findings, problems } = await plan();
    expect(differences.map(({ service, key }) => `${service} ${key}`)).toEqual([
      'db environment.TOKEN',
      'web mem_limit',
    ]);
    expect({ origin: file.origin, findings, problems }).toEqual({ origin: 'written', findings: [], problems: [] });
    expect(file.text).toContain('mem_limit: 67108864');
  });
});
