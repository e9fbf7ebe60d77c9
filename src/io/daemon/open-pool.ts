/** Opens one pool for volumes, whichever way it came to the node. Finds what is there, and finishes what was interrupted. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Call } from '../devices/call.ts';
import { IoError } from '../devices/error.ts';
import { mountMade, type MountOptions } from '../devices/pools/btrfs/reopen.ts';
import { run as runCommand, type RunCommand } from '../devices/run.ts';
import { btrfsBackend } from '../devices/replication/btrfs/backend.ts';
import { replicated } from '../devices/replication/with-trees.ts';
import { zfsBackend } from '../devices/replication/zfs/backend.ts';
import { btrfsVolumes } from '../devices/volumes/btrfs/real.ts';
import { prepareDirPool } from '../devices/volumes/dir/pool.ts';
import { dirVolumes } from '../devices/volumes/dir/real.ts';
import { refuseStranger, remember, rememberedId, rememberId } from '../devices/volumes/identity.ts';
import type { OwnPlaces } from '../devices/volumes/own-places.ts';
import type { VolumePort } from '../devices/volumes/port.ts';
import { zfsVolumes } from '../devices/volumes/zfs/real.ts';
import { ensureZfsRoot } from '../devices/volumes/zfs/root.ts';
import { ensurePool, type PoolLog } from './pool.ts';
import type { ListedPool } from './pool-list.ts';
import { poolMemory, type PoolSetting } from './pool-setting.ts';

export interface OpenContext {
  /** Absolute, without symbolic links. */
  readonly dataDir: string;
  readonly log: PoolLog;
  /** What is not to be adopted as a volume. */
  readonly ownPlaces: OwnPlaces;
  /** What runs the tools of zfs. */
  readonly run?: RunCommand;
}

/** One pool, and nothing else: a pool that hangs holds up no other. @throws IoError */
export async function openPool(
  pool: PoolSetting & Partial<Pick<ListedPool, 'devices' | 'file'>>,
  {
    dataDir,
    log,
    ownPlaces,
    run = runCommand,
    ...mounting
  }: OpenContext & Pick<MountOptions, 'patienceMs' | 'waits' | 'degraded'>,
  call: Call,
): Promise<VolumePort> {
  const { name, driver, where } = pool;
  const { signal } = call;
  switch (driver) {
    case 'btrfs': {
      const on = pool.file === undefined ? pool.devices && { devices: pool.devices } : { file: pool.file };
      if (on) await mountMade({ name, mountpoint: where, on }, call, mounting);
      const opened = await ensurePool({ dataDir, mountpoint: where, name, log, signal });
      return replicated(btrfsVolumes({ pools: [opened], ownPlaces }), btrfsBackend({ pools: [opened] }));
    }
    case 'zfs': {
      // One that was not made here lies where zpool looks by itself.
      const on = (pool.file === undefined ? pool.devices : [pool.file]) ?? [];
      await importMade(zpoolOf(where), on, call, run);
      const pools = [{ name, root: where, ...(await zfsRoot(pool, dataDir, call, run)) }];
      return replicated(zfsVolumes({ pools, ownPlaces, run }), zfsBackend({ pools, run }));
    }
    case 'dir': {
      const memory = poolMemory(dataDir, name);
      await refuseStranger(memory, where);
      await prepareDirPool(where);
      await remember(memory, where);
      log.warn(`pool ${name} is a plain folder: sizes of volumes are not enforced, and each snapshot is a copy`);
      return replicated(dirVolumes({ pools: [{ name, folder: where }], ownPlaces }));
    }
  }
}

/** The zpool that a dataset lies in. */
export const zpoolOf = (dataset: string): string => dataset.split('/')[0] ?? dataset;

async function zfsRoot({ name, where }: PoolSetting, dataDir: string, call: Call, run: RunCommand) {
  const memory = poolMemory(dataDir, name);
  const known = await rememberedId(memory, where);
  // One that is remembered and is not there is not made anew: it is not imported, or lost.
  const { id } =
    known === undefined ? await ensureZfsRoot({ root: where, id: randomUUID(), run }, call) : { id: known };
  await rememberId(memory, where, id);
  return { mountBase: join(dataDir, 'pool', name), id };
}

/** Of one that is imported: done. @throws IoError POOL_MISSING */
async function importMade(zpool: string, devices: readonly string[], call: Call, run: RunCommand): Promise<void> {
  const ask = (...args: readonly string[]) =>
    run('zpool', args, { signal: call.signal, timeoutMs: call.timeoutMs, target: zpool });
  if ((await ask('list', '-H', '-o', 'name', zpool)).exitCode === 0) return;
  const folders = new Set(devices.map((device) => device.slice(0, device.lastIndexOf('/')) || '/'));
  const ran = await ask('import', ...[...folders].flatMap((folder) => ['-d', folder]), zpool);
  if (ran.exitCode === 0) return;
  throw new IoError('POOL_MISSING', {
    op: 'zpool import',
    target: zpool,
    message: `the pool ${zpool} cannot be imported: ${ran.stderr.trim().split('\n')[0] ?? ''}`,
    hint: 'Bring its disks back: it is opened by itself as soon as enough of them are there.',
  });
}
