/** What a pool can do, by what the kernel tells of itself and of the disks. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { canTrim, compressions } from '#io/devices/volumes/btrfs/abilities.ts';
import type { OpenPool } from '#io/devices/volumes/btrfs/pool.ts';

let sys: string;
beforeEach(async () => {
  sys = await mkdtemp(join(tmpdir(), 'floatlab-sys-'));
});
afterEach(() => rm(sys, { recursive: true }));

/** A disk, or a partition of one, of a file system. */
const addDisk = async (filesystem: string, name: string, discardBytes: string, partitionOf?: string) => {
  const disk = join(sys, 'devices', partitionOf ?? name);
  const block = partitionOf === undefined ? disk : join(disk, name);
  await mkdir(join(disk, 'queue'), { recursive: true });
  await writeFile(join(disk, 'queue', 'discard_max_bytes'), discardBytes);
  if (partitionOf !== undefined) {
    await mkdir(block);
    await writeFile(join(block, 'partition'), '1\n');
  }
  const devices = join(sys, 'fs', 'btrfs', filesystem, 'devices');
  await mkdir(devices, { recursive: true });
  await symlink(block, join(devices, name));
};

const poolOn = (source: string, readOnly = false): OpenPool => {
  const mount = {
    ...{ device: '0:61', root: '/', point: '/pool', readOnly, isHarmless: true },
    ...{ compression: undefined, type: 'btrfs', source },
  };
  return { name: 'main', path: '/pool', mount, mounts: [mount] };
};
/** Any file that is there: only its name counts. */
const device = async (name: string) => {
  const path = join(sys, name);
  await writeFile(path, '');
  return path;
};

test('a pool can be scrubbed away where all of its disks can be trimmed', async () => {
  await addDisk('other', 'sdz', '0\n');
  await addDisk('this', 'sda', '2147450880\n');
  await addDisk('this', 'sdb1', '2147450880\n', 'sdb');
  const source = await device('sda');
  expect(await canTrim(sys, poolOn(source))).toBe(true);
  expect(await canTrim(sys, poolOn(source, true))).toBe(false);
  await addDisk('this', 'sdc', '0\n');
  expect(await canTrim(sys, poolOn(source))).toBe(false);
});

test('a device may have another name, which leads to it', async () => {
  await addDisk('this', 'dm-0', '2147450880\n');
  const alias = join(sys, 'data-disk');
  await symlink(await device('dm-0'), alias);
  expect(await canTrim(sys, poolOn(alias))).toBe(true);
});

test('a pool in a file cannot, whatever the kernel says: the disk of the host keeps what was in it', async () => {
  await addDisk('this', 'loop0', '4294966784\n');
  await mkdir(join(sys, 'devices', 'loop0', 'loop'));
  expect(await canTrim(sys, poolOn(await device('loop0')))).toBe(false);
});

test('a disk that the kernel says nothing of cannot', async () => {
  expect(await canTrim(sys, poolOn(await device('sda')))).toBe(false);
  expect(await canTrim(sys, poolOn('/nowhere'))).toBe(false);
});

test('zstd is there where the kernel has it', async () => {
  expect(await compressions(sys)).toEqual(['off', 'gzip']);
  const features = join(sys, 'fs', 'btrfs', 'features');
  await mkdir(features, { recursive: true });
  await writeFile(join(features, 'compress_zstd'), '0\n');
  expect(await compressions(sys)).toEqual(['off', 'zstd', 'gzip']);
});
