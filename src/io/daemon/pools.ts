/**
 * The pools of a node, and one port over all of them. Without a setting it has one, as `pool.ts` finds or makes it, or
 * `plain-pool.ts` where the machine has neither btrfs nor zfs. Each is known again by its id, so that nothing else that
 * lies in its place is taken for it.
 */
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../devices/clock/port.ts';
import type { NodePools } from '../devices/pools/node-pools.ts';
import { btrfsBackend } from '../devices/replication/btrfs/backend.ts';
import type { ReplicationPort } from '../devices/replication/port.ts';
import { replicated } from '../devices/replication/with-trees.ts';
import { btrfsVolumes } from '../devices/volumes/btrfs/real.ts';
import type { OwnPlaces } from '../devices/volumes/own-places.ts';
import type { VolumePort } from '../devices/volumes/port.ts';
import { openNodePools, type GivenPool } from './node-pools.ts';
import { openPool } from './open-pool.ts';
import { isPlain, lacksBtrfs, plainPool, refuseBesideZfs } from './plain-pool.ts';
import { ensurePool, type PoolLog } from './pool.ts';
import { ownPlaces, placeOf, refuseSecondName, type PoolPlace } from './pool-places.ts';
import { usualPool, type PoolSetting } from './pool-setting.ts';

export interface PoolsOptions {
  readonly dataDir: string;
  /** None: the one that every node has. */
  readonly pools: readonly PoolSetting[];
  /** Of the image that a node without a setting has. */
  readonly sizeBytes: number | undefined;
  readonly clock: Clock;
  readonly log: PoolLog;
  readonly signal: AbortSignal;
}

export interface OpenedPools {
  readonly volumes: VolumePort;
  readonly replication: ReplicationPort;
  readonly pools: NodePools;
  /** What a person should know about them. */
  readonly notes: readonly string[];
}

const patienceMs = 60_000;

/** @throws IoError with a hint for the person who starts the daemon */
export async function openPools(options: PoolsOptions): Promise<OpenedPools> {
  const { pools, log, signal, clock } = options;
  await mkdir(join(options.dataDir, 'pool'), { recursive: true, mode: 0o711 });
  const dataDir = await realpath(options.dataDir);
  const places = new Map<string, PoolPlace>();
  const own = () => ownPlaces(dataDir, places.values());
  const context = { dataDir, log, ownPlaces: own };
  const call = { signal, timeoutMs: patienceMs, progress: () => {} };
  const given: GivenPool[] = [];
  const notes: string[] = [];
  if (pools.length === 0) {
    const { pool, note } = await usual({ ...options, ownPlaces: own });
    given.push(pool);
    if (note !== undefined) notes.push(note);
  }
  for (const pool of pools) {
    const { name, driver, where } = pool;
    refuseSecondName(await placeOf(pool), places.values());
    given.push({ name, driver, where, origin: 'given', volumes: await openPool(pool, context, call) });
    places.set(name, await placeOf(pool));
    if (driver !== 'btrfs') log.info(`volumes of pool ${name} are kept in ${where}`);
  }
  return { ...(await openNodePools({ dataDir, given, places, clock, log, signal })), notes };
}

/** The one that every node has. */
async function usual(
  options: PoolsOptions & { readonly ownPlaces: OwnPlaces },
): Promise<{ readonly pool: GivenPool; readonly note: string | undefined }> {
  const { dataDir, sizeBytes, log, signal, ownPlaces: own } = options;
  const lacks = await lacksBtrfs(dataDir, signal);
  if (lacks !== undefined) {
    if (!(await isPlain(dataDir))) await refuseBesideZfs(lacks, signal);
    return plainPool(dataDir, lacks, log, own);
  }
  const pool = await ensurePool({ dataDir, sizeBytes, log, signal });
  return {
    pool: {
      ...{ name: usualPool, driver: 'btrfs', origin: 'usual', where: pool.mountpoint },
      volumes: replicated(btrfsVolumes({ pools: [pool], ownPlaces: own }), btrfsBackend({ pools: [pool] })),
    },
    note: undefined,
  };
}
