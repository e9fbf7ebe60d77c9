/** What Compose itself runs of a file says what that file says: its own words on a real engine, not ours. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adoptionPlanOf, type AdoptionPorts } from '#io/agent/adoption/adoption.ts';
import { realPlaces } from '#io/devices/places/real.ts';
import { seededRandom } from '#io/devices/random/sim.ts';
import { simVolumes } from '#io/devices/volumes/sim.ts';
import { missingDocker, missingProgram, patientCall, sharedEngine } from '#test/engine-fixture.ts';
import { describeReal } from '#test/real.ts';
import { selfWindingClock } from '../devices/volumes/self-winding-clock.ts';

const project = `adoptc${process.pid}`;
const exec = promisify(execFile);

describeReal('A project of Compose', missingDocker() ?? missingProgram('docker-compose'), () => {
  let folder: string;
  let ports: AdoptionPorts;
  let compose: (...args: readonly string[]) => Promise<unknown>;

  beforeAll(async () => {
    const { socketPath, docker, image } = await sharedEngine();
    folder = await realpath(await mkdtemp(join(tmpdir(), 'floatlab-adoptc-')));
    const environment = { ...process.env, DOCKER_HOST: `unix://${socketPath}`, COMPOSE_PROJECT_NAME: project };
    compose = (...args) => exec('docker-compose', [...args], { cwd: folder, env: environment });
    const volumes = simVolumes({ clock: selfWindingClock(), random: seededRandom(1), pools: [] });
    ports = { node: 'atlas', docker, volumes, places: realPlaces() };
    await mkdir(join(folder, 'conf'));
    await writeFile(join(folder, 'conf', 'a'), 'of the app');
    await writeFile(join(folder, '.env'), `IMAGE=${image}\nTOKEN=s3 cret\n`);
    await writeFile(join(folder, 'web.env'), 'FROM_FILE=yes\n');
    await writeFile(join(folder, 'docker-compose.yml'), text);
    await writeFile(join(folder, 'docker-compose.override.yml'), override);
    await compose('up', '-d', '--no-build');
  }, 100_000);
  afterAll(async () => {
    await compose?.('down', '-v', '-t', '0');
    if (folder) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const text = `version: '2.4'
services:
  db:
    image: \${IMAGE}
    command: sh -c "echo up; sleep 600"
    environment: ['TOKEN=\${TOKEN}', 'EMPTY=']
    volumes: ['data:/data', '/etc/hostname:/etc/node:ro']
    restart: unless-stopped
    healthcheck: { test: 'true', interval: 30s, retries: 3 }
  web:
    image: \${IMAGE}
    entrypoint: [sleep]
    command: ['600']
    env_file: web.env
    user: '1000:1000'
    volumes: ['./conf:/conf:ro']
    depends_on: [db]
    networks: { default: {}, back: { aliases: [site] } }
    mem_limit: 64m
    cap_drop: [MKNOD]
    tmpfs: /run
    labels: { tier: front }
    logging: { options: { max-size: 1m } }
    restart: on-failure:3
networks: { back: { internal: true } }
volumes: { data: {} }
`;
  const override = `version: '2.4'\nservices: { web: { hostname: front, extra_hosts: ['nas:192.168.1.5'] } }\n`;

  test('says what its files say, overrides, .env and env files included', async () => {
    const { file, differences, findings, problems, mounts } = await adoptionPlanOf(ports, project, patientCall());
    expect({ differences, findings, problems }).toEqual({ differences: [], findings: [], problems: [] });
    expect(file).toMatchObject({ origin: 'original', name: 'docker-compose.yml', text, why: null });
    expect(mounts.map(({ service, target, becomes }) => [service, target, becomes])).toEqual([
      ['db', '/data', 'copied'],
      ['db', '/etc/node', 'external'],
      ['web', '/conf', 'copied'],
    ]);
  });

  test('says what the file says that is written once its own are gone', async () => {
    await rm(join(folder, 'docker-compose.yml'));
    const { file, findings, problems } = await adoptionPlanOf(ports, project, patientCall());
    expect({ findings, problems }).toEqual({ findings: [], problems: [] });
    expect(file).toMatchObject({ origin: 'written', why: expect.stringContaining('not there any more') as string });
    await writeFile(join(folder, 'docker-compose.yml'), text);
  });
});
