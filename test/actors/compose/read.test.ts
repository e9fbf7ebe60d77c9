import { describe, expect, test } from 'vitest';
import type { ComposeApp, ComposeResult, Finding } from '#actors/compose/model.ts';
import { namedPaths, readCompose } from '#actors/compose/read.ts';
import { renderFindings } from '#actors/compose/render.ts';
import { base64, input } from './fixtures.ts';

type Files = Readonly<Record<string, string>>;

function read(text: string, files: Files = {}): ComposeApp {
  const result = readCompose(input(text, files));
  if ('findings' in result) throw new Error(renderFindings(result.findings));
  return result.app;
}
const findingsOf = (result: ComposeResult): readonly Finding[] => ('findings' in result ? result.findings : []);
const messages = (text: string, files: Files = {}): string[] =>
  findingsOf(readCompose(input(text, files))).map(({ message }) => message);
const service = (yaml: string, files: Files = {}): ComposeApp['bundle']['services'][string] | undefined =>
  read(`services: {web: {image: nginx, ${yaml}}}`, files).bundle.services['web'];

describe('the name of an app', () => {
  test('is the one at the top of the file', () => {
    expect(read('name: photos\nx-floatlab: {name: Other}\nservices: {web: {image: nginx}}').name).toBe('photos');
  });
  test('is made from its title otherwise', () => {
    const app = read('x-floatlab: {name: "Künstler & Söhne 2"}\nservices: {web: {image: nginx}}');
    expect(app.name).toBe('kunstler-sohne-2');
    expect(app.spec.title).toBe('Künstler & Söhne 2');
  });
  test('is unknown when neither says anything', () => {
    expect(read('services: {web: {image: nginx}}').name).toBeUndefined();
    expect(read('x-floatlab: {name: "日本"}\nservices: {web: {image: nginx}}').name).toBeUndefined();
  });
  test('may come from a variable, and is checked then too', () => {
    expect(read('name: ${N}\nservices: {web: {image: nginx}}', { '.env': 'N=wiki' }).name).toBe('wiki');
    expect(messages('name: ${N}\nservices: {web: {image: nginx}}', { '.env': 'N=My Wiki' })).toEqual([
      'This cannot be the name of an app.',
    ]);
  });
});

describe('command and entrypoint', () => {
  test('are left to the image without a value, and emptied by an empty one', () => {
    expect(service('command: null, entrypoint: ')).not.toHaveProperty('command');
    expect(service('command: "", entrypoint: []')).toMatchObject({ command: [], entrypoint: [] });
  });
  test('are noted when an empty one changes nothing: Docker then runs the command of the image', () => {
    const notes = (yaml: string): string[] =>
      read(`services: {web: {image: nginx, ${yaml}}}`).notes.map(({ message }) => message);
    const note =
      'An empty `command` changes nothing here: without an `entrypoint` Docker runs the command of the image.';
    expect(notes('command: ""')).toEqual([note]);
    expect(notes('command: [], entrypoint: []')).toEqual([note]);
    expect(notes('command: [], entrypoint: serve')).toEqual([]);
    expect(notes('command: serve')).toEqual([]);
  });
  test('are split like a shell would, or taken as a list', () => {
    expect(service(`command: 'a "b c" $$HOME'`)?.command).toEqual(['a', 'b c', '$HOME']);
    expect(service('command: [sleep, "1.50", "a b"]')?.command).toEqual(['sleep', '1.50', 'a b']);
    // Another reader makes 1.5 of it.
    expect(messages('services: {web: {image: nginx, command: [sleep, 1.50]}}')).toEqual([
      '`services.web.command[1]` must be text, but is a number.',
    ]);
  });
});

describe('environment', () => {
  test('takes files in their order, then `environment`, sorted by key', () => {
    const files = { 'a.env': 'A=1\nB=1\nC=1', 'b.env': 'B=2\nC=2' };
    expect(service('env_file: [./a.env, b.env], environment: {C: 3, Z: ""}', files)?.environment).toEqual([
      'A=1',
      'B=2',
      'C=3',
      'Z=',
    ]);
  });
  test('keeps numbers and booleans as they were written', () => {
    expect(
      service('environment: {A: 1.10, B: 0777, C: True, D: 1_000, E: 12345678901234567890, F: no}')?.environment,
    ).toEqual(['A=1.10', 'B=0777', 'C=True', 'D=1_000', 'E=12345678901234567890', 'F=no']);
  });
  test('asks .env before the file itself for a variable in an env file, as compose does', () => {
    const files = { '.env': 'HOST=lab', 'a.env': 'HOST=mine\nPORT=1\nURL=$HOST:$PORT' };
    expect(service('env_file: a.env', files)?.environment).toEqual(['HOST=mine', 'PORT=1', 'URL=lab:1']);
  });
  test('takes a key without a value from .env', () => {
    expect(service('environment: [A], labels: {a: b}', { '.env': 'A=1' })?.environment).toEqual(['A=1']);
    expect(service('environment: {A: }', { '.env': 'A=1' })?.environment).toEqual(['A=1']);
  });
  test('may be split at the first equals sign only', () => {
    expect(service('environment: ["A=b=c", "B="]')?.environment).toEqual(['A=b=c', 'B=']);
  });
  test('reads a file in format raw without looking into it', () => {
    expect(service('env_file: [{path: a.env, format: raw}]', { 'a.env': 'A="$B"' })?.environment).toEqual(['A="$B"']);
  });
  test('is refused when a file is not text', () => {
    const text = 'services: {web: {image: nginx, env_file: a.env}}';
    const files = { 'a.env': { content: Buffer.from([0xff, 0xfe]).toString('base64'), mode: 0 } };
    expect(findingsOf(readCompose({ fileName: 'c.yaml', text, files }))).toMatchObject([{ file: 'a.env', line: 1 }]);
    const broken = { 'a.env': { content: '%%%', mode: 0 } };
    expect(findingsOf(readCompose({ fileName: 'c.yaml', text, files: broken }))).toHaveLength(1);
  });
});

describe('restart', () => {
  test.each([
    ['restart: no', { condition: 'no' }],
    ['restart: "no"', { condition: 'no' }],
    ['restart: on-failure', { condition: 'on-failure' }],
    ['restart: on-failure:3', { condition: 'on-failure', maxRetries: 3 }],
    ['restart: on-failure:0', { condition: 'on-failure' }],
    ['restart: unless-stopped', { condition: 'unless-stopped' }],
    ['labels: {}', { condition: 'no' }],
  ])('%s', (yaml, restart) => {
    expect(read(`services: {web: {image: nginx, ${yaml}}}`).spec.services['web']?.restart).toEqual(restart);
  });
  test('has to be said in words', () => {
    expect(messages('services: {web: {image: nginx, restart: false}}')).toEqual(['`false` is not a restart policy.']);
    expect(messages('services: {web: {image: nginx, restart: }}')).toEqual(['`restart` has no value.']);
  });
});

describe('what Docker has no use for', () => {
  test('of a port is noted', () => {
    const app = read(
      'services: {web: {image: nginx, ports: [{target: 80, published: 8080, name: web, app_protocol: http}]}}',
    );
    expect(app.notes.map(({ message }) => message)).toEqual([
      '`name` of a port changes nothing: Docker has no use for it.',
      '`app_protocol` of a port changes nothing: Docker has no use for it.',
    ]);
  });
});

describe('healthcheck', () => {
  test.each([
    ['test: curl x', ['CMD-SHELL', 'curl x'], true],
    ['test: [CMD, curl, x]', ['CMD', 'curl', 'x'], true],
    ['test: [CMD-SHELL, curl x]', ['CMD-SHELL', 'curl x'], true],
    ['test: [NONE]', ['NONE'], false],
    ['disable: true', ['NONE'], false],
    ['disable: "yes"', ['NONE'], false],
  ])('%s', (yaml, expected, counts) => {
    const app = read(`services: {web: {image: nginx, healthcheck: {${yaml}}}}`);
    expect(app.bundle.services['web']?.healthcheck?.test).toEqual(expected);
    expect(app.spec.services['web']?.hasHealthcheck).toBe(counts);
  });
});

describe('the volumes of an app', () => {
  const volumes = (text: string): ComposeApp['spec']['volumes'] =>
    read(`services: {web: {image: a}}\n${text}`).spec.volumes;

  test('have 1 GiB and no schedule by default', () => {
    expect(volumes('volumes: {a: , b: {}}')).toEqual({ a: { sizeBytes: 2 ** 30 }, b: { sizeBytes: 2 ** 30 } });
  });
  test('take what the top of the file says, and what they say themselves over it', () => {
    expect(
      volumes(
        'x-floatlab: {size: 5GiB, keep: "last:3", snapshot: {schedule: "0 * * * *"}}\n' +
          'volumes: {a: , b: {x-floatlab: {size: 20 MiB, keep: "14d:1d", snapshot: {schedule: "5  4 * * *"}}}}',
      ),
    ).toEqual({
      a: { sizeBytes: 5 * 2 ** 30, keep: 'last:3', schedule: '0 * * * *' },
      b: { sizeBytes: 20 * 2 ** 20, keep: '14d:1d', schedule: '5 4 * * *' },
    });
  });
  test('says how much of a volume may be lost, which takes a replica, and refuses what nobody could keep', () => {
    const replicasOf = (says: string) => volumes(`volumes: {a: {x-floatlab: ${says}}}`)['a']?.replicas;
    expect(replicasOf('{max-data-loss: 5m}')).toEqual({ count: 1, on: 'change', maxDataLossMs: 300_000 });
    expect(replicasOf('{replicas: 2, max-data-loss: 1h}')).toMatchObject({ count: 2, maxDataLossMs: 3_600_000 });
    const short = 'services: {web: {image: a, volumes: ["a:/a"]}}\nvolumes: {a: {x-floatlab: {max-data-loss: 10ms}}}';
    expect(findingsOf(readCompose(input(short))).map(({ hint }) => hint)).toEqual(['Choose from 1s to 365d.']);
  });

  test('are backed up as the top of the file says, unless they say otherwise', () => {
    const says = '{target: usb, schedule: "30  3 * * *", keep: "14d:1d  8w:1w", test-restore: 30d}';
    const backup = { target: 'usb', schedule: '30 3 * * *', keep: '14d:1d 8w:1w', testRestoreEveryMs: 30 * 86_400_000 };
    const all = volumes(
      `x-floatlab: {backup: ${says}}\nvolumes: {a: , b: {x-floatlab: {backup: false}}, ` +
        'c: {x-floatlab: {backup: {target: attic, schedule: "0 * * * *"}}}}',
    );
    expect([all['a']?.backup, all['b']?.backup]).toEqual([backup, undefined]);
    expect(all['c']?.backup).toEqual({ target: 'attic', schedule: '0 * * * *' });
  });
  test.each([
    ['true', 'where to, and when'],
    ['{target: usb}', 'needs a schedule'],
    ['{schedule: "0 * * * *"}', 'needs a target'],
    ['{target: "Not A Name", schedule: "0 * * * *"}', 'not the name of a backup target'],
    ['{target: usb, schedule: often}', 'five fields'],
    ['{target: usb, schedule: "0 * * * *", keep: some}', 'keep'],
    ['{target: usb, schedule: "0 * * * *", test-restore: 5m}', 'too short'],
    ['{target: usb, schedule: "0 * * * *", tset-restore: 5d}', 'not a key of backup'],
  ])('are not backed up by %s, which is said', (says, what) => {
    const file = `services: {web: {image: a, volumes: ["a:/a"]}}\nvolumes: {a: {x-floatlab: {backup: ${says}}}}`;
    const [finding] = findingsOf(readCompose(input(file)));
    expect(finding?.message).toContain(what);
  });

  test('are snapshotted when they change, but for those that say no', () => {
    expect(
      volumes(
        'x-floatlab: {snapshot: {on-change: true}}\n' +
          'volumes: {a: , b: {x-floatlab: {snapshot: {on-change: false}}}, ' +
          'c: {x-floatlab: {snapshot: {schedule: "0 * * * *", on-change: {at-most-every: 1h}}}}}',
      ),
    ).toEqual({
      a: { sizeBytes: 2 ** 30, snapshotOnChange: { settleMs: 30_000, minIntervalMs: 300_000 } },
      b: { sizeBytes: 2 ** 30 },
      c: {
        sizeBytes: 2 ** 30,
        schedule: '0 * * * *',
        snapshotOnChange: { settleMs: 30_000, minIntervalMs: 3_600_000 },
      },
    });
  });
  test('have hooks, whose commands may use the variables of the container', () => {
    expect(
      volumes(
        'volumes: {a: {x-floatlab: {hooks: {before: {service: web, command: [sh, -c, "f $$P"], timeout: 1m}, ' +
          'after: {service: web, command: thaw now}, on-failure: take-anyway}}}}',
      )['a']?.hooks,
    ).toEqual({
      before: { service: 'web', command: ['sh', '-c', 'f $P'], timeoutMs: 60_000 },
      after: { service: 'web', command: ['thaw', 'now'], timeoutMs: 30_000 },
      onFailure: 'take-anyway',
    });
  });
  test('include the folder of the compose file when something is mounted from it', () => {
    const app = read(
      'x-floatlab: {size: 2GiB}\nservices: {web: {image: a, volumes: ["./:/all", ./x/../x:/x]}}'.replace(
        './x/../x',
        './x//y/.',
      ),
    );
    expect(app.spec.volumes).toEqual({ folder: { sizeBytes: 2 ** 31 } });
    expect(app.spec.services['web']?.mounts.map((mount) => 'subpath' in mount && mount.subpath)).toEqual(['.', 'x/y']);
  });
});

describe('volumes that the file does not make as usual', () => {
  const app = (volumes: string, declared = '') =>
    read(`services: {web: {image: a, volumes: [${volumes}]}}\n${declared === '' ? '' : `volumes: {${declared}}`}`);

  test('have a name of the service and the place when they have none, the same in each revision', () => {
    const { spec, notes } = app('/data, {type: volume, target: /var/lib/x, read_only: true}');
    expect(spec.services['web']?.mounts).toEqual([
      { volume: 'web-data', subpath: '.', target: '/data', readOnly: false },
      { volume: 'web-var-lib-x', subpath: '.', target: '/var/lib/x', readOnly: true },
    ]);
    expect(Object.keys(spec.volumes)).toEqual(['web-data', 'web-var-lib-x']);
    expect(notes.map(({ message }) => message)).toEqual([
      'This volume has no name: it is kept as `web-data`.',
      'This volume has no name: it is kept as `web-var-lib-x`.',
    ]);
    const [long] = Object.keys(app(`/${'x'.repeat(200)}`).spec.volumes);
    const [other] = Object.keys(app(`/${'x'.repeat(201)}`).spec.volumes);
    expect(long).toHaveLength(40);
    expect(other).not.toBe(long);
    expect(messages('services: {web: {image: a, volumes: [/data]}}\nvolumes: {web-data: }')).toEqual([
      'This volume has no name, and would be called `web-data`, like another one.',
    ]);
  });

  test('are folders in memory with type: tmpfs', () => {
    expect(
      service(
        'volumes: [{type: tmpfs, target: /run, tmpfs: {size: 64m, mode: 1777}}, {type: tmpfs, target: /t, read_only: true}], tmpfs: /x',
      )?.settings?.tmpfs,
    ).toEqual({ '/run': 'size=67108864,mode=1777', '/t': 'ro', '/x': '' });
    expect(
      messages('services: {web: {image: a, volumes: [{type: tmpfs, target: /t, tmpfs: {mode: 9}}]}}'),
    ).toHaveLength(1);
    expect(messages('services: {web: {image: a, volumes: [{type: tmpfs, target: /t, source: x}]}}')).toHaveLength(1);
  });

  test('are folders of a node when their options say so', () => {
    const { spec } = app(
      'media:/m:ro, {type: volume, source: media, target: /f, volume: {subpath: films}}',
      'media: {driver: local, driver_opts: {type: none, o: bind, device: /srv/media/}}',
    );
    expect(spec.services['web']?.mounts).toEqual([
      { host: '/srv/media', target: '/m', readOnly: true },
      { host: '/srv/media/films', target: '/f', readOnly: false },
    ]);
    expect(spec.volumes).toEqual({});
    for (const options of [
      '{type: nfs, o: "addr=nas,rw", device: ":/media"}',
      '{type: tmpfs, device: tmpfs}',
      '{type: ext4, device: /dev/sdb1}',
    ])
      expect(
        messages(`services: {web: {image: a, volumes: ["m:/m"]}}\nvolumes: {m: {driver_opts: ${options}}}`),
      ).toHaveLength(1);
    expect(
      messages(
        'services: {web: {image: a, volumes: ["m:/m"]}}\nvolumes: {m: {driver_opts: {type: none, o: bind, device: /etc}}}',
      ),
    ).toEqual(['/etc belongs to the system of the node: a container that writes there can take the node down.']);
  });

  test('are those of the lab when they are external', () => {
    expect(app('films:/m', 'films: {external: true}').spec.volumes).toEqual({
      films: { sizeBytes: 2 ** 30, external: { name: 'films' } },
    });
    expect(app('my_films:/m', 'my_films: {external: true, name: media/films}').spec.volumes).toEqual({
      my_films: { sizeBytes: 2 ** 30, external: { namespace: 'media', name: 'films' } },
    });
    const wrong = (volume: string) =>
      messages(`services: {web: {image: a, volumes: ["a_b:/m"]}}\nvolumes: {a_b: ${volume}}`);
    expect(wrong('{external: true}')).toEqual(['An external volume is one of the lab, and none can have this name.']);
    expect(wrong('{external: true, name: x, driver: local}')).toEqual([
      '`driver` says how a volume is made, and this one is there already (external).',
    ]);
  });
});

test('volumes_from mounts what other services mount, where the service mounts nothing itself', () => {
  const { spec } = read(`services:
  c: {image: c, volumes_from: ["b:ro"]}
  a: {image: a, volumes: ["x:/x", "./conf:/conf"]}
  b: {image: b, volumes_from: [a], volumes: ["y:/x"]}
volumes: {x: , y: }`);
  const mount = (volume: string, target: string, readOnly: boolean, subpath = '.') => ({
    volume,
    subpath,
    target,
    readOnly,
  });
  expect(spec.services['b']?.mounts).toEqual([mount('y', '/x', false), mount('folder', '/conf', false, 'conf')]);
  expect(spec.services['c']?.mounts).toEqual([mount('y', '/x', true), mount('folder', '/conf', true, 'conf')]);
  expect(spec.services['c']?.dependsOn).toEqual([{ service: 'b', condition: 'service_started', required: true }]);
  const wrong = (from: string) => messages(`services: {a: {image: a, volumes_from: ["${from}"]}, b: {image: b}}`);
  for (const from of ['a', 'c', 'container:x', 'b:x', 'b:ro:rw']) expect(wrong(from)).toHaveLength(1);
  expect(messages('services: {a: {image: a, volumes_from: [b]}, b: {image: b, volumes_from: [a]}}')).not.toEqual([]);
});

test('platform is the architecture that a node must have', () => {
  const platform = (text: string) => read(`services: {a: {image: a, platform: ${text}}}`).spec.services['a']?.platform;
  expect([platform('linux/arm64'), platform('amd64'), platform('linux/arm64/v8'), platform('linux/arm/v7')]).toEqual([
    ...['linux/arm64', 'linux/amd64', 'linux/arm64', 'linux/arm/v7'],
  ]);
  for (const text of ['windows/amd64', 'linux/', '"linux/amd 64"', '"a/b/c/d"', 'darwin/arm64'])
    expect(messages(`services: {a: {image: a, platform: ${text}}}`)).toHaveLength(1);
});

describe('the network of another service', () => {
  const file = (mode: string, more = '') =>
    `services: {vpn: {image: v, ports: ["8080:80"]}, web: {image: a, network_mode: ${mode}${more}}}`;

  test('is shared with the service that comes first', () => {
    const { spec, bundle } = read(file('"service:vpn"'));
    expect(bundle.services['web']?.settings).toEqual({ network: 'service:vpn' });
    expect(spec.services['web']?.dependsOn).toEqual([{ service: 'vpn', condition: 'service_started', required: true }]);
    expect(
      read(file('service:vpn', ', depends_on: {vpn: {condition: service_healthy}}')).spec.services['web']?.dependsOn,
    ).toEqual([{ service: 'vpn', condition: 'service_healthy', required: true }]);
  });

  test('is one of a service of the file, and publishes there', () => {
    expect(messages(file('service:vnp'))).toEqual(['`service:vnp` is no service of this file.']);
    expect(messages(file('service:web'))).toEqual(['A service cannot share its own network.']);
    expect(messages(file('container:vpn'))).toEqual([
      'A container by its name is one of a single machine, and of nobody whom the lab knows.',
    ]);
    expect(messages(file('service:vpn', ', ports: ["81:81"], hostname: x'))).toEqual([
      '`ports` belongs to the network, and that is of another service.',
      '`hostname` belongs to the network, and that is of another service.',
    ]);
    expect(messages(file('service:vpn', ', networks: [default]'))).toHaveLength(1);
  });
});

describe('binds of the node', () => {
  const mounts = (volumes: string, more = '') =>
    read(`services: {web: {image: a, volumes: [${volumes}]}}\n${more}`).spec.services['web']?.mounts;
  const notes = (volumes: string, more = '') =>
    read(`services: {web: {image: a, volumes: [${volumes}]}}\n${more}`).notes.map(({ message }) => message);

  test('are absolute paths: the short form makes a folder of data that is missing, the long form when it says so', () => {
    expect(mounts('/srv/media//films/:/films:ro')).toEqual([
      { host: '/srv/media/films', target: '/films', readOnly: true, create: true },
    ]);
    expect(mounts('{type: bind, source: /srv/media, target: /m}')).toEqual([
      { host: '/srv/media', target: '/m', readOnly: false },
    ]);
    expect(
      mounts('{type: bind, source: /srv, target: /m, bind: {create_host_path: true, propagation: rslave}}'),
    ).toEqual([{ host: '/srv', target: '/m', readOnly: false, create: true, propagation: 'rslave' }]);
    // A folder in its place would hide that it is missing.
    expect(mounts('/etc/timezone:/etc/timezone:ro')).toEqual([
      { host: '/etc/timezone', target: '/etc/timezone', readOnly: true },
    ]);
  });

  test('come with a note that tells what follows', () => {
    expect(notes('/srv/media:/m')).toEqual([
      'This is data of one machine: the app stays on the node on which it first starts.',
    ]);
    expect(notes('/srv/media:/m', 'x-floatlab: {placement: {node: atlas}}')).toEqual([]);
    expect(notes('/srv/media:/m:ro', 'x-floatlab: {placement: {shares: [/srv/media/]}}')).toEqual([]);
    expect(notes('/srv/media:/m', 'x-floatlab: {placement: {shares: [/srv]}}')).toEqual([
      'The app writes into this share, so it stays on the node on which it first starts.',
    ]);
    expect(notes('/var/run/docker.sock:/s:ro')).toEqual([
      'Whoever has the socket of the engine has all rights on the node, read-only or not.',
    ]);
    expect(notes('/etc/localtime:/etc/localtime:ro')).toEqual([]);
  });

  test('are judged by what their variables say, and no value is repeated', () => {
    const result = readCompose(input('services: {web: {image: a, volumes: ["${DIR}:/d"]}}', { '.env': 'DIR=/etc' }));
    expect('findings' in result && result.findings[0]?.message).toBe(
      'This path belongs to the system of the node: a container that writes there can take the node down.',
    );
  });

  test('of placement are a node and mount points', () => {
    expect(
      read('services: {web: {image: a}}\nx-floatlab: {placement: {node: atlas, shares: [/b, /a, /b/]}}').spec,
    ).toMatchObject({ placement: { node: 'atlas', shares: ['/a', '/b'] } });
    const wrong = readCompose(
      input('services: {web: {image: a}}\nx-floatlab: {placement: {node: At las, shares: [/, x]}}'),
    );
    expect('findings' in wrong && wrong.findings).toHaveLength(3);
  });
});

describe('files beside the compose file', () => {
  const files = { 'conf/a.conf': 'a', 'conf/sub/b': 'b', confidential: 'c', '.env': 'X=1', 'app.env': 'Y=2' };
  const bundled = (volumes: string): string[] =>
    read(`services: {web: {image: a, env_file: app.env, volumes: [${volumes}]}}`, files).bundle.files.map(
      ({ path }) => path,
    );

  test('come along when they or their folder are mounted, and only then', () => {
    expect(bundled('')).toEqual([]);
    expect(bundled('./conf:/conf')).toEqual(['conf/a.conf', 'conf/sub/b']);
    expect(bundled('./conf/sub/b:/b:ro')).toEqual(['conf/sub/b']);
    expect(bundled('./:/all')).toEqual(['.env', 'app.env', 'conf/a.conf', 'conf/sub/b', 'confidential']);
  });
  test('keep their content and mode', () => {
    const app = readCompose({
      fileName: 'compose.yaml',
      text: 'services: {web: {image: a, volumes: ["./run.sh:/run.sh"]}}',
      files: { 'run.sh': { content: base64('#!/bin/sh'), mode: 0o755 } },
    });
    expect(app).toMatchObject({
      app: { bundle: { files: [{ path: 'run.sh', content: base64('#!/bin/sh'), mode: 0o755 }] } },
    });
  });
  test('that are not there are noted when they look like files', () => {
    const notes = (path: string): number =>
      read(`services: {web: {image: a, volumes: ["${path}:/x"]}}`, files).notes.length;
    expect([notes('./missing.conf'), notes('./data'), notes('./conf/a.conf')]).toEqual([1, 0, 0]);
  });
  test('are all named before they are handed in', () => {
    const text =
      'services: {web: {image: "${TAG}", env_file: [a.env, {path: ./b.env, required: false}], ' +
      'volumes: ["./conf:/conf:ro", "${DIR:-./data}:/data", {type: bind, source: ./x/y, target: /y}]}}';
    expect(namedPaths(input(text))).toEqual(['.env', 'a.env', 'b.env', 'conf', 'data', 'x/y']);
    expect(namedPaths(input(text, { '.env': 'DIR=./other\n' }))).toContain('other');
    expect(namedPaths(input('}{'))).toEqual(['.env']);
  });
  test('cannot be handed in from outside the folder', () => {
    for (const path of ['../x', '/etc/passwd', 'a//b', '.', '']) {
      expect(messages('services: {web: {image: a}}', { [path]: 'x' })).toHaveLength(1);
    }
  });
});

describe('a dependency that is not required', () => {
  const web = (required: string): string =>
    `services: {web: {image: a, depends_on: {cache: {condition: service_healthy, required: ${required}}}}}`;

  test('may be missing from the file: it is noted, and kept for the start to warn of', () => {
    const { spec, notes } = read(web('false'), {});
    expect(spec.services['web']?.dependsOn).toEqual([
      { service: 'cache', condition: 'service_healthy', required: false },
    ]);
    expect(notes.map(({ message, line }) => [line, message])).toEqual([
      [1, '`cache` is not a service of this file, and not required.'],
    ]);
  });
  test('is refused when it is required after all', () => {
    const result = readCompose({ fileName: 'compose.yaml', text: web('true'), files: {} });
    expect('findings' in result && result.findings.map(({ message }) => message)).toEqual([
      '`cache` is not a service of this file.',
    ]);
  });
});

describe('what is not YAML', () => {
  const found = (text: string): readonly [string, string | undefined][] =>
    findingsOf(readCompose(input(text))).map(({ message, hint }) => [message, hint]);

  test('is one finding where a variable lacks its quotes, with what to write', () => {
    const what = 'Inside {…} and […] a variable has to stand in quotes.';
    expect(found('services: {web: {image: nginx, environment: {A: ${NOPE:?must be set}, B: ${C}}}}')).toEqual([
      [what, 'Put the whole value into quotes, like "${NOPE:?must be set}".'],
    ]);
    expect(found('services: {web: {image: "nginx:${TAG}", ports: ["${PORT}:80"], command: [-a, ${ARG}]}}')).toEqual([
      [what, 'Put the whole value into quotes, like "${ARG}".'],
    ]);
  });

  test('is told up to the first place that cannot be understood: what follows is a guess', () => {
    expect(found('services: {web: {image: nginx: x]}, a}')).toHaveLength(1);
  });

  test('says nothing of variables where it is about something else', () => {
    const [[message, hint] = []] = found('services: {web: {image: "${A}" b}}');
    expect(message).toContain('This is not valid YAML');
    expect(hint).toBeUndefined();
  });
});

describe('findings', () => {
  test('are sorted by place, and at most fifty', () => {
    const many = Array.from({ length: 200 }, (_, n) => `  s${n}: {image: A}\n`).join('');
    const findings = findingsOf(readCompose(input(`services:\n${many}`)));
    expect(findings).toHaveLength(50);
    expect(findings.map(({ line }) => line)).toEqual(Array.from({ length: 50 }, (_, n) => n + 2));
  });

  test('name the place in the structure', () => {
    const findings = findingsOf(
      readCompose(input('services: {web: {image: a, ports: [80], "a b": 1, labels: {"x.y": []}}}')),
    );
    expect(findings.map(({ path }) => path)).toEqual([
      'services.web.ports[0]',
      'services.web["a b"]',
      'services.web.labels["x.y"]',
    ]);
  });

  test('point into a value where the variable is', () => {
    const text = 'services:\n  web:\n    image: "nginx:${TAG}"\n    command: >\n      run\n      $X\n';
    expect(findingsOf(readCompose(input(text))).map(({ line, column }) => [line, column])).toEqual([
      [3, 19],
      [4, 14],
    ]);
  });

  test('count lines in a file with a byte order mark and Windows line ends', () => {
    const findings = findingsOf(readCompose(input('\uFEFFservices:\r\n  web:\r\n    image: Nginx\r\n')));
    expect(findings).toMatchObject([
      { line: 3, column: 12, frame: '  1 | ·services:\n  2 |   web:\n> 3 |     image: Nginx\n    |            ^' },
    ]);
  });

  test('never show values of env files, whatever they break', () => {
    const secret = 'hunter2-s3cr3t';
    const text = `
name: \${S}
x-floatlab: {name: "\${S}\${S}\${S}\${S}\${S}\${S}\${S}\${S}", icon: "\${S}", url: "https://x:\${S}@y", size: "\${S}", keep: "\${S}", snapshot: {schedule: "\${S}"}}
services:
  web:
    image: "\${S}!"
    command: "'\${S}"
    environment: ["\${S} x", "\${S}"]
    env_file: ["../\${S}", "\${S}", {path: a.env, format: "\${S}", required: "\${S}"}]
    ports: ["\${S}", {target: "\${S}", published: "\${S}", host_ip: "\${S}", protocol: "\${S}", mode: "\${S}"}]
    volumes: ["\${S}", "\${S}:/x", "/\${S}:/x", "a:\${S}", "a:/x:\${S}", {type: "\${S}", source: "\${S}", target: "\${S}", read_only: "\${S}", volume: {subpath: "../\${S}"}}]
    restart: "\${S}"
    healthcheck: {test: ["\${S}"], interval: "\${S}", retries: "\${S}", disable: "\${S}"}
    depends_on: ["\${S}"]
    labels: ["\${S} x=1", "floatlab.\${S}=1"]
  api:
    image: a
    depends_on: {web: {condition: "\${S}", required: "\${S}"}}
    environment: {A: "\${MISSING:?\${S}}"}
volumes: {a: {driver: "\${S}", external: "\${S}", x-floatlab: {size: "\${S}"}}}
`;
    const findings = findingsOf(readCompose(input(text, { '.env': `S=${secret}\nBAD ${secret}\n${secret}` })));
    expect(findings.length).toBeGreaterThan(35);
    expect(JSON.stringify(findings)).not.toContain('hunter2');
  });

  test('come for a text of more than 1 MiB, of too many parts, too deep, and of too many services', () => {
    const mebi = 2 ** 20;
    expect(messages('#'.repeat(mebi + 1))).toEqual(['A compose file has at most 1 MiB.']);
    expect(messages('- a\n'.repeat(60_000))).toEqual(['The file has too many parts to read.']);
    expect(messages(`a: ${'['.repeat(70)}${']'.repeat(70)}`)).toEqual(['The file nests deeper than 64 levels.']);
    expect(messages('['.repeat(20_000))).toEqual(['The file nests deeper than 64 levels.']);
    const services = Array.from({ length: 201 }, (_, n) => `  s${n}: {image: a}\n`).join('');
    expect(messages(`services:\n${services}`)).toEqual(['An app has at most 200 services.']);
  });

  test('come for texts that grow when they are written out', () => {
    const big = { '.env': `A=${'x'.repeat(100_000)}` };
    expect(messages('services: {web: {image: a, command: "$A$A"}}', big)).toEqual(['This is longer than 128 KiB.']);
    const list = `[${Array.from({ length: 200 }, () => '$A').join(', ')}]`;
    expect(messages(`services: {web: {image: a, command: ${list}}}`, big)[0]).toContain('longer than 16 MiB');
    const environment = `{${Array.from({ length: 50 }, (_, n) => `A${n}: $A`).join(', ')}}`;
    expect(messages(`services: {web: {image: a, environment: ${environment}}}`, big)[0]).toContain('longer than 4 MiB');
  });
});

describe('ports of the node', () => {
  const ports = (web: string, api: string): string[] =>
    messages(`services: {web: {image: a, ports: [${web}]}, api: {image: a, ports: [${api}]}}`);

  test('do not clash on different addresses, families and protocols', () => {
    expect(
      ports('"0.0.0.0:80:80", "127.0.0.1:81:80", "82:80/udp"', '"[::1]:80:80", "127.0.0.2:81:80", "82:80"'),
    ).toEqual([]);
    expect(ports('"0.0.0.0:80:80"', '"[::]:80:80"')).toEqual([]);
  });
  test('clash on the same address, however it is written, and with every address', () => {
    expect(ports('"[::1]:80:80"', '"[0:0::0:1]:80:1"')).toHaveLength(1);
    expect(ports('"127.0.0.1:80:80"', '"80:1"')).toHaveLength(1);
    expect(ports('"[::]:80:80"', '"[::1]:80:80"')).toHaveLength(1);
  });
  test('may be given as a range', () => {
    const app = read('services: {web: {image: a, ports: ["127.0.0.1:8000-8002:80-82/UDP"]}}');
    expect(app.spec.services['web']?.ports).toEqual(
      [0, 1, 2].map((n) => ({ hostIp: '127.0.0.1', published: 8000 + n, target: 80 + n, protocol: 'udp' })),
    );
  });
  test('are at most a thousand per service', () => {
    expect(ports('"1-1000:1-1000"', '')).toEqual([]);
    expect(ports('"1-1001:1-1001"', '')).toEqual(['A service publishes at most 1000 ports.']);
  });
});

test('circles are shown, but not every one of thousands', () => {
  const names = Array.from({ length: 60 }, (_, n) => `s${n}`);
  const services = names.map(
    (name) => `${name}: {image: a, depends_on: [${names.filter((one) => one !== name).join()}]}`,
  );
  const found = messages(`services: {${services.join(', ')}}`);
  expect(found).toHaveLength(10);
  expect(found[0]).toContain('s0 → s1 → s0.');
});

describe('aliases and merge keys', () => {
  test('bring in what they name, and the map itself wins', () => {
    const app = read(
      'x-a: &a {restart: always, image: a}\nx-b: &b {restart: "no", labels: {from: b}}\n' +
        'services:\n  one: {<<: *a}\n  two: {<<: [*a, *b], image: two}\n  three: {<<: *b, <<: *a}\n  four: *a\n',
    );
    const shown = Object.entries(app.spec.services).map(([name, { image, restart }]) => [
      name,
      image,
      restart.condition,
    ]);
    expect(shown).toEqual([
      ['one', 'a', 'always'],
      ['two', 'two', 'always'],
      ['three', 'a', 'no'],
      ['four', 'a', 'always'],
    ]);
    expect(app.bundle.services['two']?.labels).toEqual({ from: 'b' });
  });

  test('may be defined again: the last one above counts', () => {
    const app = read('x-a: &a one\nx-b: &a two\nservices: {web: {image: *a}}');
    expect(app.spec.services['web']?.image).toBe('two');
  });

  test('a quoted << is only a key', () => {
    expect(messages('x-a: &a {image: a}\nservices: {web: {"<<": *a}}')).toHaveLength(2);
  });
});

test('labels with odd names stay labels', () => {
  const labels = service('labels: {constructor: 1, toString: x, "traefik.http.routers.a.rule": "Host(`a`)"}')?.labels;
  expect(labels).toEqual({ constructor: '1', toString: 'x', 'traefik.http.routers.a.rule': 'Host(`a`)' });
});

test('a service may be called like anything that objects have', () => {
  expect(Object.keys(read('services: {constructor: {image: a}, toString: {image: b}}').spec.services)).toHaveLength(2);
});
