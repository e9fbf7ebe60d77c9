/**
 * Pools as people name them: `[NAME=]WHERE`.
 *
 *     --pool /mnt/tank                    a folder on btrfs
 *     --pool zfs:tank/floatlab            a dataset of zfs, which is made when it is not there
 *     --pool slow=dir:/srv/slow           a plain folder on any file system: snapshots are copies
 *
 * The first one is called `main` when it has no name; each other one has to have a name.
 */
import { join, resolve } from 'node:path';
import { isName, nameRule } from '#events/values/name.ts';

export interface PoolSetting {
  readonly name: string;
  readonly driver: 'btrfs' | 'zfs' | 'dir';
  /** An absolute path, or the name of a zfs dataset. */
  readonly where: string;
}

export const usualPool = 'main';

/** `<data>/pool/mnt`, `pool.img`, `pool.json`, `btrfs` and `dir` are of the pool that every node has. */
const ownNames: ReadonlySet<string> = new Set(['mnt', 'pool', 'btrfs', 'dir']);
/** Whether a pool that is made or adopted through the lab must not be called so. */
export const isOwnName = (name: string): boolean => ownNames.has(name);

/** What the data folder remembers of pools, by their names; no name has a dot, so that none can be taken for another. */
const memories = new Map([
  [usualPool, 'pool.json'],
  ['pool', 'pool.pool.json'],
]);

/** Where the data folder remembers which pool it was. */
export const poolMemory = (dataDir: string, name: string): string =>
  join(dataDir, 'pool', memories.get(name) ?? `${name}.json`);

/** @returns what is wrong, as one sentence, instead of the pools */
export function parsePools(texts: readonly string[]): readonly PoolSetting[] | string {
  const pools: PoolSetting[] = [];
  for (const text of texts) {
    const [, named, kind, where = ''] = /^(?:([^=/:]*)=)?(?:(zfs|dir|btrfs):)?(.*)$/s.exec(text) ?? [];
    const name = named ?? (pools.length === 0 ? usualPool : undefined);
    if (name === undefined) return `--pool ${text}: several pools need names, for example fast=${text}`;
    if (!isName(name)) return `--pool ${text}: the name of a pool is like other names: ${nameRule}`;
    if (pools.some((pool) => pool.name === name)) return `--pool ${text}: there is another pool ${name} already`;
    if (where === '') return `--pool ${text}: say where it is, for example /mnt/tank or zfs:tank/floatlab`;
    const driver = (kind ?? 'btrfs') as PoolSetting['driver'];
    const place = driver === 'zfs' ? where : resolve(where);
    const same = pools.find((pool) => pool.where === place && (pool.driver === 'zfs') === (driver === 'zfs'));
    if (same) return `--pool ${text}: ${place} is the pool ${same.name} already; one pool has one name`;
    pools.push({ name, driver, where: place });
  }
  return pools;
}
