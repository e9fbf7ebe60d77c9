import { describe, expect, test } from 'vitest';
import { parseHostName, parseListen, readSettings, usage } from '#io/daemon/settings.ts';

const read = (args: readonly string[], environment = {}) => {
  const parsed = readSettings(args, environment, 0);
  if (!('settings' in parsed)) throw new Error(JSON.stringify(parsed));
  return parsed.settings;
};

describe('settings of the daemon', () => {
  test('flags go over the environment, the environment over defaults', () => {
    expect(read([]).dataDir).toBe('/var/lib/floatlab');
    expect(read([], { FLOATLAB_DATA: '/srv/a' }).dataDir).toBe('/srv/a');
    expect(read(['--data', '/srv/b'], { FLOATLAB_DATA: '/srv/a' }).dataDir).toBe('/srv/b');
    expect(read([]).listen).toEqual([{ host: '127.0.0.1', port: 7400 }]);
  });

  test('a restore takes the file, and what belongs to it belongs to nothing else', () => {
    expect(read(['--restore', 'lab.tar', '--recovery-key-file', 'key', '--generation', '7'])).toMatchObject({
      restore: { file: 'lab.tar', generation: 7 },
      recoveryKeyFile: 'key',
    });
    expect(read(['--recover', '--recovery-key-file', 'key'])).toMatchObject({ recover: true, recoveryKeyFile: 'key' });
    expect(read([])).toMatchObject({ restore: undefined, inspect: undefined, prefold: false });
    expect(read(['--prefold', '--inspect', 'lab.tar'])).toMatchObject({ prefold: true, inspect: 'lab.tar' });
    const wrong = (...args: readonly string[]): unknown => readSettings(args, {}, 0);
    expect(wrong('--recovery-key-file', 'key')).toMatchObject({
      wrong: '--recovery-key-file belongs to --restore or --recover',
    });
    expect(wrong('--generation', '7')).toMatchObject({ wrong: '--generation belongs to --restore' });
    expect(wrong('--restore', 'lab.tar', '--generation', '0')).toHaveProperty('wrong');
    expect(wrong('--simulate', '3', '--restore', 'lab.tar')).toHaveProperty('wrong');
  });

  test('labels are said by a machine that joins, and each must be one', () => {
    const join = ['--join', 'atlas.home:7401', '--fingerprint', 'ab'.repeat(32)];
    expect(read([...join, '--label', 'zone=cellar', '--label', 'note=a=b']).labels).toEqual({
      zone: 'cellar',
      note: 'a=b',
    });
    expect(read(join, { FLOATLAB_LABELS: 'zone=attic, disk=ssd' }).labels).toEqual({ zone: 'attic', disk: 'ssd' });
    expect(read([...join, '--label', 'zone=cellar'], { FLOATLAB_LABELS: 'disk=ssd' }).labels).toEqual({
      zone: 'cellar',
    });
    for (const text of ['zone', '=cellar', 'a b=c', `zone=${'x'.repeat(257)}`]) {
      expect(readSettings([...join, '--label', text], {}, 0)).toEqual({
        wrong: `--label ${text} is not KEY=VALUE, for example zone=cellar`,
      });
    }
    expect(readSettings(['--label', 'zone=cellar'], {}, 0)).toMatchObject({
      wrong: expect.stringMatching(/belongs to --join/),
    });
  });

  test('what a node sends of bulk may be limited, and not to a crawl', () => {
    expect(read([]).transferBytesPerSecond).toBeUndefined();
    expect(read(['--transfer-limit', '10MiB']).transferBytesPerSecond).toBe(10 * 1024 * 1024);
    expect(read([], { FLOATLAB_TRANSFER_LIMIT: '1MiB' }).transferBytesPerSecond).toBe(1024 * 1024);
    for (const text of ['fast', '0', '1023KiB'])
      expect(readSettings(['--transfer-limit', text], {}, 0)).toEqual({
        wrong: `--transfer-limit ${text} is not a size of 1MiB or more, for example 10MiB`,
      });
  });

  test('without root everything is kept below the home', () => {
    const parsed = readSettings([], { XDG_DATA_HOME: '/home/ann/.local/share' }, 1000);
    expect(parsed).toMatchObject({ settings: { dataDir: '/home/ann/.local/share/floatlab' } });
  });

  test.each([
    ['127.0.0.1:7400', { host: '127.0.0.1', port: 7400 }],
    ['[::1]:80', { host: '::1', port: 80 }],
    [':7400', { host: '::', port: 7400 }],
    ['lab.example:1', { host: 'lab.example', port: 1 }],
    ['7400', undefined],
    ['a b:1', undefined],
    ['x:99999', undefined],
    ['::1:80', undefined],
  ])('%j is an address: %j', (text, expected) => {
    expect(parseListen(text)).toEqual(expected);
  });

  test.each([
    ['lab.example.org', 'lab.example.org'],
    ['LAB.Example.org.', 'lab.example.org'],
    ['lab', 'lab'],
    ['läb.example', 'xn--lb-via.example'],
    ['10.1.2.3', '10.1.2.3'],
    ['[2001:DB8:0::7]', '2001:db8::7'],
    ['::1', '::1'],
    ['lab.example.org:8443', undefined],
    ['https://lab.example.org', undefined],
    ['*.example.org', undefined],
    ['-lab', undefined],
    ['10.1.2', undefined],
    ['fe80::1%eth0', undefined],
    ['a b', undefined],
    ['', undefined],
  ])('people may reach it by %j: %j', (text, expected) => {
    expect(parseHostName(text)).toBe(expected);
  });

  test('names of the host are given by flags, else by the environment, each once', () => {
    expect(read([]).hostNames).toEqual([]);
    const environment = { FLOATLAB_HOST_NAMES: 'lab.example.org, 10.1.2.3,' };
    expect(read([], environment).hostNames).toEqual(['lab.example.org', '10.1.2.3']);
    expect(read(['--host-name', 'A.example', '--host-name', 'a.example'], environment).hostNames).toEqual([
      'a.example',
    ]);
    expect(usage).toContain('--host-name NAME');
    expect(usage).toContain('FLOATLAB_HOST_NAMES');
  });

  test('a simulated lab takes what concerns how it is reached, and does not mind where a real one would be kept', () => {
    const environment = { FLOATLAB_DATA: '/srv/lab', FLOATLAB_ENGINE: '/run/docker.sock' };
    const args = ['--simulate', '3', '--listen', '127.0.0.1:7500', '--host-name', 'lab', '--no-sample'];
    expect(read(args, environment)).toMatchObject({ simulate: 3, sample: false, hostNames: ['lab'] });
  });

  test('an engine is named by its socket, as Docker has it or as a path, or is FloatLab’s own', () => {
    expect(read([]).engine).toBeUndefined();
    expect(read(['--engine', 'own']).engine).toBe('own');
    expect(read(['--engine', '/run/podman/podman.sock']).engine).toBe('/run/podman/podman.sock');
    expect(read(['--engine', 'unix:///var/run/docker.sock']).engine).toBe('/var/run/docker.sock');
    expect(read([], { FLOATLAB_ENGINE: 'own' }).engine).toBe('own');
    expect(usage).toContain('--engine ENGINE');
  });

  test('what somebody has said is told apart from what follows from the machine', () => {
    expect([...read([]).said]).toEqual([]);
    expect([...read(['--name', 'atlas', '--time-zone', 'Europe/Berlin']).said]).toEqual(['name', 'time-zone']);
  });

  test.each([
    [['--simulate', '0'], /1 to 9/],
    [['--simulate', 'many'], /1 to 9/],
    [['--listen', 'nowhere'], /HOST:PORT/],
    [['--lab', 'My Lab'], /valid name/],
    [['--pool-size', 'huge'], /not a size/],
    [['--pool-size', '20GiB', '--pool', '/srv'], /leave it out with --pool/],
    [['--host-name', 'lab.example.org:8443'], /without a port/],
    [['--log-level', 'loud'], /fatal, error/],
    [['--time-zone', 'Foo'], /--time-zone.*"Foo" is not a time zone: use a name such as Europe\/Berlin/],
    [['--time-zone', '+02:00'], /not a time zone/],
    [['--engine', 'docker'], /neither the path of a socket/],
    [['--engine', 'tcp://10.0.0.1:2375'], /neither the path of a socket/],
    [['--colour'], /colour/],
    [['extra'], /extra/],
    // What a simulated lab would ignore.
    [['--simulate', '3', '--lab', 'home'], /--lab has no meaning with --simulate/],
    [['--simulate', '3', '--name', 'atlas'], /--name has no meaning/],
    [['--simulate', '3', '--time-zone', 'UTC'], /--time-zone has no meaning/],
    [['--simulate', '3', '--data', '/srv'], /--data has no meaning/],
    [['--simulate', '3', '--pool', '/srv'], /--pool has no meaning/],
    [['--simulate', '3', '--pool-size', '2GiB'], /--pool-size has no meaning/],
    [['--simulate', '3', '--engine', 'own'], /--engine has no meaning/],
    [['--simulate', '3', '--reset-password'], /--reset-password has no meaning/],
    [['--simulate', '3', '--stop-all'], /--stop-all has no meaning/],
  ])('%j is refused with a reason', (args, reason) => {
    const parsed = readSettings(args, {}, 0);
    expect('wrong' in parsed ? parsed.wrong : '').toMatch(reason);
  });
});
