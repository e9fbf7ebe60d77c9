import { describe, expect, test } from 'vitest';
import type { ServiceSpec } from '#events/app.ts';
import { asIndex } from '#events/envelope.ts';
import { backoffMs } from '#io/agent/backoff.ts';
import { projectOf, type InstanceOrder } from '#io/agent/containers/labels.ts';
import { containerSpec, dispensable, startOrder } from '#io/agent/containers/plan.ts';
import { isFinished, shouldRestart, statusOf } from '#io/agent/containers/status.ts';
import type { ContainerInfo } from '#io/devices/docker/port.ts';

const service = (more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  image: 'nginx',
  ports: [],
  mounts: [],
  restart: { condition: 'always' },
  dependsOn: [],
  hasHealthcheck: false,
  ...more,
});
const needs = (...names: string[]) =>
  service({
    dependsOn: names.map((name) => ({ service: name, condition: 'service_started' as const, required: true })),
  });

const order = (services: Record<string, ServiceSpec>, namespace = 'default'): InstanceOrder => ({
  work: 'start-instance',
  subject: 'instance:i1',
  visit: 1,
  node: 'node:n1',
  epoch: asIndex(7),
  cause: 'c',
  correlation: 'c',
  input: {
    app: 'app:a1',
    namespace,
    appName: 'photos',
    images: {},
    revision: 1,
    bundle: 'b',
    spec: { services, volumes: {} },
    paths: { data: '/pool/v1' },
    datasets: { data: { pool: 'main', dataset: 'v1' } },
    services: {},
  },
});

const container = (more: Partial<ContainerInfo>): ContainerInfo => ({
  id: 'c1',
  name: 'photos-web-1',
  image: 'nginx',
  labels: {},
  state: 'running',
  health: 'none',
  healthcheck: undefined,
  exitCode: undefined,
  startedAt: 1,
  oomKilled: false,
  restartPolicy: 'no',
  networks: ['photos_default'],
  ...more,
});

describe('starting', () => {
  test('what others depend on comes first, the rest in the order of names', () => {
    expect(
      startOrder({ web: needs('api'), api: needs('db', 'cache'), db: service(), cache: service(), also: service() }),
    ).toEqual(['also', 'db', 'cache', 'api', 'web']);
  });

  test('an app can do without a service only when nobody who is wanted for itself requires it', () => {
    const without = (...names: string[]) =>
      service({
        dependsOn: names.map((name) => ({ service: name, condition: 'service_started' as const, required: false })),
      });
    const can = (services: Record<string, ServiceSpec>) => [...dispensable(services)].toSorted();
    expect(can({ web: needs('db'), db: service() })).toEqual([]);
    expect(can({ web: without('cache'), cache: service() })).toEqual(['cache']);
    expect(can({ web: without('cache'), api: needs('cache'), cache: service() })).toEqual([]);
    expect(can({ web: without('cache'), cache: needs('store'), store: service() })).toEqual(['cache', 'store']);
    expect(can({ web: without('nowhere') })).toEqual([]);
  });

  test("Compose's names and labels are kept, so that other tools recognize the app", () => {
    const web = service({ mounts: [{ volume: 'data', subpath: 'www', target: '/srv', readOnly: true }] });
    const bundle = { services: { web: { image: 'nginx', environment: ['A=1'], labels: { mine: 'yes' } } }, files: [] };
    const spec = containerSpec(order({ web }), bundle, 'web');
    expect(spec).toMatchObject({
      name: 'photos-web-1',
      networks: [{ name: 'photos_default', aliases: ['web'] }],
      mounts: [{ source: '/pool/v1/www', target: '/srv', readOnly: true }],
      labels: {
        mine: 'yes',
        'com.docker.compose.project': 'photos',
        'com.docker.compose.service': 'web',
        'floatlab.epoch': '7',
      },
    });
  });

  test('another configuration has another hash, the same one the same', () => {
    const hash = (value: string): string | undefined =>
      containerSpec(
        order({ web: service() }),
        { services: { web: { image: 'nginx', environment: [value], labels: {} } }, files: [] },
        'web',
      ).labels['floatlab.config'];
    expect(hash('A=1')).toBe(hash('A=1'));
    expect(hash('A=1')).not.toBe(hash('A=2'));
  });

  test('apps of the same name in two namespaces do not meet', () => {
    expect(projectOf(order({}).input)).toBe('photos');
    expect(projectOf(order({}, 'team').input)).toBe('team_photos');
  });

  test('a volume that is not on this node is an error, never an empty folder', () => {
    const web = service({ mounts: [{ volume: 'other', subpath: '.', target: '/srv', readOnly: false }] });
    expect(() =>
      containerSpec(
        order({ web }),
        { services: { web: { image: 'x', environment: [], labels: {} } }, files: [] },
        'web',
      ),
    ).toThrow(/not on this node/);
  });
});

describe('what a container says of its service', () => {
  test.each([
    [{ state: 'running' }, service(), 'running'],
    [{ state: 'running', health: 'starting' }, service({ hasHealthcheck: true }), 'starting'],
    [{ state: 'running', health: 'unhealthy' }, service({ hasHealthcheck: true }), 'unhealthy'],
    [{ state: 'exited', exitCode: 0 }, service({ restart: { condition: 'no' } }), 'completed'],
    [{ state: 'exited', exitCode: 3 }, service({ restart: { condition: 'no' } }), 'exited'],
    [{ state: 'exited', exitCode: 0 }, service({ restart: { condition: 'on-failure' } }), 'completed'],
    [{ state: 'exited', exitCode: 3 }, service({ restart: { condition: 'on-failure' } }), 'restarting'],
    [{ state: 'exited', exitCode: 0 }, service(), 'restarting'],
    [{ state: 'created' }, service(), 'starting'],
    [{ state: 'dead', exitCode: 0 }, service({ restart: { condition: 'no' } }), 'exited'],
  ] as const)('%j means %#: %s', (info, spec, state) => {
    expect(statusOf(container(info), spec, 0).state).toBe(state);
  });

  test('it has ended for good when it ended by itself and its policy does not start it again', () => {
    const ended = (info: Partial<ContainerInfo> | undefined, condition: 'no' | 'on-failure' | 'always'): boolean =>
      isFinished(statusOf(info && container(info), service({ restart: { condition } }), 0));
    expect(ended({ state: 'exited', exitCode: 0 }, 'no')).toBe(true);
    expect(ended({ state: 'exited', exitCode: 3 }, 'no')).toBe(true);
    expect(ended({ state: 'exited', exitCode: 0 }, 'on-failure')).toBe(true);
    expect(ended({ state: 'exited', exitCode: 3 }, 'on-failure')).toBe(false);
    expect(ended({ state: 'exited', exitCode: 0 }, 'always')).toBe(false);
    expect(ended({ state: 'dead', exitCode: 137 }, 'no')).toBe(false);
    expect(ended({ state: 'running' }, 'no')).toBe(false);
    expect(ended(undefined, 'no')).toBe(false);
  });

  test('on-failure gives up after as many restarts as the file allows', () => {
    const spec = service({ restart: { condition: 'on-failure', maxRetries: 2 } });
    expect(
      [0, 1, 2].map((restarts) => shouldRestart(container({ state: 'exited', exitCode: 1 }), spec, restarts)),
    ).toEqual([true, true, false]);
  });
});

test('waiting doubles up to its bound, with jitter that never leaves half of it', () => {
  const backoff = { baseMs: 1000, maxMs: 30_000 };
  expect([1, 2, 3, 10, 1000].map((attempt) => backoffMs(backoff, attempt, 0))).toEqual([
    500, 1000, 2000, 15_000, 15_000,
  ]);
  expect(backoffMs(backoff, 1, 0.999)).toBeLessThanOrEqual(1000);
});
