/** Pools on real zfs, of either generation; disks are files there. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import type { DeviceInspector } from '#io/devices/pools/devices.ts';
import { checkPath, invalid } from '#io/devices/pools/names.ts';
import type { ManagedPool } from '#io/devices/pools/port.ts';
import { zfsPools } from '#io/devices/pools/zfs/real.ts';
import type { PoolsUnderTest } from '#test/contracts/pools.ts';
import { patient } from '#test/contracts/pools.ts';
import type { ZfsMachine } from '#test/zfs-fixture.ts';

const MiB = 2 ** 20;
const diskMiB = 64;

export async function poolsOn(machine: ZfsMachine): Promise<PoolsUnderTest> {
  const { run } = machine;
  const folder = join(machine.folder, 'disks');
  const mountpoint = (name: string) => join(machine.folder, 'mnt', name);
  const tool = async (file: string, ...args: string[]): Promise<string> => {
    const ran = await run(file, args, patient({ timeoutMs: 60_000 }));
    expect(ran.exitCode, `${file} ${args.join(' ')}: ${ran.stderr}`).toBe(0);
    return ran.stdout;
  };
  const disk = async (name: string): Promise<string> => {
    const path = join(folder, name);
    await tool('truncate', '-s', String(diskMiB * MiB), path);
    return path;
  };
  await tool('mkdir', '-p', folder);
  const devices: string[] = [];
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) devices.push(await disk(name));
  const full = await disk('full');
  await tool('zpool', 'create', '-m', 'none', 'theirs', full);
  await tool('zpool', 'export', 'theirs');
  const used = await disk('used');
  await tool('zpool', 'create', '-m', 'none', 'busy', used);

  /** Only that the file is there: what it holds and who uses it is left to zfs to find out. */
  const inspector: DeviceInspector = {
    names: async (path) => [path],
    candidates: async () => [],
    async inspect(op, path) {
      checkPath(op, path);
      const ran = await run('ls', [path], patient());
      if (ran.exitCode !== 0) throw invalid(op, path, 'is no device', 'Name another one.');
      return { path, sizeBytes: diskMiB * MiB, uses: [], holds: [] };
    },
  };
  const pools = () =>
    ['tank', 'other'].map((name): ManagedPool => ({ name, driver: 'zfs', mountpoint: mountpoint(name) }));
  const open = () => zfsPools({ pools, run, inspector });
  return {
    admin: open(),
    driver: 'zfs',
    reopen: open,
    devices,
    full,
    used,
    look: async (device) => (await tool('md5sum', device)).split(' ')[0] ?? '',
    async fill(name) {
      const at = join(mountpoint(name), randomBytes(4).toString('hex'));
      await tool('dd', 'if=/dev/urandom', `of=${at}`, 'bs=65536', 'count=32', 'conv=fsync');
    },
    async corrupt(device) {
      // Between the labels at both ends.
      await tool('dd', 'if=/dev/zero', `of=${device}`, 'bs=1048576', 'seek=6', 'count=50', 'conv=notrunc');
    },
    // zfs-fuse is too old for that.
    forbidWrites:
      machine.kind === 'zfs-fuse'
        ? undefined
        : async () => {
            await tool('zpool', 'export', 'tank');
            await tool('zpool', 'import', '-o', 'readonly=on', '-d', folder, 'tank');
          },
    async lose(device) {
      await tool('zpool', 'export', 'tank');
      await tool('rm', device);
      await tool('zpool', 'import', '-d', folder, 'tank');
    },
    canPause: machine.kind === 'OpenZFS',
    file: { path: join(machine.folder, 'pool.img'), sizeBytes: 128 * MiB, grows: false },
    async slowScrubs(isSlow) {
      const parameter = '/sys/module/zfs/parameters/zfs_scan_suspend_progress';
      await machine.write(parameter, isSlow ? '1' : '0');
    },
    now: () => Date.now(),
    wait: () => setTimeout(100),
    dispose: machine.dispose,
  };
}
