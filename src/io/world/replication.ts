/**
 * Replication of a simulated machine: one port over its pools, each of its own kind, all of them with streams of files.
 * What is in the pools outlives a daemon; what a daemon has in hand ends with it, at the next step.
 */
import type { Clock } from '../devices/clock/port.ts';
import type { Random } from '../devices/random/port.ts';
import { replicationByPool, type ReplicationOfDriver } from '../devices/replication/by-pool.ts';
import type { ReplicationPort } from '../devices/replication/port.ts';
import { simBackend } from '../devices/replication/sim/backend.ts';
import { simTreeMeans } from '../devices/replication/tree/sim.ts';
import { treeReplicationWith } from '../devices/replication/tree/backend.ts';
import { replicationWithTrees } from '../devices/replication/with-trees.ts';
import type { SimVolumes } from '../devices/volumes/sim.ts';
import type { SimPool } from '../devices/volumes/sim/pools.ts';

export interface WorldReplicationOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** As one daemon sees them: what it asks for takes effect, and is answered only while it runs. */
  readonly volumes: SimVolumes;
}

export function worldReplication(options: WorldReplicationOptions): ReplicationPort {
  const { volumes } = options;
  const ports = new Map<SimPool, ReplicationOfDriver>();
  return replicationByPool(() =>
    [...volumes.inside].map(([name, pool]) => {
      const known = ports.get(pool) ?? { pools: [name], port: simPoolReplication(name, pool, options) };
      ports.set(pool, known);
      return known;
    }),
  );
}

/** As the pools of a real node have it (`replicated`). */
function simPoolReplication(
  name: string,
  pool: SimPool,
  { clock, random, volumes }: WorldReplicationOptions,
): ReplicationPort {
  const means = simTreeMeans({ clock, random, volumes });
  if (pool.driver === 'dir') return treeReplicationWith(means, { clock });
  const own = { inside: new Map([[name, pool]]), usedBy: (path: string) => volumes.usedBy?.(path) };
  return replicationWithTrees(simBackend({ clock, random, volumes: own }), means, { clock });
}
