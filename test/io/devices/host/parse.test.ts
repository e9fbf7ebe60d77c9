import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cpuShare,
  parseBlockDevice,
  parseCpuTimes,
  parseFleetingAddresses,
  parseMemory,
  parseOsName,
  reachableAddresses,
} from '#io/devices/host/parse.ts';

const stat = `cpu  84637 10 27371 552467 2623 0 531 16 400 0
cpu0 45202 0 12344 276152 398 0 57 6 0 0
cpu1 39434 0 15026 276314 2225 0 473 9 0 0
intr 4788509 0 0
ctxt 10482359
`;
const meminfo = `MemTotal:       24684084 kB
MemFree:        22968936 kB
MemAvailable:   23595644 kB
Buffers:           13344 kB
`;

describe('what the kernel tells about the machine', () => {
  test('times of the cores: a disk that is waited for leaves the core free, guests count once', () => {
    expect(parseCpuTimes(stat)).toEqual({
      total: 84637 + 10 + 27371 + 552467 + 2623 + 531 + 16,
      idle: 552467 + 2623,
    });
    expect(parseCpuTimes('cpu nonsense')).toBeUndefined();
    expect(parseCpuTimes('')).toBeUndefined();
  });

  test('the share of the cores in use is that between two readings, from 0 to 1', () => {
    const at = (total: number, idle: number) => ({ total, idle });
    expect(cpuShare(at(1000, 900), at(1100, 950))).toBe(0.5);
    expect(cpuShare(at(1000, 900), at(1100, 1000))).toBe(0);
    expect(cpuShare(at(1000, 900), at(1100, 890))).toBe(1);
    expect(cpuShare(at(1000, 900), at(1000, 900))).toBeUndefined();
  });

  test('memory in use is what a new program could not have', () => {
    expect(parseMemory(meminfo)).toEqual({
      totalBytes: 24684084 * 1024,
      usedBytes: (24684084 - 23595644) * 1024,
    });
    expect(parseMemory('MemTotal: 5 kB')).toBeUndefined();
  });

  test('the name of the system is the one for people', () => {
    expect(parseOsName('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian')).toBe(
      'Debian GNU/Linux 12 (bookworm)',
    );
    expect(parseOsName("PRETTY_NAME='Void Linux'")).toBe('Void Linux');
    expect(parseOsName('NAME=Alpine')).toBe('Alpine');
    expect(parseOsName('')).toBeUndefined();
  });

  test('no text makes a parser throw', () => {
    const mangled = fc
      .tuple(fc.constantFrom(stat, meminfo), fc.nat(300), fc.string(), fc.nat(50))
      .map(([text, at, put, drop]) => text.slice(0, at) + put + text.slice(at + drop));
    fc.assert(
      fc.property(fc.oneof(fc.string(), mangled), (text) => {
        for (const parse of [parseCpuTimes, parseMemory, parseOsName, parseFleetingAddresses]) parse(text);
      }),
    );
  });
});

describe('addresses of the machine', () => {
  const on = (name: string, address: string, internal = false) => ({ interface: name, address, internal });
  const none = new Set<string>();

  test('are those at which others reach it, IPv4 first', () => {
    const all = [
      on('lo', '127.0.0.1', true),
      on('eth0', 'fd00::2'),
      on('eth0', 'fe80::fc00:ff:fe00:1'),
      on('eth0', '192.168.1.9'),
      on('wg0', '10.9.0.1'),
      on('eth1', '169.254.7.7'),
      on('docker0', '172.17.0.1'),
      on('br-0a1b', '172.18.0.1'),
      on('veth1', '172.19.0.1'),
      on('br0', '10.0.0.1'),
    ];
    expect(reachableAddresses(all, none)).toEqual(['10.0.0.1', '10.9.0.1', '192.168.1.9', 'fd00::2']);
  });

  test('leave out those that change by themselves every day', () => {
    const fleeting = parseFleetingAddresses(
      [
        'fd000000000000000000000000000002 04 40 00 80     eth0',
        '20010db8000000000000000000000abc 04 40 00 01     eth0',
        '20010db8000000000000000000000abd 04 40 00 a0     eth0',
        '20010db8000100020003000400050006 04 40 00 40     eth0',
      ].join('\n'),
    );
    const all = ['fd00::2', '2001:db8::abc', '2001:db8::abd', '2001:db8:1:2:3:4:5:6'].map((ip) => on('eth0', ip));
    expect(reachableAddresses(all, fleeting)).toEqual(['fd00::2']);
  });

  test('are the same text whatever the order of the interfaces, and at most 64', () => {
    const many = Array.from({ length: 100 }, (_, i) => on('eth0', `10.0.0.${i}`));
    expect(reachableAddresses(many, none)).toHaveLength(64);
    expect(reachableAddresses(many.toReversed(), none)).toEqual(reachableAddresses(many, none));
    expect(reachableAddresses([on('eth0', '10.0.0.1'), on('eth1', '10.0.0.1')], none)).toEqual(['10.0.0.1']);
  });
});

describe('the disks of a machine', () => {
  const path = '../devices/pci0000:00/0000:00:17.0/ata1/host0/target0:0:0/0:0:0:0/block/sda';
  const sda = { name: 'sda', path, size: '7814037168\n', model: 'WDC WD40EFRX-68N \n', rotational: '1\n' };

  test('are told with their size, model and kind', () => {
    expect(parseBlockDevice(sda)).toEqual({
      name: 'sda',
      sizeBytes: 4_000_787_030_016,
      model: 'WDC WD40EFRX-68N',
      rotational: true,
    });
    const card = {
      name: 'mmcblk0',
      path: '../devices/platform/emmc2bus/block/mmcblk0',
      size: '62333952',
      card: 'SC32G\n',
    };
    expect(parseBlockDevice({ ...card, model: '', rotational: '0' })).toEqual({
      name: 'mmcblk0',
      sizeBytes: 31_914_983_424,
      model: 'SC32G',
      rotational: false,
    });
    expect(parseBlockDevice({ ...sda, model: '' })?.model).toBeNull();
  });

  test.each([
    ['made of a file', { name: 'loop0', path: '../devices/virtual/block/loop0' }],
    ['made of memory', { name: 'zram0', path: '../devices/virtual/block/zram0' }],
    ['a drive for disks that come and go', { name: 'sr0' }],
    ['a part of a card that its firmware uses', { name: 'mmcblk0boot1' }],
    ['empty', { size: '0\n' }],
    ['gone while it was looked at', { size: '' }],
  ])('are not what is %s', (_, more) => {
    expect(parseBlockDevice({ ...sda, ...more })).toBeUndefined();
  });
});
