import { describe, expect, test } from 'vitest';
import { changeWords, compareRevisions, type Revision } from '#actors/app/changes.ts';
import { readCompose } from '#actors/compose/read.ts';
import { input } from '../compose/fixtures.ts';
import { TestLab } from '../test-lab.ts';

type Files = Readonly<Record<string, string>>;

function revision(services: string, files: Files = {}): Revision {
  const given = input(`services:\n${services}volumes: { data: {} }\n`, files);
  const read = readCompose(given);
  if ('findings' in read) throw new Error(read.findings[0]?.message);
  return { spec: read.app.spec, bundle: read.app.bundle, files: given.files };
}
const web = (yaml: string, files: Files = {}): Revision => revision(`  web: { image: nginx:1.26, ${yaml} }\n`, files);
const whatOf = (before: Revision, after: Revision): readonly string[] =>
  compareRevisions(before, after).services.find(({ service }) => service === 'web')?.what ?? [];

describe('what a new revision changes of a service', () => {
  test.each<readonly [string, string, string]>([
    ['ports: ["80:80"]', 'ports: ["80:80"]', ''],
    ['command: serve', 'command: serve --fast', 'command'],
    ['entrypoint: a', 'command: a', 'command|entrypoint'],
    ['environment: { A: 1, B: 2 }', 'environment: { B: 3, C: 4 }', 'environment A removed, B changed, C added'],
    [
      'ports: ["80:80"]',
      'ports: ["81:80", "127.0.0.1:80:80/udp"]',
      'port 127.0.0.1:80/udp added, 80/tcp removed, 81/tcp added',
    ],
    ['ports: ["80:80"]', 'ports: ["80:81"]', 'port 80/tcp changed'],
    ['volumes: ["data:/a"]', 'volumes: ["data:/a:ro", "data:/b"]', 'mount /a changed, /b added'],
    ['restart: always', 'restart: on-failure:3', 'restart always → on-failure:3'],
    ['labels: { a: b }', 'labels: {}', 'label a removed'],
    ['healthcheck: { test: a }', 'healthcheck: { test: b }', 'healthcheck'],
  ])('from %s to %s', (before, after, what) => {
    expect(whatOf(web(before), web(after)).join('|')).toBe(what);
  });

  test('is a network that it is in, how it is in it, and how that is made', () => {
    const inNetworks = (taken: string, made: string): Revision =>
      revision(`  web: { image: nginx:1.26, ${taken} }\nnetworks: { ${made} }\n`);
    const before = inNetworks('networks: { a: {}, b: {} }', 'a: {}, b: {}');
    const after = inNetworks('networks: { b: { aliases: [x] }, c: {}, a: {} }', 'a: { internal: true }, b: {}, c: {}');
    expect(whatOf(before, after)).toEqual(['network a changed, b changed, c added']);
    expect(whatOf(web(''), web('networks: [default]'))).toEqual([]);
  });

  test('is its image, from which to which', () => {
    const after = revision('  web: { image: nginx:1.27 }\n');
    expect(whatOf(web(''), after)).toEqual(['image nginx:1.26 → nginx:1.27']);
  });

  test('is a file that it mounts, or that lies in a folder that it mounts', () => {
    const mounts = 'volumes: ["./conf:/conf", "./one.txt:/one"]';
    const before = web(mounts, { 'conf/a': '1', 'conf/b': '1', 'one.txt': '1', 'other.txt': '1' });
    const after = web(mounts, { 'conf/a': '2', 'conf/c': '1', 'one.txt': '2', 'other.txt': '2' });
    expect(whatOf(before, after)).toEqual(['file conf/a changed, conf/b removed, conf/c added, one.txt changed']);
    expect(compareRevisions(before, after).files.map(({ path, change }) => `${path} ${change}`)).toEqual([
      'conf/a changed',
      'conf/b removed',
      'conf/c added',
      'one.txt changed',
      'other.txt changed',
    ]);
  });

  test('is told without any value of the environment', () => {
    const [before, after] = [web('environment: { KEY: s3cr3t-1 }'), web('environment: { KEY: s3cr3t-2 }')];
    expect(JSON.stringify(compareRevisions(before, after))).not.toContain('s3cr3t');
  });

  test('is told as far as what was stored is at hand', () => {
    const before = { ...web('environment: { A: 1 }, ports: ["80:80"]'), bundle: undefined, files: undefined };
    expect(compareRevisions(before, web('ports: ["81:80"]'))).toEqual({
      services: [{ service: 'web', change: 'changed', what: ['port 80/tcp removed, 81/tcp added'] }],
      files: [],
    });
  });
});

describe('the words of a plan', () => {
  const before = revision('  db: { image: postgres }\n  old: { image: a }\n  web: { image: nginx:1.26 }\n', {
    '.env': '',
  });
  const after = revision('  db: { image: postgres }\n  new: { image: b }\n  web: { image: nginx:1.27 }\n', {
    '.env': 'A=1',
  });

  test('say each service, whether it is restarted, and the files', () => {
    expect(changeWords(compareRevisions(before, after), true)).toEqual([
      'Service new is new: image b.',
      'Service old goes.',
      'Service web: image nginx:1.26 → nginx:1.27. It is restarted.',
      'Service db is as before, and restarted with the app.',
      'File .env is changed.',
    ]);
  });

  test('say nothing of restarts when the app is off', () => {
    expect(changeWords(compareRevisions(before, after), false).join(' ')).not.toContain('restart');
  });

  test('come with the dry run and the deployment of a revision, and of nothing else', () => {
    const lab = TestLab.ready();
    const photos = 'name: photos\nservices: { web: { image: nginx, environment: { A: 1 } } }\n';
    lab.must('deploy-app', { compose: photos });
    expect(lab.changes).toEqual([]);
    lab.must('deploy-app', { compose: photos.replace('A: 1', 'A: 2, B: 1') });
    expect(lab.changes).toEqual(['Service web: environment A changed, B added. It is restarted.']);
    lab.must('stop-app', { name: 'photos' });
    expect(lab.changes).toEqual([]);
  });
});
