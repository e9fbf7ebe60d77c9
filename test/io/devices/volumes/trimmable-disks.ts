/**
 * A folder in place of `/sys` in which the disk of a pool is no file but a disk that can be trimmed. The real one in tests
 * is a file, of which FloatLab says that it cannot; to the kernel it can.
 */
import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { TempPool } from '#test/pool-fixture.ts';

export async function trimmableDisks(pool: TempPool): Promise<string> {
  const source = await pool.tool('findmnt', '--noheadings', '--output', 'SOURCE', pool.mountpoint);
  const device = basename(source.trim());
  const sys = await mkdtemp(join(pool.folder, 'sys-'));
  const devices = join(sys, 'fs', 'btrfs', '00000000-1111-2222-3333-444444444444', 'devices');
  const disk = join(sys, 'devices', device);
  await mkdir(devices, { recursive: true });
  await mkdir(join(disk, 'queue'), { recursive: true });
  await writeFile(join(disk, 'queue', 'discard_max_bytes'), '4294966784\n');
  await symlink(disk, join(devices, device));
  return sys;
}
