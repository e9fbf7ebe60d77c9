import { expect, test } from 'vitest';
import { sharesIn } from '#io/devices/host/shares.ts';

const lines = (...mounts: readonly (readonly [point: string, type: string, source: string])[]): string =>
  mounts
    .map(([point, type, source], n) => `${n + 20} 1 0:${n} / ${point} rw,relatime shared:1 - ${type} ${source} rw`)
    .join('\n');

test('file systems of other machines are shares, those of this one are not', () => {
  const text = lines(
    ['/', 'ext4', '/dev/sda1'],
    ['/mnt/media', 'nfs4', 'nas:/export/media'],
    ['/mnt/back\\040up', 'cifs', '//nas/backup'],
    ['/proc', 'proc', 'proc'],
    ['/srv/ceph', 'fuse.ceph', 'ceph-fuse'],
    ['/home/a', 'fuse.encfs', 'encfs'],
  );
  expect(sharesIn(text)).toEqual([
    { path: '/mnt/back up', source: '//nas/backup', type: 'cifs' },
    { path: '/mnt/media', source: 'nas:/export/media', type: 'nfs4' },
    { path: '/srv/ceph', source: 'ceph-fuse', type: 'fuse.ceph' },
  ]);
});

test('what is mounted over a share hides it', () => {
  expect(sharesIn(lines(['/mnt', 'nfs', 'nas:/a'], ['/mnt', 'tmpfs', 'tmpfs']))).toEqual([]);
  expect(sharesIn(lines(['/mnt', 'nfs', 'nas:/a'], ['/mnt', 'nfs', 'nas:/b']))).toEqual([
    { path: '/mnt', source: 'nas:/b', type: 'nfs' },
  ]);
});
