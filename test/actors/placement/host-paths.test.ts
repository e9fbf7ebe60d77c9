import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hostPathKind, hostPathRefusal } from '#actors/placement/host-paths.ts';
import { hostPath, isWithin } from '#events/values/path.ts';

describe('a path of a node', () => {
  test.each([
    '/etc/localtime',
    '/etc/timezone',
    '/var/run/docker.sock',
    '/run/docker.sock',
    '/dev/dri',
    '/proc',
    '/sys/class/gpio',
    '/run/dbus/system_bus_socket',
    '/lib/modules',
    '/etc/ssl/certs',
  ])('%s means the same on each', (path) => expect(hostPathKind(path)).toBe('same'));

  test.each(['/mnt/media', '/srv', '/home/ada/photos', '/etc/nginx', '/devices', '/procfs', '/opt/app', '/media/usb'])(
    '%s is data of one machine',
    (path) => {
      expect(hostPathKind(path)).toBe('data');
      expect(hostPathRefusal(path, false)).toBeUndefined();
    },
  );

  test.each(['/', '/var', '/var/lib', '/var/lib/floatlab', '/var/lib/floatlab/pool', '/run/floatlab-abc/docker.sock'])(
    '%s would give a container the lab: nobody gets it, read-only or not',
    (path) => {
      expect(hostPathRefusal(path, false)).toBeDefined();
      expect(hostPathRefusal(path, true)).toBeDefined();
    },
  );

  test.each(['/etc', '/usr', '/boot', '/proc', '/sys', '/sys/fs/cgroup', '/var/lib/docker/containers', '/run'])(
    '%s is read, and never written',
    (path) => {
      expect(hostPathRefusal(path, true)).toBeUndefined();
      expect(hostPathRefusal(path, false)?.hint).toContain(':ro');
    },
  );

  test('what is refused read-only is refused for writing, and with what lies above it', () => {
    const part = fc.constantFrom('var', 'lib', 'floatlab', 'etc', 'usr', 'mnt', 'run', 'docker', 'pool');
    const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(path, path, (one, other) => {
        if (hostPathRefusal(one, true)) expect(hostPathRefusal(one, false)).toBeDefined();
        // Whoever has a folder has what is in it.
        if (isWithin(other, one) && isWithin(other, '/var/lib/floatlab'))
          expect(hostPathRefusal(one, true)).toBeDefined();
      }),
    );
  });

  test('is one only when it is absolute and normalized', () => {
    for (const good of ['/', '/mnt/media', '/a b/c']) expect(hostPath.safeParse(good).success).toBe(true);
    for (const bad of ['', 'mnt', '/mnt/', '/mnt//x', '/mnt/../etc', '/./mnt', '/a\nb'])
      expect(hostPath.safeParse(bad).success).toBe(false);
  });
});
