/** What a pool is and can, as found: by the tools, by the features of the zpool, by its disks. */
import type { PoolAbilities, PoolInfo } from '../port.ts';
import { IoError } from '../../error.ts';
import type { Zfs } from './commands.ts';
import { withHint } from './errors.ts';
import { property, zpoolOf } from './layout.ts';
import { allDisksTrim, poolCompressions } from './parse.ts';
import type { ZfsPool } from './site.ts';
import { valueOf } from './state.ts';

/** zfs trims no piece of free space that is smaller than this; a block of a file can be. */
const smallestTrim = '/sys/module/zfs/parameters/zfs_trim_extent_bytes_min';
const smallestBlock = 4096;

const states: Readonly<Record<string, PoolInfo['state']>> = { ONLINE: 'online', DEGRADED: 'degraded' };

/** @throws IoError POOL_MISSING */
export async function readPool(zfs: Zfs, pool: ZfsPool): Promise<PoolInfo> {
  await readPoolId(zfs, pool, 'pools');
  const found = (await zfs.get(['used', 'available'], [pool.root])).get(pool.root);
  const bytes = (name: string) => Number(found?.get(name)?.value ?? 0) || 0;
  const properties = await zfs.pool(zpoolOf(pool.root));
  const health = states[properties.get('health') ?? ''] ?? 'unavailable';
  const isReadOnly = properties.get('readonly') === 'on';
  return {
    name: pool.name,
    driver: 'zfs',
    sizeBytes: bytes('used') + bytes('available'),
    usedBytes: bytes('used'),
    state: health === 'online' && isReadOnly ? 'degraded' : health,
    can: await abilities(zfs, zpoolOf(pool.root), properties),
  };
}

/** @returns its id @throws IoError POOL_MISSING when it is not there, or another one */
export async function readPoolId(zfs: Zfs, pool: ZfsPool, op: string): Promise<string> {
  const found = (await zfs.get([property.pool], [pool.root])).get(pool.root);
  return checkPoolId(pool, found && valueOf(found, property.pool), op, found !== undefined);
}

/** @throws IoError POOL_MISSING */
export function checkPoolId(pool: ZfsPool, id: string | undefined, op: string, isThere = true): string {
  if (id !== undefined && (pool.id === undefined || pool.id === id)) return id;
  const why = !isThere
    ? `there is no dataset ${pool.root}`
    : id === undefined
      ? `${pool.root} was not prepared for FloatLab`
      : `${pool.root} is that of another pool`;
  const message = `the pool ${pool.name} is missing: ${why}`;
  throw new IoError('POOL_MISSING', { op, target: pool.name, message, ...withHint('POOL_MISSING') });
}

async function abilities(zfs: Zfs, zpool: string, properties: ReadonlyMap<string, string>): Promise<PoolAbilities> {
  const tools = await zfs.tools();
  return {
    quota: true,
    changes: tools.written,
    recordSize: true,
    compression: poolCompressions(tools, properties),
    copyOnWrite: true,
    together: tools.snapshotsMany,
    scrubbedDestroy: tools.trims && (await canTrim(zfs, zpool)),
  };
}

/** Whether trimming leaves nothing: all disks can, and no block is too small for it. */
export async function canTrim(zfs: Zfs, zpool: string): Promise<boolean> {
  if (!(await zfs.tools()).trims || !allDisksTrim(await zfs.trimStatus(zpool))) return false;
  try {
    return Number(await zfs.readFile(smallestTrim)) <= smallestBlock;
  } catch {
    // What cannot be found out is not promised.
    return false;
  }
}
