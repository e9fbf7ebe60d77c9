/** Where an app may be that uses data of a machine. */
import { describe, expect, test } from 'vitest';
import { choose } from '#actors/placement/choose.ts';
import { tiesOf } from '#actors/placement/external.ts';
import { TestLab } from '../test-lab.ts';

const compose = (mount: string, placement = ''): string =>
  `name: jellyfin\nservices: { web: { image: nginx, volumes: ["${mount}"] } }\n${
    placement === '' ? '' : `x-floatlab: { placement: ${placement} }\n`
  }`;

function lab(): TestLab {
  const two = TestLab.ready();
  two.join('vega');
  return two;
}

const refusals = (of: TestLab): Record<string, string | undefined> => {
  const app = of.lab.get(of.app('jellyfin'));
  if (!app) throw new Error('no app');
  const { candidates } = choose(of.lab, { needs: [], only: [], ties: tiesOf(app, of.lab) });
  return Object.fromEntries(candidates.map(({ name, refused }) => [name, refused]));
};
const assign = (of: TestLab, node: string) =>
  of.run('assign-instance', { app: of.app('jellyfin'), node: `node:${node}` }, 'policy:placement');

function stopped(of: TestLab): void {
  const instance = of.instance('jellyfin');
  of.must('stop-app', { name: 'jellyfin' });
  of.must('stop-instance', { instance, because: 'the app is stopped' }, 'policy:rollout');
  of.must(
    'report-instance-stopped',
    { instance, visit: of.visit(instance) },
    of.lab.get(instance)?.context.node as 'node:atlas',
  );
}

describe('data of a machine', () => {
  test('ties the app to the node on which it is first placed', () => {
    const two = lab();
    two.must('deploy-app', { compose: compose('/mnt/media:/media') });
    expect(refusals(two)).toEqual({ atlas: undefined, vega: undefined });
    expect(assign(two, 'vega').events.map(({ type }) => type)).toEqual(['app.tied', 'instance.assigned']);
    expect(refusals(two)).toEqual({
      atlas: 'is not where its data is: external data at /mnt/media is on vega',
      vega: undefined,
    });
    two.started('jellyfin');
    stopped(two);
    two.must('start-app', { name: 'jellyfin' });
    expect(assign(two, 'atlas').rejected).toMatchObject({
      code: 'NOT_NOW',
      explain: 'atlas is not where its data is: external data at /mnt/media is on vega.',
    });
  });

  test('is on another node when a person says so, and not while the app uses it where it is', () => {
    const two = lab();
    two.must('deploy-app', { compose: compose('/mnt/media:/media') });
    assign(two, 'vega');
    two.started('jellyfin');
    expect(two.run('tie-app', { name: 'jellyfin', node: 'atlas' }).rejected).toMatchObject({
      code: 'NOT_NOW',
      hint: 'Stop it first: floatlab app stop jellyfin.',
    });
    stopped(two);
    expect(two.types('tie-app', { name: 'jellyfin', node: 'atlas' })).toEqual(['app.tied']);
    expect(two.types('tie-app', { name: 'jellyfin', node: 'atlas' })).toEqual([]);
    two.must('start-app', { name: 'jellyfin' });
    expect(refusals(two)['atlas']).toBeUndefined();
    expect(refusals(two)['vega']).toContain('is on atlas');
  });

  test('ties nobody when it means the same on each machine', () => {
    const two = lab();
    two.must('deploy-app', { compose: compose('/var/run/docker.sock:/var/run/docker.sock:ro') });
    expect(assign(two, 'vega').events.map(({ type }) => type)).toEqual(['instance.assigned']);
    expect(refusals(two)).toEqual({ atlas: undefined, vega: undefined });
    expect(two.run('tie-app', { name: 'jellyfin', node: 'vega' }).rejected?.code).toBe('INVALID');
  });

  test('that lies in a volume of the lab is no data of a machine', () => {
    const two = lab();
    two.running('name: db\nservices: { db: { image: postgres, volumes: ["data:/d"] } }\nvolumes: { data: {} }\n');
    const path = two.lab.get(two.volume('db-data'))?.context.path ?? '';
    two.must('deploy-app', { compose: compose(`${path}/x:/x`) });
    expect(refusals(two)['atlas']).toBe(`keeps volume db-data at ${path}: that is mounted by its name`);
    expect(refusals(two)['vega']).toBeUndefined();
  });
});

describe('the node that a file names', () => {
  test('is where the app goes, with data or without', () => {
    const two = lab();
    two.must('deploy-app', { compose: compose('/etc/localtime:/etc/localtime', '{ node: vega }') });
    expect(refusals(two)).toEqual({ atlas: 'is not vega, which its file names', vega: undefined });
  });

  test('has to be one of the lab', () => {
    expect(lab().run('deploy-app', { compose: compose('/mnt/a:/a', '{ node: sirius }') }).rejected).toMatchObject({
      code: 'NO_NODE_FITS',
      explain: 'The file names node sirius, and the lab has none of that name.',
    });
  });

  test('changes nothing of where the data is', () => {
    const two = lab();
    two.must('deploy-app', { compose: compose('/mnt/media:/media', '{ node: atlas }') });
    assign(two, 'atlas');
    two.started('jellyfin');
    expect(two.run('deploy-app', { compose: compose('/mnt/media:/media', '{ node: vega }') }).rejected).toEqual({
      code: 'NOT_NOW',
      explain:
        'App jellyfin has external data at /mnt/media on atlas, and the file names vega: FloatLab does not move what lies outside of volumes.',
      hint: 'When vega has that data: floatlab app stop jellyfin, then floatlab app tie jellyfin vega, then deploy.',
    });
    stopped(two);
    two.must('tie-app', { name: 'jellyfin', node: 'vega' });
    two.must('deploy-app', { compose: compose('/mnt/media:/media', '{ node: vega }') });
    expect(refusals(two)).toEqual({
      atlas: 'is not where its data is: external data at /mnt/media is on vega',
      vega: undefined,
    });
  });
});

test('an image for another architecture runs on no node but those of that one', () => {
  const two = lab();
  const facts = two.lab.get('node:atlas')?.context.facts;
  if (!facts) throw new Error('no node');
  const of = (node: 'node:atlas' | 'node:vega', architecture: string) =>
    two.must('report-node', { node, addresses: ['10.0.0.1'], facts: { ...facts, architecture } }, node);
  of('node:atlas', 'amd64');
  of('node:vega', 'arm64');
  two.must('deploy-app', {
    compose: 'name: jellyfin\nservices: { web: { image: nginx, platform: linux/arm64/v8 } }\n',
  });
  expect(refusals(two)).toEqual({ atlas: 'is linux/amd64, and an image is for linux/arm64', vega: undefined });
  expect(assign(two, 'atlas').rejected?.code).toBe('NOT_NOW');
});

describe('a share', () => {
  const facts = {
    ...{ architecture: 'amd64', cpus: 4, memoryBytes: 2 ** 33, os: 'Debian 12', kernel: '6.1', version: '0.1.0' },
    engine: { name: 'docker', version: '24.0' },
    pools: [],
  };
  const mounted = (of: TestLab, node: string): void => {
    const shares = [{ path: '/mnt/media', source: 'nas:/media', type: 'nfs4' }];
    of.must(
      'report-node',
      { node: `node:${node}`, addresses: ['10.0.0.1'], facts: { ...facts, shares } },
      `node:${node}`,
    );
  };

  test('that is read unties the app: any node that has it mounted will do', () => {
    const two = lab();
    mounted(two, 'vega');
    two.must('deploy-app', { compose: compose('/mnt/media/films:/media:ro', '{ shares: [/mnt/media] }') });
    expect(refusals(two)).toEqual({ atlas: 'has nothing mounted at /mnt/media', vega: undefined });
    expect(assign(two, 'vega').events.map(({ type }) => type)).toEqual(['instance.assigned']);
    mounted(two, 'atlas');
    expect(refusals(two)).toEqual({ atlas: undefined, vega: undefined });
  });

  test('that is written ties it like other data', () => {
    const two = lab();
    mounted(two, 'vega');
    two.must('deploy-app', { compose: compose('/mnt/media:/media', '{ shares: [/mnt/media] }') });
    expect(assign(two, 'atlas').events.map(({ type }) => type)).toEqual(['app.tied', 'instance.assigned']);
  });
});
