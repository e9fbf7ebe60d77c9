/** What zfs and zpool print, captured from OpenZFS 2.1 and zfs-fuse 0.7. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isNativeName, isRootName, volumeNames } from '#io/devices/volumes/zfs/layout.ts';
import {
  allDisksTrim,
  compressionOf,
  ownValue,
  parseGet,
  parseKstats,
  parseHolds,
  parseMountLine,
  parsePoolProperties,
  parseStat,
  parseToolAbilities,
  poolCompressions,
} from '#io/devices/volumes/zfs/parse.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../fixtures/zfs/${name}.txt`, import.meta.url), 'utf8');
const said = (tools: string) => ({
  zfs: fixture(`${tools}-usage`),
  zfsGet: fixture(`${tools}-usage-get`),
  zpool: fixture(`${tools}-usage-zpool`),
});

test('counters of writes are told by the name of the dataset, whatever is in it', () => {
  const rows = (name: string, ...counts: number[]) =>
    `dataset_name                    7    ${name}\nwrites                          4    ${counts[0]}\nnwritten                        4    ${counts[1]}\nnunlinked                       4    ${counts[2]}\n`;
  expect(parseKstats(rows('tank', 0, 0, 0) + rows('tank/native 1', 3, 4096, 1))).toEqual(
    new Map([
      ['tank', '0,0,0'],
      ['tank/native 1', '3,4096,1'],
    ]),
  );
  expect(parseKstats('')).toEqual(new Map());
});

describe('zfs get', () => {
  test.each([
    ['openzfs', '10328822005716611545', '11'],
    ['zfs-fuse', '5753912535632195480', '18'],
  ])('of %s is exact, also where a guid is larger than a number can be', (tools, guid, txg) => {
    const found = parseGet(fixture(`${tools}-get`));
    expect([...found.keys()]).toEqual(['tank/floatlab/db', 'tank/floatlab/db@a', 'tank/floatlab/db@theirs']);
    expect(found.get('tank/floatlab/db@a')?.get('guid')?.value).toBe(guid);
    expect(found.get('tank/floatlab/db@a')?.get('createtxg')?.value).toBe(txg);
    expect(found.get('tank/floatlab/db')?.get('refquota')).toEqual({ value: '33554432', source: 'local' });
  });

  test.each(['openzfs', 'zfs-fuse'])('of %s tells a mark that was set from one that was inherited', (tools) => {
    const found = parseGet(fixture(`${tools}-get`));
    const mark = (name: string) => ownValue(found.get(name) ?? new Map(), 'floatlab:volume');
    expect([mark('tank/floatlab/db'), mark('tank/floatlab/db@a')]).toEqual(['db', 'db']);
    expect(mark('tank/floatlab/db@theirs')).toBeUndefined();
    expect(ownValue(found.get('tank/floatlab/db') ?? new Map(), 'floatlab:pool')).toBeUndefined();
  });

  test('a mark that came with a received snapshot counts', () => {
    const found = parseGet('tank/db@a\tfloatlab:volume\tdb\treceived\n');
    expect(ownValue(found.get('tank/db@a') ?? new Map(), 'floatlab:volume')).toBe('db');
  });

  test('values that other tools made up, with tabs and line breaks, break nothing', () => {
    const text = 'tank/a\tx:y\tone\ttwo\tlocal\ntank/b\tx:y\tone\ntank/c\tlocal\ntank/d e\tguid\t7\t-\n\n\t\t\t\n';
    expect([...parseGet(text).keys()]).toEqual(['tank/d e']);
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (any) => void parseGet(any)));
  });
});

describe('what the tools can', () => {
  test('OpenZFS has it all', () => {
    expect(parseToolAbilities(said('openzfs'))).toEqual({
      ...{ destroysMany: true, snapshotsMany: true, setsMany: true, renamesAlone: true },
      ...{ written: true, overlay: true, trims: true },
      compression: ['off', 'lz4', 'zstd', 'gzip'],
    });
  });

  test('zfs-fuse has next to nothing of it', () => {
    expect(parseToolAbilities(said('zfs-fuse'))).toEqual({
      ...{ destroysMany: false, snapshotsMany: false, setsMany: false, renamesAlone: false },
      ...{ written: false, overlay: false, trims: false },
      compression: ['off', 'gzip'],
    });
  });

  test('tools that say nothing can nothing', () => {
    const { compression, ...others } = parseToolAbilities({ zfs: '', zfsGet: '', zpool: '' });
    expect([compression, new Set(Object.values(others))]).toEqual([[], new Set([false])]);
  });

  test('a pool that was not upgraded has not every compression that the tools know', () => {
    const tools = parseToolAbilities(said('openzfs'));
    const pool = parsePoolProperties(fixture('openzfs-zpool-get'));
    expect(poolCompressions(tools, pool)).toEqual(['off', 'lz4', 'zstd', 'gzip']);
    const old = new Map(pool).set('feature@zstd_compress', 'disabled');
    expect(poolCompressions(tools, old)).toEqual(['off', 'lz4', 'gzip']);
    expect(poolCompressions(tools, parsePoolProperties(fixture('zfs-fuse-zpool-get')))).toEqual(['off', 'gzip']);
  });

  test('names of compressions are those of the port, levels included', () => {
    const names = ['off', 'lz4', 'gzip', 'gzip-9', 'zstd', 'zstd-3', 'zstd-fast-10', 'on', 'zle', 'lzjb'];
    expect(names.map(compressionOf)).toEqual([
      ...['off', 'lz4', 'gzip', 'gzip', 'zstd', 'zstd', 'zstd'],
      ...[undefined, undefined, undefined],
    ]);
  });
});

describe('a zpool', () => {
  test.each(['openzfs', 'zfs-fuse'])('of %s says its health', (tools) => {
    expect(parsePoolProperties(fixture(`${tools}-zpool-get`)).get('health')).toBe('ONLINE');
  });

  test('is trimmed when each of its disks can be', () => {
    const status = fixture('openzfs-zpool-status-trim');
    expect(allDisksTrim(status)).toBe(true);
    expect(allDisksTrim(status.replace('(untrimmed)', '(100% trimmed, completed at Sun Nov 22 04:10:00 2026)'))).toBe(
      true,
    );
    expect(allDisksTrim(status.replace('(untrimmed)', '(trim unsupported)'))).toBe(false);
    const second = '\t  /dev/sdb    ONLINE       0     0     0  (trim unsupported)\n';
    expect(allDisksTrim(status.replace('\nerrors', `${second}\nerrors`))).toBe(false);
    expect(allDisksTrim('no pools available')).toBe(false);
  });

  test('says the tags of holds, in both forms of the answer', () => {
    expect(parseHolds(fixture('openzfs-holds'))).toEqual(['backup']);
    expect(parseHolds(fixture('openzfs-holds-script'))).toEqual(['backup']);
    expect(parseHolds('')).toEqual([]);
  });
});

test('a mount is read with its group, and a space in a name as one', () => {
  const line = '69 67 0:43 / /run/my\\040data rw,relatime shared:7 - fuse.zfs tank/my\\040data rw,user_id=0';
  expect(parseMountLine(line)).toEqual({
    ...{ id: '69', device: '0:43', root: '/', point: '/run/my data', groups: ['shared:7'] },
    ...{ type: 'fuse.zfs', source: 'tank/my data' },
  });
  expect(parseMountLine('28 1 0:25 / /m/db rw - zfs tank/db rw,xattr')).toMatchObject({ groups: [], type: 'zfs' });
  expect(parseMountLine('28 1 0:25')).toBeUndefined();
});

test('owner and mode of a folder are read, and nothing else is taken for them', () => {
  expect(parseStat('999 70 2750\n')).toEqual({ uid: 999, gid: 70, mode: 0o2750 });
  expect(parseStat('stat: cannot')).toBeUndefined();
});

describe('names of datasets', () => {
  test.each(['tank/floatlab', 'tank/a/b-c_d.e:f', `tank/${'x'.repeat(39)}`])('%s can be given to FloatLab', (name) => {
    expect(isRootName(name)).toBe(true);
  });

  test.each(['', 'tank', '/tank/x', 'tank/', 'tank//x', '-o/x', 'tank/x@y', 'tank/a b', `tank/${'x'.repeat(40)}`])(
    '%j cannot',
    (name) => {
      expect(isRootName(name)).toBe(false);
    },
  );

  test.each(['tank', 'tank/my data', 'tank/a/b'])('%s can be adopted', (name) => {
    expect(isNativeName(name)).toBe(true);
  });

  test.each(['', '-rf', '--help', '..', '/', 'a\nb', 'a\0b', 'tank/..', 'tank/x@y', 'tank/ x', 'x'.repeat(127)])(
    '%j cannot',
    (name) => {
      expect(isNativeName(name)).toBe(false);
    },
  );

  test('the longest that FloatLab makes is one that zfs accepts', () => {
    const { line } = volumeNames(`tank/${'x'.repeat(39)}`, 'y'.repeat(64));
    expect(`${line(10 ** 14)}@${'z'.repeat(128)}`.length).toBeLessThanOrEqual(255);
  });
});
