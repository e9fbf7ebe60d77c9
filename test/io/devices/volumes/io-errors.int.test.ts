/**
 * What cannot be read is not taken for missing: a volume that looked gone because its disk failed for a moment would be
 * made anew, or given up. A symbolic link that leads to itself cannot be followed, whoever asks: it stands for the disk.
 */
import promises, { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { unlessMissing } from '#io/devices/errno.ts';
import { realMarks } from '#io/devices/marks/real.ts';
import { findPlace } from '#io/devices/pools/btrfs/place.ts';
import { isSubvolume } from '#io/devices/volumes/btrfs/snapshots.ts';
import { patient } from '#test/contracts/volumes.ts';
import { quickTools, tempFolder } from './dir-pool.ts';

/** The disk under this path fails. Modules of Node are shared by all files of a worker: the real one comes back at the end. */
const broken = { path: '' };
const { lstat } = promises;
beforeAll(() => {
  promises.lstat = (async (...args: Parameters<typeof lstat>) => {
    if (broken.path !== '' && String(args[0]) === broken.path)
      throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO', errno: -5 });
    return lstat(...args);
  }) as typeof lstat;
  syncBuiltinESMExports();
});
afterAll(() => {
  promises.lstat = lstat;
  syncBuiltinESMExports();
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'floatlab-io-errors-'));
  await symlink('loop', join(folder, 'loop'));
});
afterEach(async () => {
  broken.path = '';
  await rm(folder, { recursive: true });
});

describe('a disk that cannot be read', () => {
  test('is not a file that is missing', async () => {
    await expect(unlessMissing(readFile(join(folder, 'nothing')), 'none')).resolves.toBe('none');
    await expect(unlessMissing(readFile(join(folder, 'loop')), 'none')).rejects.toMatchObject({ code: 'ELOOP' });
  });

  test('is not a subvolume that is gone', async () => {
    await mkdir(join(folder, 'plain'));
    expect(await isSubvolume(join(folder, 'nothing'))).toBe(false);
    expect(await isSubvolume(join(folder, 'plain'))).toBe(false);
    expect(await isSubvolume(join(folder, 'loop'))).toBe(false);
    await expect(isSubvolume(join(folder, 'loop', 'in-it'))).rejects.toMatchObject({ code: 'ELOOP' });
  });

  test('is not a pool that is not mounted', async () => {
    const place = (mountpoint: string) => findPlace({ name: 'tank', driver: 'btrfs', mountpoint });
    expect(await place(join(folder, 'nothing'))).toBeUndefined();
    await expect(place(join(folder, 'loop'))).rejects.toMatchObject({ code: 'ELOOP' });
  });

  test('takes no volume in a plain folder off the list', async () => {
    const pool = await tempFolder({ run: quickTools });
    const of = { pool: 'test', name: 'photos' };
    const { path } = await pool.volumes.create(of, { sizeBytes: 2 ** 20 }, patient());
    broken.path = path;
    expect(await pool.volumes.list('test', patient())).toEqual(['photos']);
    await expect(pool.volumes.inspect(of, patient())).rejects.toMatchObject({ code: 'DAMAGED' });
    await pool.dispose();
  });

  test('is no change of the files of a volume', async () => {
    const volume = join(folder, 'volume');
    await mkdir(volume);
    await writeFile(join(volume, 'one'), 'one');
    expect(await realMarks.walk(volume, patient())).toEqual(await realMarks.walk(volume, patient()));
    broken.path = join(volume, 'one');
    await expect(realMarks.walk(volume, patient())).rejects.toMatchObject({ code: 'FAILED' });
  });
});
