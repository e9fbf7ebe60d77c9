/** The parts of an engine of our own that can be thought through without one. */
import { describe, expect, test } from 'vitest';
import { mountsToClear } from '#io/devices/docker/own/mounts.ts';
import { bridgesIn, freeSecondByte, networkPlan } from '#io/devices/docker/own/network.ts';
import { rulesNaming } from '#io/devices/docker/own/packet-filter.ts';
import { enginePaths } from '#io/devices/docker/own/paths.ts';
import { isEngine, isOwnContainerd, isOwnEngine, isOwnShim } from '#io/devices/docker/own/processes.ts';

describe('the paths of an engine', () => {
  test('its sockets fit into the 108 bytes of the kernel, however long the data directory is', () => {
    const paths = enginePaths(`/srv/${'a-rather-long-name/'.repeat(20)}floatlab`);
    for (const path of [paths.socket, paths.containerdSocket, `${paths.execRoot}/libnetwork/0123456789ab.sock`])
      expect(Buffer.byteLength(path)).toBeLessThan(108);
    expect(paths.bridge.length).toBeLessThanOrEqual(15);
  });

  test('two data directories share nothing, and one has always the same', () => {
    const [a, b] = [enginePaths('/var/lib/floatlab'), enginePaths('/var/lib/floatlab2')];
    for (const key of ['runtime', 'socket', 'bridge', 'dataRoot'] as const) expect(a[key]).not.toBe(b[key]);
    expect(enginePaths('/var/lib/x/../floatlab/')).toEqual(a);
  });
});

describe('processes', () => {
  const paths = enginePaths('/var/lib/floatlab');
  const others = enginePaths('/var/lib/floatlab2');
  const process = (...args: string[]) => ({ pid: 42, args });

  test('are ours by their whole command line, not by their name', () => {
    const own = process('/usr/sbin/dockerd', '--config-file=x', `--data-root=${paths.dataRoot}`);
    expect(isOwnEngine(own, paths)).toBe(true);
    expect(isOwnEngine(own, others)).toBe(false);
    expect(isOwnEngine(process('/usr/sbin/dockerd'), paths)).toBe(false);
    expect(isOwnEngine(process('vi', `--data-root=${paths.dataRoot}`), paths)).toBe(false);
    expect(isEngine(process('/usr/bin/dockerd', '-H', 'fd://'))).toBe(true);
    expect(isEngine(process())).toBe(false);
  });

  test('containerd and the parents of containers are told apart by engine', () => {
    const containerd = process('containerd', '--config', paths.containerdConfig, '--log-level', 'info');
    const shim = process('/usr/bin/containerd-shim-runc-v2', '-namespace', 'moby', '-address', paths.containerdSocket);
    expect([isOwnContainerd(containerd, paths), isOwnContainerd(containerd, others)]).toEqual([true, false]);
    expect([isOwnShim(shim, paths), isOwnShim(shim, others)]).toEqual([true, false]);
    expect(isOwnContainerd(shim, paths)).toBe(false);
  });
});

describe('mounts to clear', () => {
  const root = '/var/lib/floatlab/engine/root';
  const info = (...lines: [from: string, point: string][]) =>
    lines.map(([from, point], i) => `${i} 1 254:0 ${from} ${point} rw,relatime shared:1 - ext4 /dev/vda rw`).join('\n');

  test('are those below, innermost first, with the folder that the engine bound onto itself last', () => {
    const all = info(
      ['/', '/'],
      [root, root],
      ['/', `${root}/overlay2/1/merged`],
      ['/', `${root}/overlay2/1/merged/with\\040space`],
      ['/', `${root}-of-somebody-else`],
      ['/', '/var/lib/floatlab/pools/main'],
    );
    expect(mountsToClear(all, root)).toEqual([
      `${root}/overlay2/1/merged/with space`,
      `${root}/overlay2/1/merged`,
      root,
    ]);
  });

  test('a disk that a person mounted at the folder stays', () => {
    expect(mountsToClear(info(['/', root], ['/@docker', root]), root)).toEqual([]);
  });

  test('the folder bound onto itself is known also where its file system is mounted elsewhere', () => {
    expect(mountsToClear(info(['/floatlab/engine/root', root]), root)).toEqual([root]);
  });
});

describe('the network of an engine', () => {
  test('is docker0 only for an engine alone on its machine', () => {
    expect(networkPlan(false, 0)).toBe('docker0');
    expect(networkPlan(false, 1)).toBe('own-bridge');
    expect(networkPlan(true, 0)).toBe('isolated');
  });

  test('avoids addresses that the machine has', () => {
    expect(freeSecondByte([], 0)).toBe(128);
    expect(freeSecondByte(['10.128.255.1', '10.129.3.4', '192.168.130.1', '10.13.0.1'], 0)).toBe(130);
    expect(freeSecondByte(['10.247.0.1'], 119)).toBe(128);
    const all = Array.from({ length: 256 }, (_, byte) => `10.${byte}.0.1`);
    expect(() => freeSecondByte(all, 7)).toThrow('in use');
  });

  test('its rules of the packet filter are those that name its bridge, and no others', () => {
    const listing = [
      '-P FORWARD DROP',
      '-N DOCKER',
      '-A FORWARD -s 10.208.0.0/16 -d 10.208.0.0/16 -m comment --comment "fl-d1c37507" -j ACCEPT',
      '-A FORWARD -i fl-d1c37507 ! -o fl-d1c37507 -j ACCEPT',
      '-A FORWARD -i fl-d1c375070 -j ACCEPT',
      '-A FORWARD -i docker0 -o docker0 -j ACCEPT',
      '',
    ].join('\n');
    expect(rulesNaming(listing, ['fl-d1c37507', 'br-0123456789ab'])).toEqual([
      'FORWARD -s 10.208.0.0/16 -d 10.208.0.0/16 -m comment --comment fl-d1c37507 -j ACCEPT'.split(' '),
      'FORWARD -i fl-d1c37507 ! -o fl-d1c37507 -j ACCEPT'.split(' '),
    ]);
    expect(rulesNaming(listing, [])).toEqual([]);
  });

  test('its bridges are read from its own database, docker0 never among them', () => {
    const database =
      'x"BridgeName":"docker0"\u0000"BridgeName":"br-8b87754b68da"y"BridgeName":"br-50e269d337f6""BridgeName":"br-8b87754b68da"' +
      '"BridgeName":"br-lan""BridgeName":"br-0123456789abc"';
    expect(bridgesIn(database)).toEqual(['br-50e269d337f6', 'br-8b87754b68da']);
  });
});
