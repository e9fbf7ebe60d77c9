/** What FloatLab itself lives on is told by the file system, and not only by what a path is called. */
import { describe, expect, test } from 'vitest';
import { ownPlaces } from '#io/daemon/pool-places.ts';
import { parseMountinfo } from '#io/devices/volumes/mounts.ts';
import { whyOwn } from '#io/devices/volumes/own-places.ts';

const mounts = parseMountinfo(
  [
    '1 0 8:1 / / rw - ext4 /dev/sda1 rw',
    // The same files at another place, and a pool in a file of the data directory.
    '2 1 8:1 /var/lib /mnt/bound rw - ext4 /dev/sda1 rw',
    '3 1 0:50 / /lab/pool/mnt rw - btrfs /dev/loop0 rw',
    '4 1 0:51 / /lab/db rw - zfs tank/db rw',
    '5 1 0:52 / /srv/b rw - btrfs /dev/sdb rw',
  ].join('\n'),
);
const pool = (name: string, place: string) => ({ name, driver: 'btrfs' as const, place, id: undefined });
const why = (path: string, dataDir = '/lab') =>
  whyOwn(path, ownPlaces(dataDir, [pool('main', '/lab/pool/mnt'), pool('b', '/srv/b')]), mounts);

describe('what is not adopted', () => {
  test.each(['/lab', '/lab/x', '/', '/srv', '/lab/db', '/srv/b/floatlab', '/srv/b/floatlab/volumes/x/live'])(
    '%s: it is, holds or lies in something of FloatLab',
    (path) => {
      expect(why(path)).toContain(path);
    },
  );

  test('the same files by another mount', () => {
    expect(why('/mnt/bound/floatlab/x', '/var/lib/floatlab')).toContain('data directory');
    expect(why('/mnt/bound', '/var/lib/floatlab')).toContain('holds');
    expect(why('/mnt/bound/other', '/var/lib/floatlab')).toBeUndefined();
  });

  test.each(['/lab2', '/labx/y', '/srv/c', '/srv/b/photos', '/lab/pool/mnt/photos'])('%s may be', (path) => {
    expect(why(path)).toBeUndefined();
  });

  test('the folder of FloatLab in a pool that lies in the data directory', () => {
    expect(why('/lab/pool/mnt/floatlab/volumes/x/live')).toContain('in the pool main');
  });
});
