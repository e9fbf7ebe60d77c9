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

  test.each([
    [['--simulate', '0'], /1 to 9/],
    [['--simulate', 'many'], /1 to 9/],
    [['--listen', 'nowhere'], /HOST:PORT/],
    [['--lab', 'My Lab'], /valid name/],
    [['--pool-size', 'huge'], /not a size/],
    [['--pool-size', '20GiB', '--pool', '/srv'], /leave it out with --pool/],
    [['--host-name', 'lab.example.org:8443'], /without a port/],
    [['--log-level', 'loud'], /fatal, error/],
    [['--colour'], /colour/],
    [['extra'], /extra/],
  ])('%j is refused with a reason', (args, reason) => {
    const parsed = readSettings(args, {}, 0);
    expect('wrong' in parsed ? parsed.wrong : '').toMatch(reason);
  });
});
