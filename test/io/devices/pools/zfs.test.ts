/** What the driver of zfs makes of the answers of its tool, where no real one can be had. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { IoErrorCode } from '#io/devices/error.ts';
import type { DeviceInspector } from '#io/devices/pools/devices.ts';
import { zpoolError } from '#io/devices/pools/zfs/errors.ts';
import { zfsPools } from '#io/devices/pools/zfs/real.ts';
import type { Ran, RunCommand } from '#io/devices/run.ts';
import { run as runHere } from '#io/devices/run.ts';
import { patient } from '#test/contracts/pools.ts';

const answer = (stdout: string, stderr = '', exitCode = 0): Ran => ({ stdout, stderr, exitCode });
const status = (
  scan: string,
  disks = '	  mirror-0  ONLINE       0     0     0\n	    sda     ONLINE       0     0     0\n	    sdb     ONLINE       0     0     0\n',
) =>
  `  pool: tank\n state: ONLINE\n  scan: ${scan}\nconfig:\n\n	NAME        STATE     READ WRITE CKSUM\n	tank        ONLINE       0     0     0\n${disks}\nerrors: No known data errors\n`;
const running = 'scrub in progress since Sun Jun  7 12:43:45 2026';
const paused = `scrub paused since Sun Jun  7 17:00:20 2026\n	scrub started on Sun Jun  7 12:43:45 2026`;

const inspector: DeviceInspector = {
  names: async (path) => [path],
  candidates: async () => [],
  inspect: async (_, path) => ({ path, sizeBytes: 2 ** 40, uses: [], holds: [] }),
};

/** A zpool that answers by its first words; what it was asked is in `asked`. */
function fake(answers: Readonly<Record<string, Ran>>) {
  const asked: string[] = [];
  const run: RunCommand = async (file, args) => {
    const line = [file, ...args].join(' ');
    asked.push(line);
    const known = Object.keys(answers).find((words) => line.startsWith(words));
    if (known !== undefined) return answers[known] ?? answer('');
    return line.startsWith('zpool status -j') ? answer('', "invalid option 'j'\nusage:\n", 2) : answer('');
  };
  const admin = zfsPools({ pools: () => [{ name: 'tank', driver: 'zfs' }], run, inspector });
  const did = () => asked.filter((line) => !/^zpool status|^zfs get/.test(line));
  return { admin, asked, did };
}

describe('zfs', () => {
  test('is asked for JSON first, and never again where it has none', async () => {
    const { admin, asked } = fake({ 'zpool status -p': answer(status('none requested')) });
    await admin.report('tank', patient());
    await admin.report('tank', patient());
    expect(asked.filter((line) => line.startsWith('zpool status'))).toEqual([
      'zpool status -j -p -v tank',
      'zpool status -p -v tank',
      'zpool status -p -v tank',
    ]);
  });

  test('that was exported to be imported anew is imported by the next attempt, whenever the first one was cut off', async () => {
    for (const fails of ['export', 'import', 'clear']) {
      let state: 'read-only' | 'away' | 'there' = 'read-only';
      let left = 1;
      const done: string[] = [];
      const run: RunCommand = async (_, [word = '', ...args]) => {
        if (word === 'status') {
          if (args.includes('-j')) return answer('', "invalid option 'j'\nusage:\n", 2);
          return state === 'away'
            ? answer('', "cannot open 'tank': no such pool\n", 1)
            : answer(status('none requested'));
        }
        if (['get', 'list'].includes(word))
          return state === 'away'
            ? answer('', "cannot open 'tank': no such pool\n", 1)
            : answer(word === 'get' ? (state === 'read-only' ? 'on\n' : 'off\n') : 'tank\n');
        // It is done, and nobody hears of it.
        if (word === 'export') state = 'away';
        if (word === fails && left-- > 0) return answer('', 'internal error: out of memory\n', 1);
        if (word === 'import') state = 'there';
        done.push([word, ...args].join(' '));
        return answer('');
      };
      const admin = zfsPools({ pools: () => [{ name: 'tank', driver: 'zfs' }], run, inspector });
      await expect(admin.clear('tank', patient())).rejects.toThrow();
      await admin.clear('tank', patient());
      expect(state).toBe('there');
      expect(done.slice(-2)).toEqual(['import tank', 'clear tank']);
    }
  });

  test('that did not answer at first is not taken for an old one', async () => {
    let isUp = false;
    const asked: string[] = [];
    const run: RunCommand = async (_, args) => {
      asked.push(args.join(' '));
      if (!isUp) return answer('', 'The ZFS modules are not loaded.\n', 1);
      return args[1] === '-j' ? answer('', "invalid option 'j'", 2) : answer(status('none requested'));
    };
    const admin = zfsPools({ pools: () => [{ name: 'tank', driver: 'zfs' }], run, inspector });
    await expect(admin.report('tank', patient())).rejects.toMatchObject({ code: 'POOL_MISSING' });
    isUp = true;
    expect(await admin.report('tank', patient())).toMatchObject({ state: 'online' });
  });

  test('that speaks of another pool is not believed', async () => {
    const { admin } = fake({ 'zpool status -p': answer(status('none requested').replaceAll('tank', 'bank')) });
    await expect(admin.report('tank', patient())).rejects.toMatchObject({ code: 'DAMAGED' });
  });

  test('tells what it can hold without its redundancy', async () => {
    const { admin } = fake({
      'zpool status -p': answer(status('none requested')),
      'zfs get': answer('used\t1000\navailable\t3000\n'),
    });
    expect(await admin.report('tank', patient())).toMatchObject({ sizeBytes: 4000, usedBytes: 1000 });
  });

  test('makes a pool of no file that somebody else has made, and goes on with its own', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'floatlab-zfs-'));
    try {
      const file = join(folder, 'tank.img');
      const spec = { name: 'tank', layout: 'single', on: { file, sizeBytes: 2 ** 28 } } as const;
      const none = answer('', "cannot open 'tank': no such pool\n", 1);
      let created: Ran = answer('', 'cannot create: the disk went away', 1);
      const asked: string[] = [];
      const run: RunCommand = async (program, args, options) => {
        asked.push([program, args[0]].join(' '));
        if (['readlink', 'touch', 'sync', 'rm', 'stat'].includes(program)) return runHere(program, args, options);
        if (program === 'fallocate') await writeFile(file, 'blank');
        if (args[0] === 'create') return created;
        if (args[0] !== 'status') return answer('');
        return args[1] === '-j' ? answer('', "invalid option 'j'", 2) : none;
      };
      const admin = zfsPools({ pools: () => [{ name: 'tank', driver: 'zfs' }], run, inspector });

      await writeFile(file, 'the disk of a machine');
      await expect(admin.create(spec, patient())).rejects.toMatchObject({ code: 'HELD' });
      expect(asked.join()).not.toMatch(/fallocate|create/);

      await rm(file);
      await expect(admin.create(spec, patient())).rejects.toMatchObject({ message: /went away/ });
      created = answer('');
      asked.length = 0;
      // The report is that of a pool that is not there still: it got as far as making it.
      await expect(admin.create(spec, patient())).rejects.toMatchObject({ code: 'POOL_MISSING' });
      expect(asked).toContain('zpool create');
      expect(await readdir(folder)).toEqual(['tank.img']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.each([
    ['start', 'none requested', ['zpool scrub tank']],
    ['start', running, []],
    ['start', paused, ['zpool scrub tank']],
    ['pause', running, ['zpool scrub -p tank']],
    ['pause', paused, []],
    ['pause', 'none requested', []],
    ['cancel', running, ['zpool scrub -s tank']],
    ['cancel', paused, ['zpool scrub -s tank']],
    ['cancel', 'none requested', []],
  ] as const)('is told to %s a scrub only when that changes anything (%s)', async (action, scan, expected) => {
    const { admin, did } = fake({ 'zpool status -p': answer(status(scan)) });
    await admin.scrub('tank', action, patient());
    expect(did()).toEqual(expected);
  });

  test('knows a disk by one of its names, and a person may use another', async () => {
    const run: RunCommand = async (_, args) =>
      args[1] === '-j'
        ? answer('', "invalid option 'j'", 2)
        : answer(args[0] === 'status' ? status('none requested').replaceAll(' sda ', ' ata-A ') : '');
    const names = async (path: string) => (path === '/dev/sda' ? [path, '/dev/disk/by-id/ata-A'] : [path]);
    const admin = zfsPools({ pools: () => [{ name: 'tank', driver: 'zfs' }], run, inspector: { ...inspector, names } });
    const of = (...devices: string[]) => admin.create({ name: 'tank', layout: 'mirror', on: { devices } }, patient());
    expect(await of('/dev/sda', '/dev/sdb')).toMatchObject({ name: 'tank' });
    expect(await of('/dev/disk/by-id/ata-A', '/dev/sdb')).toMatchObject({ name: 'tank' });
    await expect(of('/dev/sdc', '/dev/sdb')).rejects.toMatchObject({ code: 'EXISTS' });
  });

  test('of old cannot pause', async () => {
    const { admin } = fake({
      'zpool status -p': answer(status(running)),
      'zpool scrub -p': answer('', "invalid option 'p'\nusage:\n\tscrub [-s] <pool> ...\n", 2),
    });
    await expect(admin.scrub('tank', 'pause', patient())).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  test('that has begun to scrub since we looked has done what was wanted', async () => {
    const busy = (text: string) =>
      fake({ 'zpool status -p': answer(status('none requested')), 'zpool scrub': answer('', text, 1) }).admin.scrub(
        'tank',
        'start',
        patient(),
      );
    await busy("cannot scrub tank: currently scrubbing; use 'zpool scrub -s' to cancel current scrub\n");
    await expect(busy('cannot scrub tank: currently resilvering\n')).rejects.toMatchObject({ code: 'BUSY' });
  });

  test('is not given a single disk beside a mirror, even when that disk may be erased', async () => {
    const { admin, did } = fake({ 'zpool status -p': answer(status('none requested')) });
    const more = { devices: ['/dev/sdc'], layout: 'single', erase: true } as const;
    await expect(admin.addDevices('tank', more, patient())).rejects.toMatchObject({ code: 'INVALID' });
    await expect(admin.addDevices('tank', { devices: ['/dev/sdc'] }, patient())).rejects.toMatchObject({
      code: 'INVALID',
    });
    expect(did()).toEqual([]);
  });

  test('is asked to let go of the old disk when a spare has taken its place for good', async () => {
    const spare = (group: string) =>
      status(
        'resilvered 1M in 00:00:01 with 0 errors on Sun Jun  7 12:43:45 2026',
        `	  mirror-0  ONLINE       0     0     0\n	    sda     ONLINE       0     0     0\n${group}	spares\n	  sdz       ${group.includes('spare-1') ? 'INUSE     currently in use' : 'AVAIL'}\n`,
      );
    const before = spare('	    sdb     ONLINE       0     0     0\n');
    const during = spare(
      '	    spare-1 ONLINE       0     0     0\n	      sdb   ONLINE       0     0     0\n	      sdz   ONLINE       0     0     0\n',
    );
    const after = spare('	    sdz     ONLINE       0     0     0\n');
    let text = before;
    const did: string[] = [];
    const run: RunCommand = async (_, args) => {
      if (args[0] === 'status') return args[1] === '-j' ? answer('', "invalid option 'j'", 2) : answer(text);
      if (args[0] === 'get') return answer('');
      did.push(args.join(' '));
      text = args[0] === 'replace' ? during : after;
      return answer('');
    };
    const admin = zfsPools({ pools: () => [{ name: 'tank', driver: 'zfs' }], run, inspector });
    await admin.replace('tank', { old: '/dev/sdb', by: '/dev/sdz' }, patient());
    expect(did).toEqual(['replace tank sdb /dev/sdz', 'detach tank sdb']);
  });

  test.each([
    ["cannot open 'tank': no such pool", 'POOL_MISSING'],
    ['cannot replace /srv/v2 with /srv/v5: no such device in pool', 'MISSING'],
    ["cannot create 'tank': pool already exists", 'EXISTS'],
    [
      "invalid vdev specification\nuse '-f' to override the following errors:\n/dev/sdb contains a filesystem of type 'ext4'",
      'HELD',
    ],
    [
      "invalid vdev specification\nuse '-f' to override the following errors:\n/srv/a is part of exported pool 'old'",
      'HELD',
    ],
    [
      "invalid vdev specification\nthe following errors must be manually repaired:\n/srv/a is part of active pool 'tank'",
      'BUSY',
    ],
    [
      "invalid vdev specification\nuse '-f' to override the following errors:\nmirror contains devices of different sizes",
      'INVALID',
    ],
    ['invalid vdev specification\nmismatched replication level: pool uses mirror and new vdev is disk', 'INVALID'],
    ['cannot replace sda with sdb: device is too small', 'INVALID'],
    ['cannot offline sda: no valid replicas', 'HELD'],
    ["cannot scrub 'tank': pool I/O is currently suspended", 'DAMAGED'],
    ['cannot create: permission denied', 'PERMISSION'],
    ["cannot create 'tank': out of space", 'NO_SPACE'],
    ["unrecognized command 'trim'", 'UNSUPPORTED'],
    ['something else', 'FAILED'],
  ] satisfies readonly (readonly [string, IoErrorCode])[])('that says %j is understood', (stderr, code) => {
    expect(zpoolError('zpool create', 'tank', answer('', stderr, 1)).code).toBe(code);
  });
});
