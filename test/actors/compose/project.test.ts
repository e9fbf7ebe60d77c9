/** Several compose files as one app: what is merged, extended and included, and what is said when that goes wrong. */
import { describe, expect, test } from 'vitest';
import { maxComposeFiles, type ComposeApp, type ComposeInput } from '#actors/compose/model.ts';
import { resolvePath } from '#actors/compose/project/paths.ts';
import { namedApp, namedPaths, readCompose } from '#actors/compose/read.ts';
import { renderFindings } from '#actors/compose/render.ts';
import { input } from './fixtures.ts';

type Files = Readonly<Record<string, string>>;

function readInput(given: ComposeInput): ComposeApp {
  const result = readCompose(given);
  if ('findings' in result) throw new Error(renderFindings(result.findings));
  return result.app;
}
const read = (text: string, files: Files = {}): ComposeApp => readInput(input(text, files));
const shown = (text: string, files: Files = {}): string[] => {
  const result = readCompose(input(text, files));
  const findings = 'findings' in result ? result.findings : [];
  return findings.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`);
};

/** What the service `web` becomes of a file and an override of it; the same of a service and what it extends. */
function merged(base: string, over: string): ComposeApp {
  const common = '\nvolumes: {data: , other: }\nconfigs: {one: {content: a}, two: {content: b}}';
  const others = 'db: {image: postgres}, cache: {image: redis}';
  const overridden = read(`services: {web: {image: nginx, ${base}}, ${others}}${common}`, {
    'compose.override.yaml': `services: {web: {${over}}}`,
  });
  const extended = read(`services: {web: {extends: {file: base.yaml, service: it}, ${over}}, ${others}}${common}`, {
    'base.yaml': `services: {it: {image: nginx, ${base}}}`,
  });
  expect(extended.bundle).toEqual(overridden.bundle);
  expect(extended.spec).toEqual(overridden.spec);
  return overridden;
}
const web = (base: string, over: string) => merged(base, over).bundle.services['web'];
const spec = (base: string, over: string) => merged(base, over).spec.services['web'];

describe('an override, and a service over what it extends', () => {
  test('replaces single values, and leaves what it does not name', () => {
    expect(web('user: "1", working_dir: /a', 'working_dir: /b, image: nginx:2')).toMatchObject({
      image: 'nginx:2',
      settings: { user: '1', workingDir: '/b' },
    });
  });
  test('replaces commands, and the test of a healthcheck, not the rest of that', () => {
    expect(web('command: [a, b], entrypoint: [c]', 'command: [d], entrypoint: e f')).toMatchObject({
      command: ['d'],
      entrypoint: ['e', 'f'],
    });
    expect(
      web('healthcheck: {test: [CMD, a], interval: 5s}', 'healthcheck: {test: [CMD, b], retries: 2}')?.healthcheck,
    ).toEqual({ test: ['CMD', 'b'], intervalMs: 5000, retries: 2 });
  });
  test.each([
    ['{A: 1, B: 1}', '{B: 2, C: 2}'],
    ['[A=1, B=1]', '[B=2, C=2]'],
    ['{A: 1, B: 1}', '[B=2, C=2]'],
    ['[A=1, B=1]', '{B: 2, C: 2}'],
  ])('merges environment, labels, annotations and sysctls by key: %s and %s', (base, over) => {
    expect(web(`environment: ${base}`, `environment: ${over}`)?.environment).toEqual(['A=1', 'B=2', 'C=2']);
    const expected = { A: '1', B: '2', C: '2' };
    expect(web(`labels: ${base}`, `labels: ${over}`)?.labels).toEqual(expected);
    expect(web(`annotations: ${base}`, `annotations: ${over}`)?.settings?.annotations).toEqual(expected);
    const name = (text: string): string => text.replaceAll(/[A-C]/g, (key) => `net.${key.toLowerCase()}`);
    expect(web(`sysctls: ${name(base)}`, `sysctls: ${name(over)}`)?.settings?.sysctls).toEqual({
      'net.a': '1',
      'net.b': '2',
      'net.c': '2',
    });
  });
  test('appends lists, and takes one value for a list of one', () => {
    expect(web('dns: 1.1.1.1', 'dns: [9.9.9.9, 1.1.1.1]')?.settings?.dns).toEqual(['1.1.1.1', '9.9.9.9']);
    expect(web('cap_add: [NET_ADMIN]', 'cap_add: [SYS_TIME]')?.settings?.capAdd).toEqual(['NET_ADMIN', 'SYS_TIME']);
    expect(web('tmpfs: /run', 'tmpfs: [/tmp]')?.settings?.tmpfs).toEqual({ '/run': '', '/tmp': '' });
  });
  test('has one mount for each place in the container', () => {
    expect(spec('volumes: ["data:/data", "data:/old"]', 'volumes: ["other:/data/:ro", "data:/new"]')?.mounts).toEqual([
      { volume: 'other', subpath: '.', target: '/data', readOnly: true },
      { volume: 'data', subpath: '.', target: '/old', readOnly: false },
      { volume: 'data', subpath: '.', target: '/new', readOnly: false },
    ]);
    const long = 'volumes: [{type: volume, source: other, target: /data}]';
    expect(spec('volumes: ["data:/data"]', long)?.mounts).toMatchObject([{ volume: 'other', target: '/data' }]);
    expect(spec('configs: [one]', 'configs: [{source: two, target: /one}]')?.mounts).toMatchObject([
      { subpath: '.compose/configs/two', target: '/one' },
    ]);
  });
  test('publishes a port once, and another one beside it', () => {
    const long = '{target: 80, published: 8080, protocol: tcp}';
    expect(spec('ports: ["8080:80"]', `ports: ["0.0.0.0:8080:80/tcp", "8443:443"]`)?.ports).toHaveLength(2);
    expect(spec('ports: ["8080:80", "81:81"]', `ports: [${long}]`)?.ports).toHaveLength(2);
    expect(spec('ports: ["8080:80"]', 'ports: ["127.0.0.1:8081:80"]')?.ports).toHaveLength(2);
  });
  test('has one device for each place in the container', () => {
    expect(
      web('devices: [/dev/ttyUSB0, /dev/snd]', 'devices: ["/dev/ttyACM0:/dev/ttyUSB0:r"]')?.settings?.devices,
    ).toEqual([
      { path: '/dev/ttyACM0', target: '/dev/ttyUSB0', permissions: 'r' },
      { path: '/dev/snd', target: '/dev/snd', permissions: 'rwm' },
    ]);
  });
  test.each([
    ['[db]', '[db, cache]'],
    ['{db: {condition: service_started}}', '[cache]'],
    ['[db]', '{cache: {condition: service_started}}'],
  ])('depends on what both name: %s and %s', (base, over) => {
    expect(spec(`depends_on: ${base}`, `depends_on: ${over}`)?.dependsOn.map(({ service }) => service)).toEqual([
      'db',
      'cache',
    ]);
  });
  test('says last what a dependency must have reached', () => {
    expect(
      spec('depends_on: {db: {condition: service_started}}', 'depends_on: {db: {required: false}}')?.dependsOn,
    ).toEqual([{ service: 'db', condition: 'service_started', required: false }]);
  });
  test('gives a host several addresses', () => {
    expect(web('extra_hosts: ["nas:10.0.0.1"]', 'extra_hosts: {nas: 10.0.0.2}')?.settings?.extraHosts).toEqual([
      'nas:10.0.0.1',
      'nas:10.0.0.2',
    ]);
  });
  test('keeps options of logging only for the same driver', () => {
    const base = 'logging: {driver: json-file, options: {max-size: 1m}}';
    expect(web(base, 'logging: {options: {max-file: "2"}}')?.settings?.logging).toEqual({
      driver: 'json-file',
      options: { 'max-file': '2', 'max-size': '1m' },
    });
    expect(web(base, 'logging: {driver: local}')?.settings?.logging).toEqual({ driver: 'local', options: {} });
  });
  test('replaces a limit, however it is written', () => {
    expect(web('ulimits: {nofile: {soft: 1, hard: 2}, core: 0}', 'ulimits: {nofile: 5}')?.settings?.ulimits).toEqual({
      core: { soft: 0, hard: 0 },
      nofile: { soft: 5, hard: 5 },
    });
  });
  test('takes away by `!reset`, and replaces by `!override`', () => {
    const base = 'ports: ["80:80"], environment: {A: 1, B: 1}, labels: {a: b}, healthcheck: {test: a, retries: 3}';
    const found = merged(
      base,
      'ports: !reset [], environment: {A: !reset null}, labels: !override {c: d}, healthcheck: !reset',
    );
    expect(found.spec.services['web']).toMatchObject({ ports: [], hasHealthcheck: false });
    expect(found.bundle.services['web']).toMatchObject({ environment: ['B=1'], labels: { c: 'd' } });
    expect(web('dns: [1.1.1.1]', 'dns: !override [9.9.9.9]')?.settings?.dns).toEqual(['9.9.9.9']);
    expect(
      web('healthcheck: {test: a, retries: 3}', 'healthcheck: {retries: !reset 3}')?.healthcheck,
    ).not.toHaveProperty('retries');
    expect(web('init: true', 'init: !override false')?.settings?.init).toBe(false);
  });
  test('leaves a list or a map to which it says nothing', () => {
    expect(web('dns: [1.1.1.1], environment: {A: 1}', 'dns: , environment: ')).toMatchObject({
      environment: ['A=1'],
      settings: { dns: ['1.1.1.1'] },
    });
  });
});

describe('overrides', () => {
  const main =
    'name: one\nservices: {web: {image: nginx}}\nvolumes: {data: {x-floatlab: {size: 1GiB, keep: "1d:all"}}}';
  test('are merged in their order, each over what is there', () => {
    const files = {
      'a.override.yaml': 'services: {web: {image: nginx:1, environment: {A: 1}}}',
      'b.override.yaml': 'name: two\nservices: {web: {image: nginx:2}, db: {image: postgres}}',
    };
    const app = read(main, files);
    expect(app.name).toBe('two');
    expect(namedApp(input(main, files))).toBe('two');
    expect(app.bundle.services).toMatchObject({ web: { image: 'nginx:2', environment: ['A=1'] }, db: {} });
  });
  test('merge x-floatlab, as the one extension that is known', () => {
    const { spec: found } = read(main, { 'a.override.yaml': 'volumes: {data: {x-floatlab: {size: 2GiB}}}' });
    expect(found.volumes['data']).toMatchObject({ sizeBytes: 2 * 2 ** 30, keep: '1d:all' });
  });
  test('take their variables from .env, and their paths from the folder of the first file', () => {
    const app = read(main, {
      '.env': 'TAG=3',
      'a.override.yaml': 'services: {web: {image: "nginx:${TAG}", volumes: ["./conf:/conf"]}}',
      'conf/x': '',
    });
    expect(app.bundle.services['web']?.image).toBe('nginx:3');
    expect(app.spec.services['web']?.mounts).toMatchObject([{ subpath: 'conf' }]);
  });
  test('take whole services away', () => {
    const { spec: found } = read('services: {web: {image: nginx}, db: {image: postgres}}', {
      'a.override.yaml': 'services: {db: !reset null}',
    });
    expect(Object.keys(found.services)).toEqual(['web']);
  });
  test('of a service that is not there are told with the one that was meant', () => {
    const result = readCompose(input(main, { 'a.override.yaml': 'services:\n  wbe: {ports: ["80:80"]}' }));
    expect('findings' in result && renderFindings(result.findings)).toMatchInlineSnapshot(`
      "a.override.yaml:2:3: This service has no \`image\`.
          1 | services:
        > 2 |   wbe: {ports: ["80:80"]}
            |   ^
        hint: Did you mean \`web\`?"
    `);
  });
  test('of another kind than what they are over are told with both files', () => {
    expect(shown(main, { 'a.override.yaml': 'services: [web]' })).toEqual([
      'a.override.yaml:1:11 `services` is a list here, but a map in `compose.yaml`: they cannot be merged.',
    ]);
  });
  test('cannot merge what a variable is the key of', () => {
    expect(
      shown('services: {web: {image: nginx, environment: {A: 1}}}', {
        'a.override.yaml': 'services: {web: {environment: ["${K}=1"]}}',
      }),
    ).toEqual(['a.override.yaml:1:32 A variable in a key cannot be merged with the map of another file.']);
  });
});

describe('extends', () => {
  test('takes another service of the file, down a chain', () => {
    const app = read(
      'services: {a: {extends: b, user: "1"}, b: {extends: {service: c}, environment: [B=1]}, c: {image: nginx, environment: [C=1]}}',
    );
    expect(app.bundle.services['a']).toMatchObject({
      image: 'nginx',
      environment: ['B=1', 'C=1'],
      settings: { user: '1' },
    });
  });
  test('takes a service of another file, with paths from there and variables of the app', () => {
    const app = read('services: {web: {extends: {file: base/web.yaml, service: web}}}', {
      '.env': 'TAG=1',
      'base/web.yaml':
        'services: {web: {extends: {file: ../common.yaml, service: all}, image: "nginx:${TAG}", env_file: a.env, volumes: ["./x:/x", "../y:/y"]}}',
      'base/a.env': 'A=1',
      'base/x/f': '',
      'y/f': '',
      'common.yaml': 'services: {all: {environment: {C: 1}}}',
    });
    expect(app.bundle.services['web']).toMatchObject({ image: 'nginx:1', environment: ['A=1', 'C=1'] });
    expect(app.spec.services['web']?.mounts.map((mount) => 'subpath' in mount && mount.subpath)).toEqual([
      'base/x',
      'y',
    ]);
    expect(app.bundle.files.map(({ path }) => path)).toEqual(['base/x/f', 'y/f']);
  });
  test('brings no volumes and services along: what is missing is told where it stands', () => {
    expect(
      shown('services: {web: {extends: {file: base.yaml, service: web}}}', {
        'base.yaml': 'services:\n  web: {image: nginx, volumes: ["data:/data"], depends_on: [db]}\nvolumes: {data: }',
      }),
    ).toEqual([
      'base.yaml:2:33 Volume `data` is not declared in this file.',
      'base.yaml:2:61 `db` is not a service of this file.',
    ]);
  });
  test('names circles, through files too', () => {
    expect(shown('services: {a: {extends: b}, b: {extends: a}}')).toEqual([
      'compose.yaml:1:42 These services extend each other: a → b → a.',
    ]);
    expect(shown('services: {a: {extends: a}}')).toEqual([
      'compose.yaml:1:25 These services extend each other: a → a.',
    ]);
    expect(
      shown('services: {a: {extends: {file: b.yaml, service: b}}}', {
        'b.yaml': 'services: {b: {extends: {file: compose.yaml, service: a}}}',
      }),
    ).toEqual(['b.yaml:1:55 These services extend each other: a (compose.yaml) → b → a (compose.yaml).']);
  });
  test('says what is missing, and nothing of what follows from that', () => {
    const one = (extended: string, files: Files = {}): string[] =>
      shown(`services: {web: {extends: ${extended}}, db: {image: postgres}}`, files);
    expect(one('dc')).toEqual(['compose.yaml:1:27 `dc` is not a service of `compose.yaml`.']);
    expect(one('{file: b.yaml, service: x}')).toEqual(['compose.yaml:1:34 The file `b.yaml` is not there.']);
    expect(one('{file: b.yaml, service: x}', { 'b.yaml': 'volumes: {}' })).toEqual([
      'compose.yaml:1:51 `x` is not a service of `b.yaml`.',
    ]);
    expect(one('{file: b, service: x}', { 'b/c.yaml': '' })).toEqual([
      'compose.yaml:1:34 `b` is a folder, not a file.',
    ]);
    expect(one('{file: ../b.yaml, service: x}')).toEqual([
      'compose.yaml:1:34 This is not a file in the folder of the compose file.',
    ]);
    expect(one('{file: "https://x.lab/b.yaml", service: x}')).toEqual([
      'compose.yaml:1:34 FloatLab fetches no compose files.',
    ]);
    expect(one('{file: b.yaml}', { 'b.yaml': 'services: {}' })).toEqual([
      'compose.yaml:1:27 This `extends` names no service.',
    ]);
    expect(one('[db]')).toEqual([
      'compose.yaml:1:27 `services.web.extends` must be the name of a service, or a map, but is a list.',
    ]);
    expect(one('{service: db, of: x}')).toEqual(['compose.yaml:1:41 `of` is not a key of extends.']);
  });
  test('goes at most fifty services deep, whatever their order', () => {
    const chain = (count: number): string =>
      `services:\n${Array.from({ length: count }, (_, n) => `  s${n}: {${n + 1 < count ? `extends: s${n + 1}` : 'image: nginx'}}`).join('\n')}`;
    expect(Object.keys(read(chain(50)).spec.services)).toHaveLength(50);
    expect(shown(chain(60))[0]).toContain('More than 50 services extend one another in a row.');
  });
});

describe('include', () => {
  const team = {
    'team/compose.yaml':
      'name: ignored\nservices: {web: {image: "nginx:${TAG}", env_file: a.env, volumes: ["data:/data", "./conf:/conf"]}}\nvolumes: {data: }',
    'team/.env': 'TAG=1\nOTHER=2',
    'team/a.env': 'A=${OTHER}',
    'team/conf/x': '',
  };
  test('brings in services and what they need, with paths and variables of their own', () => {
    const app = read('include: [team/compose.yaml]\nservices: {db: {image: postgres}}', team);
    expect(app.name).toBeUndefined();
    expect(app.bundle.services).toMatchObject({ db: {}, web: { image: 'nginx:1', environment: ['A=2'] } });
    expect(app.spec.services['web']?.mounts).toMatchObject([{ volume: 'data' }, { subpath: 'team/conf' }]);
    expect(app.bundle.files.map(({ path }) => path)).toEqual(['team/conf/x']);
  });
  test('lets variables of the app go before those of the folder', () => {
    expect(read('include: [team/compose.yaml]', { ...team, '.env': 'TAG=9' }).bundle.services['web']).toMatchObject({
      image: 'nginx:9',
      environment: ['A=2'],
    });
  });
  test('has a long form with a folder, files of variables, and overrides', () => {
    const app = read(
      'include:\n  - path: [team/compose.yaml, change.yaml]\n    project_directory: other\n    env_file: [one.env, two.env]',
      {
        ...team,
        'change.yaml': 'services: {web: {environment: {B: "${B}"}}}',
        'one.env': 'TAG=5\nB=1\nOTHER=7',
        'two.env': 'B=2',
        'other/a.env': 'A=${OTHER}',
      },
    );
    expect(app.bundle.services['web']).toMatchObject({ image: 'nginx:5', environment: ['A=7', 'B=2'] });
    expect(app.spec.services['web']?.mounts).toMatchObject([{ volume: 'data' }, { subpath: 'other/conf' }]);
  });
  test('can be changed by an override of the app', () => {
    const app = read('include: [team/compose.yaml]', {
      ...team,
      'a.override.yaml': 'services: {web: {image: "caddy:2"}}',
    });
    expect(app.bundle.services['web']?.image).toBe('caddy:2');
  });
  test('takes what several bring in alike, once', () => {
    const files = {
      'a.yaml': 'include: [c.yaml]\nservices: {a: {image: nginx}}',
      'b.yaml': 'include: [c.yaml]\nservices: {b: {image: nginx}}',
      'c.yaml': 'services: {c: {image: nginx}}',
    };
    expect(Object.keys(read('include: [a.yaml, b.yaml, c.yaml]', files).spec.services)).toEqual(['a', 'c', 'b']);
  });
  test('refuses two of one name that differ', () => {
    expect(shown('include: [team/compose.yaml]\nservices: {web: {image: nginx}}', team)).toEqual([
      'compose.yaml:1:11 The service `web` of `team/compose.yaml` is another one in `compose.yaml`.',
    ]);
  });
  test('takes settings of an included app for its volumes', () => {
    const { spec: found } = read('include: [a.yaml]\nvolumes: {own: }', {
      'a.yaml':
        'x-floatlab: {url: "https://x.lab", size: 3GiB, snapshot: {schedule: "0 * * * *"}}\nservices: {a: {image: nginx, volumes: ["one:/1", "two:/2"]}}\nvolumes: {one: , two: {x-floatlab: {size: 4GiB}}}',
    });
    expect(found).not.toHaveProperty('url');
    expect(found.volumes).toMatchObject({
      own: { sizeBytes: 2 ** 30 },
      one: { sizeBytes: 3 * 2 ** 30, schedule: '0 * * * *' },
      two: { sizeBytes: 4 * 2 ** 30, schedule: '0 * * * *' },
    });
  });
  test('names circles', () => {
    expect(shown('include: [compose.yaml]')).toEqual([
      'compose.yaml:1:11 These files include each other: compose.yaml → compose.yaml.',
    ]);
    expect(
      shown('include: [a.yaml]', { 'a.yaml': 'include:\n  - path: ./b.yaml', 'b.yaml': 'include: [a.yaml]' }),
    ).toEqual(['b.yaml:1:11 These files include each other: a.yaml → b.yaml → a.yaml.']);
  });
  test('tells a mistake where it is, with the lines around it', () => {
    const result = readCompose(
      input('include: [team/compose.yaml]', { 'team/compose.yaml': 'services:\n  web:\n    imag: nginx\n' }),
    );
    expect('findings' in result && renderFindings(result.findings)).toMatchInlineSnapshot(`
      "team/compose.yaml:2:3: This service has no \`image\`.
          1 | services:
        > 2 |   web:
            |   ^
          3 |     imag: nginx
        hint: Add for example image: nginx:1.27.

      team/compose.yaml:3:5: \`imag\` is not a key of services.
          1 | services:
          2 |   web:
        > 3 |     imag: nginx
            |     ^
        hint: Did you mean \`image\`?"
    `);
  });
  test('checks what it does not bring in, too', () => {
    expect(
      shown('include: [a.yaml]\nservices: {web: {image: nginx}}', { 'a.yaml': 'servics: {a: {image: nginx}}' }),
    ).toEqual(['a.yaml:1:1 `servics` is not a key of a compose file.']);
  });
  test('says what is missing, and nothing of what follows from that', () => {
    const one = (include: string, files: Files = {}): string[] =>
      shown(`include: ${include}\nservices: {web: {image: nginx, depends_on: [db]}}`, files);
    expect(one('[b.yaml]')).toEqual(['compose.yaml:1:11 The file `b.yaml` is not there.']);
    expect(one('[../b.yaml]')).toEqual(['compose.yaml:1:11 This is not a file in the folder of the compose file.']);
    expect(one('[/etc/b.yaml]')).toEqual(['compose.yaml:1:11 This is not a file in the folder of the compose file.']);
    expect(one('["oci://x.lab/b"]')).toEqual(['compose.yaml:1:11 FloatLab fetches no compose files.']);
    expect(one('[b]', { 'b/c.yaml': '' })).toEqual(['compose.yaml:1:11 `b` is a folder, not a file.']);
    expect(one('[b.yaml]', { 'b.yaml': '' })).toEqual(['b.yaml:1:1 The file is empty.']);
    expect(one('[b.yaml]', { 'b.yaml': '[a]' })).toEqual(['b.yaml:1:1 A compose file must be a map, but is a list.']);
    expect(one('b.yaml')[0]).toBe('compose.yaml:1:10 `include` must be a list of files, but is text.');
    expect(one('[{}]')).toEqual(['compose.yaml:1:11 This include has no `path`.']);
    expect(one('[{path: []}]')).toEqual(['compose.yaml:1:18 This include names no file.']);
    expect(one('[{path: b.yaml, project_directory: ../x}]')).toEqual([
      'compose.yaml:1:45 `../x` is not a folder beside the compose file.',
    ]);
    expect(one('[{path: b.yaml, env_file: conf}]', { 'b.yaml': 'services: {db: {image: a}}', 'conf/a': '' })).toEqual([
      'compose.yaml:1:36 `conf` is a folder, not a file.',
    ]);
  });
});

describe('label_file', () => {
  test('takes labels from files, `labels` over them', () => {
    const files = { 'a.labels': 'a=1\nb=1\n# no\nc.d=x y', 'b.labels': 'b=2' };
    const labels = (yaml: string) =>
      read(`services: {web: {image: nginx, ${yaml}}}`, files).bundle.services['web']?.labels;
    expect(labels('label_file: ./a.labels')).toEqual({ a: '1', b: '1', 'c.d': 'x y' });
    expect(labels('label_file: [a.labels, b.labels], labels: {a: 3}')).toEqual({ a: '3', b: '2', 'c.d': 'x y' });
  });
  test('refuses what is missing, and labels of others', () => {
    const found = (text: string): string[] =>
      shown(`services: {web: {image: nginx, label_file: a}}`, text === '' ? {} : { a: text });
    expect(found('')).toEqual(['compose.yaml:1:44 The file `a` is not there.']);
    expect(found('com.docker.compose.project=x')).toEqual([
      'compose.yaml:1:44 A line of `a` is a label that FloatLab and Docker write themselves.',
    ]);
  });
});

describe('all files together', () => {
  test('are named, those that others name once these are there', () => {
    const text = 'include: [a/b.yaml]\nservices: {web: {extends: {file: c.yaml, service: x}, label_file: l}}';
    expect(namedPaths(input(text))).toEqual(['.env', 'a/.env', 'a/b.yaml', 'c.yaml', 'l']);
    expect(
      namedPaths(
        input(text, {
          'a/b.yaml': 'include: [{path: d.yaml, env_file: e.env}]',
          'c.yaml': 'services: {x: {image: nginx, env_file: f.env, volumes: ["./g:/g"]}}',
        }),
      ),
    ).toEqual(['.env', 'a/.env', 'a/b.yaml', 'a/d.yaml', 'a/e.env', 'c.yaml', 'f.env', 'g', 'l']);
  });
  test('are at most a hundred', () => {
    const names = Array.from({ length: 1000 }, (_, n) => `f${n}.yaml`);
    const files = Object.fromEntries(names.map((name, n) => [name, `services: {s${n}: {image: nginx}}`]));
    const found = shown(`include: [${names.join(', ')}]`, files);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`An app is made of at most ${maxComposeFiles} compose files.`);
    const same = shown(`include: [${names.map(() => 'f0.yaml').join(', ')}]`, files);
    expect(same).toHaveLength(1);
    expect(same[0]).toContain(`An app includes at most ${maxComposeFiles} files.`);
    expect(namedPaths(input(`include: [${names.join(', ')}]`)).length).toBeLessThan(110);
  });
  test('have at most 1 MiB, and as many values as one file may have', () => {
    const large = `x-a: ${'a'.repeat(600_000)}\nservices: {}`;
    expect(shown('include: [a.yaml, b.yaml]', { 'a.yaml': large, 'b.yaml': large })).toEqual([
      'compose.yaml:1:19 All compose files together have at most 1 MiB.',
    ]);
    const values = `x-a: &a [${'a,'.repeat(2000)}]\nservices: {a: {image: a, command: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]}}`;
    expect(
      shown('include: [a.yaml, b.yaml, c.yaml]', { 'a.yaml': values, 'b.yaml': values, 'c.yaml': values }),
    ).toEqual([expect.stringContaining('has more than 50000 values.') as string]);
    const many = Array.from({ length: 100 }, (_, n) => `s${n}: {extends: base}`).join(', ');
    expect(shown(`services: {base: {image: a, command: [${'a,'.repeat(2000)}]}, ${many}}`)).toEqual([
      expect.stringContaining('With what services extend written out the app has more than 50000 values.') as string,
    ]);
  });
  test('are refused when one is much too large', () => {
    const large = `services: {web: {image: nginx}}\n${'# a line\n'.repeat(600_000)}`;
    expect(large.length).toBeGreaterThan(5 * 2 ** 20);
    expect(shown(large)).toEqual(['compose.yaml:1:1 A compose file has at most 1 MiB.']);
    expect(shown('include: [a.yaml]', { 'a.yaml': large })).toEqual([
      'compose.yaml:1:11 `a.yaml` is not UTF-8 text of at most 1 MiB.',
    ]);
  });
  test('end within a second, whatever they say', () => {
    const names = Array.from({ length: 99 }, (_, n) => `f${n}.yaml`);
    const includes = `include: [${names.join(', ')}]\n`;
    const files = Object.fromEntries(names.map((name, n) => [name, `${includes}services: {s${n}: {image: nginx}}`]));
    const started = performance.now();
    readCompose(input(includes, files));
    const wide = `services: {${Array.from({ length: 9000 }, (_, n) => `s${n}: {extends: s${(n * 7) % 9000}}`).join(', ')}}`;
    readCompose(input(wide));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('a path of a file', () => {
  test('counts from its folder and stays in that of the app', () => {
    expect(resolvePath('.', './a//b/.')).toBe('a/b');
    expect(resolvePath('a/b', '../c')).toBe('a/c');
    expect(resolvePath('a/b', '../..')).toBe('.');
    for (const path of ['../../..', '/a', '~/a', '../../../a/b/x', 'a\\b'])
      expect(resolvePath('a/b', path), path).toBeUndefined();
  });
});
