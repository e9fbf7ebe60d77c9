import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IoError } from '#io/devices/error.ts';
import { classify, commandError, stepError } from '#io/devices/volumes/btrfs/errors.ts';
import { isInside, mountOf, parseMountinfo, pathInFilesystem } from '#io/devices/volumes/mounts.ts';
import {
  grouped,
  parseCompression,
  parseDiskUsage,
  parseExclusive,
  parseFilesystemUsage,
  parseFindNew,
  parseNestedList,
  parseQgroup,
  parseSubvolumeList,
  parseSubvolumeShow,
  qgroupsAreInconsistent,
  qgroupsMayBeWrong,
} from '#io/devices/volumes/btrfs/parse.ts';

const captured = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/btrfs/${name}.txt`, import.meta.url), 'utf8');

describe('answers of btrfs-progs', () => {
  test('the list of subvolumes tells who descends from whom, in which order', () => {
    expect(parseSubvolumeList(captured('subvolume-list'))).toEqual([
      {
        id: 256,
        generation: 11,
        cgen: 7,
        uuid: '7a02b305-8a26-6e4a-a505-24a348873cf9',
        parentUuid: undefined,
        receivedUuid: undefined,
        createdAt: undefined,
        path: 'app',
      },
      {
        id: 257,
        generation: 9,
        cgen: 9,
        uuid: '59076287-231f-f44f-b062-9ce149df7af9',
        parentUuid: '7a02b305-8a26-6e4a-a505-24a348873cf9',
        receivedUuid: undefined,
        createdAt: undefined,
        path: '.snap/app.1',
      },
      {
        id: 258,
        generation: 11,
        cgen: 11,
        uuid: '6ef47428-f525-ad49-b28a-607f3900ebf7',
        parentUuid: '7a02b305-8a26-6e4a-a505-24a348873cf9',
        receivedUuid: undefined,
        createdAt: undefined,
        path: '.snap/app.2',
      },
    ]);
    expect(parseSubvolumeList(captured('subvolume-list-received'))).toMatchObject([
      { receivedUuid: '59076287-231f-f44f-b062-9ce149df7af9', path: 'recv/app.1' },
      { receivedUuid: '6ef47428-f525-ad49-b28a-607f3900ebf7', path: 'recv/app.2' },
    ]);
  });

  test('the list of snapshots has times, in UTC, and paths from the top', () => {
    expect(parseSubvolumeList(captured('subvolume-list-snapshots'))).toMatchObject([
      { id: 257, cgen: 7, createdAt: Date.UTC(2026, 10, 21, 9, 17, 14), path: 'one' },
      { id: 258, cgen: 8, createdAt: Date.UTC(2026, 10, 21, 9, 17, 14), path: 'd/two' },
    ]);
  });

  test('the list of nested subvolumes has their paths', () => {
    expect(parseNestedList(captured('subvolume-list-nested'))).toEqual(['app/inner', 'app/.deep']);
    expect(parseNestedList('')).toEqual([]);
  });

  test('a subvolume tells its identity, its time, and whether it is read-only', () => {
    expect(parseSubvolumeShow(captured('subvolume-show'))).toEqual({
      id: 256,
      uuid: '7a02b305-8a26-6e4a-a505-24a348873cf9',
      parentUuid: undefined,
      receivedUuid: undefined,
      createdAt: Date.UTC(2026, 10, 20, 20, 20, 14),
      generation: 11,
      cgen: 7,
      readOnly: false,
    });
    expect(parseSubvolumeShow(captured('subvolume-show-snapshot'))).toMatchObject({ readOnly: true, cgen: 9 });
    expect(parseSubvolumeShow(captured('subvolume-show-received'))).toMatchObject({
      uuid: '0b3cb69e-3574-0241-90e6-0384587db859',
      receivedUuid: '6ef47428-f525-ad49-b28a-607f3900ebf7',
    });
    expect(parseSubvolumeShow('ERROR: Not a Btrfs subvolume')).toBeUndefined();
  });

  test('a time with another zone is the same moment', () => {
    const shifted = captured('subvolume-show').replace(
      'Creation time: \t\t2026-11-20 20:20:14 +0000',
      'Creation time: \t\t2026-11-20 22:20:14 +0200',
    );
    expect(shifted).not.toBe(captured('subvolume-show'));
    expect(parseSubvolumeShow(shifted)?.createdAt).toBe(Date.UTC(2026, 10, 20, 20, 20, 14));
  });

  test('a quota group tells usage and limit', () => {
    expect(parseQgroup(captured('qgroup-show'))).toEqual({ referencedBytes: 7356416, limitBytes: 52428800 });
    const without = captured('qgroup-show').replace('52428800 ', '    none ');
    expect(parseQgroup(without)).toEqual({ referencedBytes: 7356416, limitBytes: undefined });
    expect(parseQgroup('')).toBeUndefined();
  });

  test('quota groups tell what each subvolume shares with no other one', () => {
    const shown = captured('qgroup-show-all');
    expect(parseExclusive(shown)).toEqual(
      new Map([
        [5, 16384],
        [256, 52412416],
        [257, 16384],
      ]),
    );
    expect(parseExclusive('')).toEqual(new Map());
  });

  test('a folder tells its compression, or nothing', () => {
    expect(parseCompression('compression=zstd\n')).toBe('zstd');
    expect(parseCompression('')).toBeUndefined();
  });

  test('rows are grouped, and none is lost when two have one path', () => {
    const rows = parseSubvolumeList(captured('subvolume-list'));
    const groups = grouped(rows, ({ path }) => (path === 'app' ? 'a' : 'b'));
    expect([...groups].map(([key, group]) => [key, group.map(({ id }) => id)])).toEqual([
      ['a', [256]],
      ['b', [257, 258]],
    ]);
  });

  test('numbers of quotas that are wrong are recognized', () => {
    expect(qgroupsAreInconsistent('WARNING: qgroup data inconsistent, rescan recommended')).toBe(true);
    expect(qgroupsAreInconsistent('WARNING: rescan is running, qgroup data may be incorrect')).toBe(false);
    expect(qgroupsMayBeWrong('WARNING: qgroup data inconsistent, rescan recommended')).toBe(true);
    expect(qgroupsMayBeWrong('WARNING: rescan is running, qgroup data may be incorrect')).toBe(true);
    expect(qgroupsMayBeWrong('')).toBe(false);
  });

  test('usage of a pool counts what can still be written, and copies once', () => {
    expect(parseFilesystemUsage(captured('filesystem-usage'))).toEqual({
      sizeBytes: 629145600,
      usedBytes: 629145600 - 537919488,
      missingBytes: 0,
    });
    expect(parseFilesystemUsage(captured('filesystem-usage-raid1'))).toEqual({
      sizeBytes: 268435456,
      usedBytes: 268435456 - 226492416,
      missingBytes: 0,
    });
    const degraded = captured('filesystem-usage-raid1').replace(/(Device missing:\s+)0/, '$1268435456');
    expect(parseFilesystemUsage(degraded)?.missingBytes).toBe(268435456);
    expect(parseFilesystemUsage('')).toBeUndefined();
  });

  test('counted files tell their total', () => {
    expect(parseDiskUsage(captured('filesystem-du'))).toBe(0);
    expect(parseDiskUsage('     Total   Exclusive  Set shared  Filename\n   1048576     4096     0  app')).toBe(
      1048576,
    );
  });

  test('no text makes a parser throw', () => {
    const parsers = [
      ...[parseSubvolumeList, parseSubvolumeShow, parseNestedList, parseQgroup],
      ...[parseFilesystemUsage, parseDiskUsage, parseExclusive, parseCompression, parseMountinfo, classify],
    ];
    const texts = ['subvolume-list', 'subvolume-show', 'qgroup-show', 'filesystem-usage'].map(captured);
    const mangled = fc
      .tuple(fc.constantFrom(...texts), fc.nat(600), fc.string(), fc.nat(100))
      .map(([text, at, put, drop]) => text.slice(0, at) + put + text.slice(at + drop));
    fc.assert(
      fc.property(fc.oneof(fc.string(), mangled), (text) => {
        for (const parse of parsers) parse(text);
      }),
    );
  });
});

describe('errors of btrfs', () => {
  test.each([
    [
      "ERROR: Could not destroy subvolume/snapshot: Operation not permitted\nWARNING: deletion failed with EPERM, you don't have permissions or send may be in progress",
      'BUSY',
    ],
    ['umount: /mnt: target is busy.', 'BUSY'],
    ["ERROR: cannot snapshot 'a/app': No space left on device", 'NO_SPACE'],
    ['ERROR: cannot create subvolume: Disk quota exceeded', 'NO_SPACE'],
    ['ERROR: cannot create subvolume: Read-only file system', 'READ_ONLY'],
    ['ERROR: target path already exists: a/app', 'EXISTS'],
    ['ERROR: creating subvolume app.1 failed: File exists', 'EXISTS'],
    ["ERROR: cannot find real path for 'a/nosuch': No such file or directory", 'MISSING'],
    ['ERROR: Could not statfs: No such file or directory', 'MISSING'],
    ['ERROR: not a btrfs filesystem: /mnt', 'POOL_MISSING'],
    ['ERROR: Not a Btrfs filesystem: Invalid argument', 'POOL_MISSING'],
    ['ERROR: Could not set subvolume flags: Operation not permitted', 'PERMISSION'],
    ['mount: /mnt: must be superuser to use mount.', 'PERMISSION'],
    ['ERROR: Could not destroy subvolume/snapshot: Directory not empty', 'INVALID'],
    ['ERROR: Not a Btrfs subvolume: Invalid argument', 'INVALID'],
    ['ERROR: cannot read: Input/output error', 'DAMAGED'],
    ['ERROR: something new', 'FAILED'],
    ['', 'FAILED'],
  ])('%j is told apart', (stderr, code) => {
    expect(classify(stderr)).toBe(code);
  });

  test('an error says what failed, on what, in the words of the tool, and what to do', () => {
    const ran = { stdout: '', stderr: 'ERROR: cannot snapshot: No space left on device\n', exitCode: 1 };
    const error = commandError('btrfs subvolume snapshot', 'main/db', ran);
    expect(error).toMatchObject({ code: 'NO_SPACE', op: 'btrfs subvolume snapshot', target: 'main/db' });
    expect(error.message).toBe(
      'btrfs subvolume snapshot of main/db failed: ERROR: cannot snapshot: No space left on device',
    );
    expect(error.hint).toMatch(/space/);
  });

  test('errors of the file system are told apart by their number', () => {
    const errno = (code: string, number: number) => Object.assign(new Error('failed'), { code, errno: number });
    const cases = [
      [errno('EROFS', -30), 'READ_ONLY'],
      [errno('ENOSPC', -28), 'NO_SPACE'],
      [errno('Unknown system error -122', -122), 'NO_SPACE'],
      [errno('EBUSY', -16), 'BUSY'],
      [errno('EIO', -5), 'DAMAGED'],
      [new Error('who knows'), 'FAILED'],
    ] as const;
    for (const [error, code] of cases) expect(stepError(error, 'create', 'main/db').code).toBe(code);
    const known = new IoError('BUSY', { op: 'x', target: 'y', message: 'z' });
    expect(stepError(known, 'create', 'main/db')).toBe(known);
  });
});

describe('what was written since a generation', () => {
  test('is the sum of the extents, without holes and without room that was only set aside', () => {
    const text = [
      'inode 257 file offset 0 len 524288 disk start 13631488 offset 0 gen 12 flags NONE large',
      'inode 258 file offset 0 len 6 disk start 0 offset 0 gen 12 flags INLINE a name with spaces',
      'inode 259 file offset 0 len 4096 disk start 14155776 offset 0 gen 13 flags COMPRESS text',
      'inode 260 file offset 0 len 1048576 disk start 0 offset 0 gen 13 flags NONE sparse',
      'inode 261 file offset 0 len 2097152 disk start 15728640 offset 0 gen 13 flags PREALLOC reserved',
      'transid marker was 13',
    ].join('\n');
    expect(parseFindNew(text)).toBe(524_288 + 6 + 4096);
    expect(parseFindNew('transid marker was 13\n')).toBe(0);
  });
});

describe('the table of mounts', () => {
  const mounts = parseMountinfo(
    [
      '25 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw',
      '72 25 0:61 / /tmp/my\\040pool rw,nosuid,nodev,noatime - btrfs /dev/loop0 rw,subvolid=5,subvol=/',
      '73 25 0:61 /a/b /srv ro,nosuid,noatime shared:2 master:3 - btrfs /dev/loop0 rw,subvolid=5,subvol=/',
      '74 73 0:70 / /srv rw,nodev - tmpfs tmpfs rw',
      '75 25 0:71 / /frozen rw - btrfs /dev/sdb ro,compress-force=zstd:3,subvolid=5',
      'nonsense',
    ].join('\n'),
  );

  test('has places, types and flags, with spaces restored', () => {
    expect(mounts).toHaveLength(5);
    expect(mounts[1]).toEqual({
      device: '0:61',
      root: '/',
      point: '/tmp/my pool',
      readOnly: false,
      isHarmless: true,
      compression: undefined,
      type: 'btrfs',
      source: '/dev/loop0',
    });
    expect(mounts.map(({ readOnly }) => readOnly)).toEqual([false, false, true, false, true]);
    expect(mounts.at(-1)?.compression).toBe('zstd:3');
    expect(mounts.map(({ isHarmless }) => isHarmless)).toEqual([false, true, false, false, false]);
  });

  test('a path belongs to the nearest mount above it, and of two at one place to the one on top', () => {
    expect(mountOf(mounts, '/tmp/my pool/floatlab')?.type).toBe('btrfs');
    expect(mountOf(mounts, '/tmp/my pool 2')?.type).toBe('ext4');
    expect(mountOf(mounts, '/srv/x')?.type).toBe('tmpfs');
    expect(mountOf(mounts, '/')?.point).toBe('/');
  });

  test('a path of a mount has its place in the file system', () => {
    const [root, pool, bound] = mounts;
    if (!root || !pool || !bound) throw new Error('parsed');
    expect(pathInFilesystem(root, '/etc')).toBe('/etc');
    expect(pathInFilesystem(pool, '/tmp/my pool')).toBe('/');
    expect(pathInFilesystem(pool, '/tmp/my pool/x')).toBe('/x');
    expect(pathInFilesystem(bound, '/srv')).toBe('/a/b');
    expect(pathInFilesystem(bound, '/srv/x')).toBe('/a/b/x');
  });

  test('a folder holds itself and what is below it, not what begins alike', () => {
    expect(isInside('/a', '/a')).toBe(true);
    expect(isInside('/a/b', '/a')).toBe(true);
    expect(isInside('/ab', '/a')).toBe(false);
    expect(isInside('/x', '/')).toBe(true);
  });
});
